//! Giving back what is owed: one payout at a time, of one BOLT11 that is stored before it is paid.
//!
//! Invariant: a payout is given up for another only when it surely was not and cannot be paid any more. Until then the same BOLT11 is
//! looked up, and at most asked for again: whoever holds its preimage takes it once (BOLT 11), and LNbits pays it once.

use super::{Attempt, Failure, Order, State};
use crate::error::{ApiError, ErrorCode};
use crate::money::Sats;
use crate::payee::Payee;
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// How long after its end a BOLT11 that was asked for and is unknown to LNbits may still turn up there, in seconds.
const LATE_PAYOUT_SECONDS: u64 = 600;
/// How often a payout that is on its way is looked up, in milliseconds, at first.
const PAYOUT_POLL_MILLIS: u64 = 1000;
/// How long after a failure LNbits' node is asked, in milliseconds.
const FAILED_PAUSE_MILLIS: u64 = 30_000;
/// An invoice nearer to its end than this is not asked for, in seconds.
const MARGIN_SECONDS: u64 = 30;

/// A payment to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// How much.
    pub amount: Sats,
    /// The BOLT11 that is paid.
    pub payment_request: String,
    /// Its hash, 32 bytes in hex.
    pub payment_hash: String,
    /// When it stops being payable.
    pub expires_at: UnixMillis,
    /// What became of it is to be looked up before anything else.
    pub asked: bool,
    /// Asked for at least once.
    pub tried: bool,
    /// LNbits' books say that it failed. They are not the last word: its node may know better, and is asked only by asking for the
    /// payment again, which sends nothing (LNbits 1.6.2).
    #[serde(default)]
    pub failed: bool,
}

/// The way back of the customer's money.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refund {
    /// Where it goes, as the customer gave it.
    #[serde(default)]
    pub to: Option<String>,
    /// What was paid back so far.
    #[serde(default)]
    pub returned: Sats,
    /// The payment that is under way.
    #[serde(default)]
    pub payout: Option<Payout>,
    /// Why the address is no good; another one is awaited.
    #[serde(default)]
    pub problem: Option<String>,
    /// How it goes.
    #[serde(default)]
    pub attempt: Attempt,
    /// How much is being asked for, and of which address. An answer is good for just this: meanwhile the operator may pay by hand, or
    /// the customer name another address. Not stored: an order that is loaded anew asks again.
    #[serde(skip)]
    pub asking: Option<(Sats, Option<String>)>,
}

/// One step of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStep {
    /// Make a BOLT11 of the customer's address.
    Resolve,
    /// Ask LNbits to pay it.
    Pay,
    /// Ask LNbits what became of it.
    LookUp,
}

/// A BOLT11 that a refund may be paid to, checked against amount and network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutInvoice {
    /// The text.
    pub payment_request: String,
    /// Its hash, 32 bytes in hex.
    pub payment_hash: String,
    /// When it stops being payable.
    pub expires_at: UnixMillis,
}

/// What LNbits says of an outgoing payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outgoing {
    /// Settled, for this order.
    Paid,
    /// On its way.
    Pending,
    /// Failed by LNbits' books, which a late success of its node may still correct.
    Failed,
    /// Failed by its node, too: surely not paid, and never will be.
    Dead,
    /// LNbits does not know it (yet).
    Missing,
    /// In the books for something else.
    Foreign,
}

/// An answer to a refund's step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundAnswer {
    /// To [`RefundStep::Resolve`].
    Invoice(PayoutInvoice),
    /// To [`RefundStep::Resolve`]: never to this address, and why, as a sentence.
    Problem(String),
    /// To [`RefundStep::Pay`]: it was taken; what became of it is to be looked up.
    Asked,
    /// To [`RefundStep::LookUp`], or to [`RefundStep::Pay`] where LNbits knew at once.
    Outgoing(Outgoing),
}

impl Order {
    /// What is still to be given back.
    pub fn owed(&self) -> Sats {
        Sats::from_sats(
            self.debt()
                .sats()
                .saturating_sub(self.refund.returned.sats()),
        )
    }

    /// Where a refund is to go. It may be changed until a payout is under way.
    ///
    /// # Errors
    /// `refund_under_way`.
    pub fn refund_to(&mut self, to: String, now: UnixMillis) -> Result<(), ApiError> {
        if self.refund.to.as_ref() == Some(&to) && self.refund.problem.is_none() {
            return Ok(());
        }
        if self.refund.payout.is_some() {
            return Err(ErrorCode::RefundUnderWay.into());
        }
        self.refund.to = Some(to);
        self.refund.problem = None;
        self.refund.attempt = Attempt::fresh(now);
        self.note(now, "refund_address_given", "");
        Ok(())
    }

    /// The operator has given everything back by hand.
    ///
    /// # Errors
    /// `refund_under_way` while a payout's outcome is open.
    pub fn refunded_by_hand(&mut self, now: UnixMillis) -> Result<Sats, ApiError> {
        if self.refund.payout.is_some() {
            return Err(ErrorCode::RefundUnderWay.into());
        }
        let owed = self.owed();
        if owed.sats() > 0 {
            self.returned(owed);
            self.note(now, "refunded_by_hand", format!("{} sats", owed.sats()));
        }
        Ok(owed)
    }

    fn returned(&mut self, amount: Sats) {
        let sum = self.refund.returned.sats().saturating_add(amount.sats());
        self.refund.returned = Sats::from_sats(sum);
    }

    /// What the refund needs next. Nothing is paid back while a machine is still being made: what is owed then may grow.
    pub(super) fn refund_step(&self, now: UnixMillis) -> Option<RefundStep> {
        if let Some(payout) = &self.refund.payout {
            let payable = now.plus_seconds(MARGIN_SECONDS) < payout.expires_at;
            return Some(if !payout.asked && (payable || payout.failed) {
                RefundStep::Pay
            } else {
                RefundStep::LookUp
            });
        }
        let decided = !matches!(
            self.state,
            State::Draft | State::AwaitingPayment | State::Provisioning { .. }
        );
        let wanted = self.refund.to.is_some() && self.refund.problem.is_none();
        (decided && wanted && self.owed().sats() > 0).then_some(RefundStep::Resolve)
    }

    pub(super) fn refund_begins(&mut self, step: RefundStep, now: UnixMillis) {
        if step == RefundStep::Resolve {
            self.refund.asking = Some((self.owed(), self.refund.to.clone()));
        }
        if step == RefundStep::Pay
            && let Some(payout) = &mut self.refund.payout
        {
            payout.asked = true;
            payout.tried = true;
            let hash = payout.payment_hash.clone();
            self.note(now, "refund_asked", hash);
        }
    }

    pub(super) fn refund_answered(
        &mut self,
        answer: Result<RefundAnswer, Failure>,
        now: UnixMillis,
    ) {
        let asked = self.refund.asking.take();
        let stands = asked == Some((self.owed(), self.refund.to.clone()));
        match answer {
            Ok(RefundAnswer::Invoice(_) | RefundAnswer::Problem(_)) if !stands => {}
            Ok(RefundAnswer::Invoice(invoice)) => self.refund_resolved(invoice, now),
            Ok(RefundAnswer::Problem(problem)) => self.refund_problem(problem, now),
            Ok(RefundAnswer::Asked) => {
                self.refund.attempt = Attempt::fresh(now);
                self.refund.attempt.not_before = now.plus_millis(PAYOUT_POLL_MILLIS);
            }
            Ok(RefundAnswer::Outgoing(outgoing)) => self.payout_is(outgoing, now),
            Err(failure) => self.refund_later(&failure, now),
        }
    }

    fn refund_later(&mut self, failure: &Failure, now: UnixMillis) {
        let id = self.id;
        self.refund.attempt.failed(id, failure.retry_after(), now);
    }

    fn refund_problem(&mut self, problem: String, now: UnixMillis) {
        self.note(now, "refund_address_refused", problem.clone());
        self.refund.problem = Some(problem);
        self.refund.payout = None;
        self.refund.attempt = Attempt::fresh(now);
    }

    fn refund_resolved(&mut self, invoice: PayoutInvoice, now: UnixMillis) {
        if self.refund.payout.is_some() {
            return;
        }
        if self
            .bills
            .iter()
            .any(|bill| bill.invoice.payment_hash == invoice.payment_hash)
        {
            let problem = "That is this order's own invoice; give one of your wallet.";
            return self.refund_problem(problem.to_owned(), now);
        }
        let amount = self.owed();
        self.note(
            now,
            "refund_resolved",
            format!("{} sats to {}", amount.sats(), invoice.payment_hash),
        );
        self.refund.payout = Some(Payout {
            amount,
            payment_request: invoice.payment_request,
            payment_hash: invoice.payment_hash,
            expires_at: invoice.expires_at,
            // Looked up first: the customer may have given an invoice that LNbits knows already.
            asked: true,
            tried: false,
            failed: false,
        });
        self.refund.attempt = Attempt::fresh(now);
    }

    fn payout_is(&mut self, outgoing: Outgoing, now: UnixMillis) {
        let Some(payout) = &mut self.refund.payout else {
            return;
        };
        let over = now.plus_seconds(MARGIN_SECONDS) >= payout.expires_at;
        let surely_over =
            !payout.tried || now >= payout.expires_at.plus_seconds(LATE_PAYOUT_SECONDS);
        let again = Failure::NotApplied { retry_after: None };
        match outgoing {
            // Paid before this payout asked for it: for another debt of this order. Nothing has left for this one.
            Outgoing::Paid if !payout.tried => self.refund_problem(
                "That invoice was paid before; give a new one of your wallet.".to_owned(),
                now,
            ),
            Outgoing::Paid => {
                let amount = payout.amount;
                let hash = payout.payment_hash.clone();
                self.refund.payout = None;
                self.refund.attempt = Attempt::fresh(now);
                self.returned(amount);
                self.note(
                    now,
                    "refund_paid",
                    format!("{} sats to {hash}", amount.sats()),
                );
            }
            Outgoing::Pending => self.refund_later(&again, now),
            Outgoing::Failed => {
                payout.failed = true;
                payout.asked = false;
                self.refund.attempt.not_before = now.plus_millis(FAILED_PAUSE_MILLIS);
            }
            Outgoing::Dead => self.give_payout_up(now),
            Outgoing::Missing if !over && !payout.tried => payout.asked = false,
            Outgoing::Missing if over && surely_over => self.give_payout_up(now),
            Outgoing::Missing if over => self.refund_later(&again, now),
            Outgoing::Missing => {
                payout.asked = false;
                self.refund_later(&again, now);
                self.note(now, "refund_not_paid", "trying again");
            }
            Outgoing::Foreign => self.refund_problem(
                "That invoice is in use for something else; give a new one of your wallet."
                    .to_owned(),
                now,
            ),
        }
    }

    /// This BOLT11 was not and cannot be paid: the address is asked for another one, if it can make one.
    fn give_payout_up(&mut self, now: UnixMillis) {
        let to = self.refund.to.as_deref().unwrap_or_default();
        if let Ok(Payee::Bolt11 { .. }) = Payee::parse(to) {
            let problem = "Your invoice could not be paid; give a new one, or a Lightning Address.";
            return self.refund_problem(problem.to_owned(), now);
        }
        self.refund.payout = None;
        self.note(now, "refund_not_paid", "another invoice is asked for");
        self.refund_later(&Failure::NotApplied { retry_after: None }, now);
    }
}
