//! A machine that was bought by the hour: when it ends, more hours, an early end, and what is done at the end.

use super::payment::{Bill, Purpose, Standing};
use super::timer::MACHINE_SECONDS;
use super::{
    Answer, Attempt, BundleState, Droplet, EndReason, Failure, FailureReason, Invoice, Missing,
    Order, State, Step, TeardownStep,
};
use crate::catalogue::Product;
use crate::classroom;
use crate::error::{ApiError, ErrorCode};
use crate::money::Sats;
use crate::time::UnixMillis;

/// The most hours that one invoice buys for a node: 31 days.
pub const MAX_EXTENSION_HOURS: u32 = 31 * 24;
/// The most unpaid invoices for more hours that an order may have at once.
const MAX_OPEN_EXTENSIONS: usize = 5;
/// An invoice for more hours is payable at least this long, in seconds; a machine nearer to its end is not extended.
const MIN_INVOICE_SECONDS: u64 = 60;
/// How long the end waits for LNbits to say whether more hours were paid in the last moment, in seconds.
const END_GRACE_SECONDS: u64 = 600;
/// A droplet that the cloud denies for this long is believed to be gone, in seconds; its volume is deleted then.
const MISSING_SECONDS: u64 = 600;
/// How often a droplet that is missing is looked for, in milliseconds.
const MISSING_POLL_MILLIS: u64 = 120_000;

/// An extension that was asked for: what its invoice must be, or the invoice that is open for it already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// An invoice of this amount is to be made, payable for this many seconds.
    Wanted {
        /// The price.
        amount: Sats,
        /// How long it may be paid.
        seconds: u64,
    },
    /// There is one.
    Open,
}

impl Order {
    /// What `hours` more cost, rounded up to a whole satoshi; `None` for a machine without an end.
    pub fn extension_price(&self, hours: u32) -> Option<Sats> {
        let bought = u128::from(self.plan.hours.filter(|hours| *hours > 0)?);
        let sats = (u128::from(self.price.sats()) * u128::from(hours)).div_ceil(bought);
        Some(Sats::from_sats(u64::try_from(sats).unwrap_or(u64::MAX)))
    }

    /// The most hours that one more invoice buys; 0 where no more are sold.
    pub fn max_extension_hours(&self) -> u32 {
        match self.request.product {
            Product::FullNode { .. } => MAX_EXTENSION_HOURS,
            Product::Classroom(_) => self.addable_hours().min(classroom::MAX_HOURS),
        }
    }

    /// The hours that may still be added in all.
    fn addable_hours(&self) -> u32 {
        match self.request.product {
            Product::FullNode { .. } => u32::MAX,
            Product::Classroom(_) => {
                let bought = |bill: &Bill| matches!(bill.standing, Standing::Bought { .. });
                classroom::MAX_ADDED_HOURS.saturating_sub(self.added_hours(bought))
            }
        }
    }

    /// The hours of all such bills together.
    fn added_hours(&self, which: impl Fn(&Bill) -> bool) -> u32 {
        let hours = |bill: &Bill| match bill.purpose {
            Purpose::Extension { hours } if which(bill) => hours,
            _ => 0,
        };
        self.bills.iter().map(hours).sum()
    }

    /// Asks for more hours. Nothing changes until an invoice for them is [added](Self::add_extension).
    ///
    /// # Errors
    /// `invalid_hours`; `not_extendable` without a running machine that has an end far enough off; `too_many_requests`.
    pub fn extension(
        &self,
        hours: u32,
        invoice_seconds: u64,
        now: UnixMillis,
    ) -> Result<Extension, ApiError> {
        if hours == 0 {
            return Err(ErrorCode::InvalidHours.into());
        }
        let (State::Ready { .. }, Some(ends_at), Some(amount)) =
            (&self.state, self.ends_at, self.extension_price(hours))
        else {
            return Err(ErrorCode::NotExtendable.into());
        };
        let left = ends_at.since(now) / 1000;
        if left < MIN_INVOICE_SECONDS {
            return Err(ErrorCode::NotExtendable.into());
        }
        let payable = |bill: &&Bill| {
            bill.standing == Standing::Open
                && bill.purpose != Purpose::Machine
                && now < bill.invoice.expires_at
        };
        let newest = self.bills.iter().rev().find(payable);
        if newest.is_some_and(|bill| bill.purpose == Purpose::Extension { hours }) {
            return Ok(Extension::Open);
        }
        let max = self.max_extension_hours();
        if max == 0 {
            return Err(ErrorCode::NotExtendable.into());
        }
        // What may be paid beside it must fit, too.
        let all = hours.saturating_add(self.added_hours(|bill| payable(&bill)));
        if hours > max || all > self.addable_hours() {
            return Err(ErrorCode::InvalidHours.into());
        }
        if self.bills.iter().filter(payable).count() >= MAX_OPEN_EXTENSIONS {
            return Err(ErrorCode::TooManyRequests.into());
        }
        Ok(Extension::Wanted {
            amount,
            seconds: invoice_seconds.min(left),
        })
    }

    /// The invoice for more hours is there.
    pub fn add_extension(&mut self, invoice: Invoice, amount: Sats, hours: u32, now: UnixMillis) {
        self.note(
            now,
            "extension_offered",
            format!("{hours} hours for {} sats", amount.sats()),
        );
        let purpose = Purpose::Extension { hours };
        self.bills.push(Bill::new(invoice, amount, purpose, now));
    }

    /// More hours were paid.
    pub(super) fn extend_by(&mut self, hours: u32, now: UnixMillis) {
        if let Some(ends_at) = &mut self.ends_at {
            *ends_at = ends_at.plus_seconds(u64::from(hours) * 3600);
            let seconds = ends_at.seconds();
            self.chore = Attempt::fresh(now);
            self.note(now, "extended", format!("ends at {seconds}"));
        }
    }

    /// When a droplet that is ordered now will end at the latest, for its name; `None` without an end.
    pub(super) fn expected_end(&self, now: UnixMillis) -> Option<UnixMillis> {
        let hours = self.plan.hours.filter(|hours| *hours > 0)?;
        Some(now.plus_seconds(MACHINE_SECONDS + u64::from(hours) * 3600))
    }

    /// The hours begin when the machine is delivered.
    pub(super) fn lease_begins(&mut self, now: UnixMillis) {
        self.ends_at = self
            .plan
            .hours
            .filter(|hours| *hours > 0)
            .map(|hours| now.plus_seconds(u64::from(hours) * 3600));
        self.chore = Attempt::fresh(now);
    }

    /// When the machine is to be removed: at its end, or a little later if LNbits has not said yet whether more hours were paid.
    pub(super) fn removal_at(&self) -> Option<UnixMillis> {
        let (State::Ready { .. }, Some(ends_at)) = (&self.state, self.ends_at) else {
            return None;
        };
        let in_doubt = self.bills.iter().any(|bill| {
            bill.standing == Standing::Open
                && bill.purpose != Purpose::Machine
                && !bill.surely_unpaid()
        });
        Some(if in_doubt {
            ends_at.plus_seconds(END_GRACE_SECONDS)
        } else {
            ends_at
        })
    }

    pub(super) fn end_reached(&mut self, now: UnixMillis) {
        if self.removal_at().is_some_and(|at| at <= now) {
            self.end(EndReason::HoursOver, now);
        }
    }

    /// Ends a running machine early; again is harmless. Nothing is owed back.
    ///
    /// # Errors
    /// `not_running` unless the machine was delivered.
    pub fn destroy(&mut self, now: UnixMillis) -> Result<(), ApiError> {
        match &self.state {
            State::Ready { .. } => self.end(EndReason::Destroyed, now),
            State::Ended { .. } => {}
            _ => return Err(ErrorCode::NotRunning.into()),
        }
        Ok(())
    }

    /// Removes a delivered machine.
    pub(super) fn end(&mut self, why: EndReason, now: UnixMillis) {
        let State::Ready { facts, bundle, .. } = &self.state else {
            return;
        };
        let taken = !matches!(bundle, BundleState::Sealed);
        let facts = facts.clone();
        self.note(
            now,
            "ending",
            format!("{}, credentials claimed: {taken}", why.code()),
        );
        self.resources.tailscale_key = None;
        // From here on the machine has nothing to say.
        self.voice.public_key = None;
        self.missing = None;
        self.bell.silence();
        self.state = State::Ended {
            why,
            at: now,
            facts,
            step: TeardownStep::FindDroplet,
            attempt: Attempt::fresh(now),
        };
        self.tear_down_from(TeardownStep::FindDroplet, now);
    }

    /// The name that the droplet should have by now, where the cloud has another.
    pub(super) fn new_name_wanted(&self) -> Option<UnixMillis> {
        match (&self.state, self.ends_at) {
            (State::Ready { .. }, Some(end)) if self.named_end != Some(end) => Some(end),
            _ => None,
        }
    }

    pub(super) fn renamed(&mut self, named: Result<UnixMillis, Failure>, now: UnixMillis) {
        match named {
            Ok(end) => {
                self.named_end = Some(end);
                self.chore = Attempt::fresh(now);
                self.note(now, "renamed", format!("ends at {}", end.seconds()));
            }
            // The name tells people; the order itself is what counts.
            Err(Failure::Final { .. }) => {
                self.named_end = self.ends_at;
                self.note(now, "rename_refused", "");
            }
            Err(failure) => self.chore_later(&failure, now),
        }
    }

    /// The sweep says that the cloud does not list this order's droplet.
    pub(super) fn droplet_missed(&mut self, droplet: u64, now: UnixMillis) {
        if self.resources.droplet == Some(droplet) && self.runs() && self.missing.is_none() {
            self.missing = Some(Missing { since: now });
            self.chore = Attempt::fresh(now);
            self.note(now, "droplet_missing", droplet.to_string());
        }
    }

    pub(super) fn runs(&self) -> bool {
        matches!(
            self.state,
            State::Ready { .. }
                | State::Provisioning {
                    step: Step::AwaitMachine,
                    ..
                }
        )
    }

    pub(super) fn checked(&mut self, found: Result<Option<Droplet>, Failure>, now: UnixMillis) {
        let Some(missing) = self.missing else {
            return;
        };
        match found {
            Ok(Some(_)) => {
                self.missing = None;
                self.note(now, "droplet_found_again", "");
            }
            // A cloud that errs for a moment must not cost a customer the volume.
            Ok(None) if now < missing.since.plus_seconds(MISSING_SECONDS) => {
                self.chore.not_before = now.plus_millis(MISSING_POLL_MILLIS);
            }
            Ok(None) => {
                self.missing = None;
                self.note(now, "droplet_lost", "");
                match &self.state {
                    State::Ready { .. } => self.end(EndReason::MachineLost, now),
                    State::Provisioning { .. } => self.fail(FailureReason::MachineLost, now),
                    _ => {}
                }
            }
            Err(failure) => self.chore_later(&failure, now),
        }
    }

    /// The droplet of a delivered machine was looked for by its tag.
    pub(super) fn droplet_looked_for(&mut self, answer: Result<Answer, Failure>, now: UnixMillis) {
        match (answer, self.resources.droplet_asked) {
            (Ok(Answer::Droplet(Some(droplet))), _) => {
                self.resources.droplet = Some(droplet.id);
                self.chore = Attempt::fresh(now);
                self.note(now, "droplet_found", droplet.id.to_string());
            }
            (Ok(Answer::Droplet(None)), Some(asked))
                if now >= asked.plus_seconds(MISSING_SECONDS) =>
            {
                self.note(now, "droplet_lost", "");
                self.end(EndReason::MachineLost, now);
            }
            (answer, _) => self.chore_later(&answer.err().unwrap_or(Failure::Unknown), now),
        }
    }

    fn chore_later(&mut self, failure: &Failure, now: UnixMillis) {
        let id = self.id;
        self.chore.failed(id, failure.retry_after(), now);
    }
}
