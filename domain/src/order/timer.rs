//! The order's named timers; the earliest of them is its one alarm.

use super::{BundleState, Effect, Order, State, Step, TeardownStep};
use crate::time::UnixMillis;

/// Why an order wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A draft nobody has seen is thrown away.
    DraftAbandoned,
    /// The invoice is looked up.
    PaymentLookUp,
    /// The next try of a step.
    Retry,
    /// The step has taken too long.
    StepDeadline,
    /// The next step of a refund.
    Refund,
    /// The machine's hours are over.
    End,
    /// The droplet is renamed or looked for.
    Chore,
    /// The fleet is told.
    Fleet,
    /// A claimed bundle is erased.
    BundleExpiry,
}

/// A draft lives this long without its invoice, in seconds.
const DRAFT_SECONDS: u64 = 600;
/// A claimed bundle is kept this long, in seconds.
pub(super) const CLAIM_SECONDS: u64 = 24 * 3600;

/// How long a provisioning step may take, in seconds.
const STEP_SECONDS: u64 = 10 * 60;
/// How long a machine may be silent while it is awaited, in seconds.
const SILENCE_SECONDS: u64 = 60 * 60;
/// How long a machine may take that keeps reporting, in seconds.
pub(super) const MACHINE_SECONDS: u64 = 4 * 3600;

impl Order {
    /// When a provisioning step that began at `since` has taken too long.
    pub(super) fn step_deadline(&self, step: Step, since: UnixMillis) -> UnixMillis {
        if step != Step::AwaitMachine {
            return since.plus_seconds(STEP_SECONDS);
        }
        let heard = self.voice.last_heard.unwrap_or(since).max(since);
        heard
            .plus_seconds(SILENCE_SECONDS)
            .min(since.plus_seconds(MACHINE_SECONDS))
    }

    /// Every timer that runs, with what is to be done at its time.
    pub(super) fn timers(&self, now: UnixMillis) -> Vec<(UnixMillis, Timer, Effect)> {
        let mut timers = Vec::new();
        for bill in &self.bills {
            if let Some(at) = bill.next_look() {
                let payment_hash = bill.invoice.payment_hash.clone();
                timers.push((
                    at,
                    Timer::PaymentLookUp,
                    Effect::LookUpPayment { payment_hash },
                ));
            }
        }
        timers.extend(self.state_timer());
        if let Some(step) = self.refund_step(now) {
            let at = self.refund.attempt.not_before;
            timers.push((at, Timer::Refund, Effect::Refund(step)));
        }
        if let Some(at) = self.removal_at() {
            timers.push((at, Timer::End, Effect::End));
        }
        let delivered = matches!(self.state, State::Ready { .. });
        if delivered && self.resources.droplet.is_none() && !self.plan.stubs.cloud {
            // Its machine was faster than the answer that names it.
            let effect = Effect::Provision(Step::FindDroplet);
            timers.push((self.chore.not_before, Timer::Chore, effect));
        }
        if let Some(droplet) = self.resources.droplet {
            let at = self.chore.not_before;
            if self.missing.is_some() {
                timers.push((at, Timer::Chore, Effect::CheckDroplet { droplet }));
            } else if let Some(end) = self.new_name_wanted() {
                timers.push((at, Timer::Chore, Effect::RenameDroplet { droplet, end }));
            }
        }
        if let Some(news) = self.fleet_news() {
            let at = self.fleet.attempt.not_before;
            timers.push((at, Timer::Fleet, Effect::TellFleet(news)));
        }
        timers
    }

    /// The one timer of the state itself.
    fn state_timer(&self) -> Option<(UnixMillis, Timer, Effect)> {
        Some(match &self.state {
            State::Draft => {
                let at = self.created_at.plus_seconds(DRAFT_SECONDS);
                (at, Timer::DraftAbandoned, Effect::Erase)
            }
            State::Provisioning { step, attempt, .. } => {
                let effect = Effect::Provision(*step);
                if *step == Step::AwaitMachine && !self.plan.stubs.cloud {
                    let deadline = self.step_deadline(*step, attempt.since);
                    // Past its deadline it is looked at, and again after a pause if the cloud does not answer.
                    (deadline.max(attempt.next()), Timer::StepDeadline, effect)
                } else {
                    (attempt.next(), Timer::Retry, effect)
                }
            }
            State::Failed { step, attempt, .. } | State::Ended { step, attempt, .. }
                if *step != TeardownStep::Done =>
            {
                (attempt.next(), Timer::Retry, Effect::TearDown(*step))
            }
            State::Ready {
                bundle: BundleState::Claimed { at_time, .. },
                ..
            } => {
                let at = at_time.plus_seconds(CLAIM_SECONDS);
                (at, Timer::BundleExpiry, Effect::EraseBundle)
            }
            State::AwaitingPayment
            | State::Expired
            | State::Failed { .. }
            | State::Ended { .. }
            | State::Ready { .. } => return None,
        })
    }
}
