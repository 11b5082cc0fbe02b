//! The order's named timers; the earliest of them is its one alarm.

use super::{BundleState, Order, State, Step, TeardownStep};
use crate::time::UnixMillis;

/// Why an order wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A draft nobody has seen is thrown away.
    DraftAbandoned,
    /// The invoice is looked up.
    PaymentLookUp,
    /// The invoice runs out.
    InvoiceExpiry,
    /// The next try of a step.
    Retry,
    /// The step has taken too long.
    StepDeadline,
    /// A claimed bundle is erased.
    BundleExpiry,
}

/// A draft lives this long without its invoice, in seconds.
const DRAFT_SECONDS: u64 = 600;
/// An open invoice is looked up this often, in seconds.
const LOOK_UP_SECONDS: u64 = 30;
/// Two looks are at least this far apart, in milliseconds, whoever asks.
const MIN_LOOK_UP_MILLIS: u64 = 1000;
/// An expired invoice is watched this long, in seconds.
const LATE_SECONDS: u64 = 24 * 3600;
/// A claimed bundle is kept this long, in seconds.
pub(super) const CLAIM_SECONDS: u64 = 24 * 3600;

/// How long a provisioning step may take, in seconds.
const STEP_SECONDS: u64 = 10 * 60;
/// How long a machine may be silent while it is awaited, in seconds.
const SILENCE_SECONDS: u64 = 60 * 60;
/// How long a machine may take that keeps reporting, in seconds.
const MACHINE_SECONDS: u64 = 4 * 3600;

/// When the invoice is looked at next: soon while it is open, ever more rarely once it ran out.
fn next_look(order: &Order, watch: super::Watch) -> UnixMillis {
    let Some(last) = watch.last_look else {
        return UnixMillis(0);
    };
    if watch.hinted {
        return last.plus_millis(MIN_LOOK_UP_MILLIS);
    }
    let late = last.since(order.expires_at) / 1000;
    last.plus_seconds((late / 10).clamp(LOOK_UP_SECONDS, 3600))
}

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

    /// Every timer that runs in the present state.
    pub(super) fn timers(&self) -> Vec<(UnixMillis, Timer)> {
        match &self.state {
            State::Draft => vec![(
                self.created_at.plus_seconds(DRAFT_SECONDS),
                Timer::DraftAbandoned,
            )],
            State::AwaitingPayment { watch, .. } => {
                let mut timers = vec![(next_look(self, *watch), Timer::PaymentLookUp)];
                if watch.last_look.is_none_or(|last| last < self.expires_at) {
                    timers.push((self.expires_at, Timer::InvoiceExpiry));
                }
                timers
            }
            State::Expired { watch, .. } => {
                let next = next_look(self, *watch);
                if next > self.expires_at.plus_seconds(LATE_SECONDS) {
                    vec![]
                } else {
                    vec![(next, Timer::PaymentLookUp)]
                }
            }
            State::Provisioning {
                step: Step::AwaitMachine,
                attempt,
                ..
            } if !self.plan.stubs.cloud => {
                vec![(
                    self.step_deadline(Step::AwaitMachine, attempt.since),
                    Timer::StepDeadline,
                )]
            }
            State::Provisioning { attempt, .. } => vec![(attempt.not_before, Timer::Retry)],
            State::Failed {
                step: TeardownStep::Done,
                ..
            } => vec![],
            State::Failed { attempt, .. } => vec![(attempt.not_before, Timer::Retry)],
            State::Ready {
                bundle: BundleState::Claimed { at_time, .. },
                ..
            } => {
                vec![(at_time.plus_seconds(CLAIM_SECONDS), Timer::BundleExpiry)]
            }
            State::Ready { .. } => vec![],
        }
    }
}
