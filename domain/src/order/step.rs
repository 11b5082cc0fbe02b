//! What an order does next, and what an answer makes of it: payment and provisioning.

use super::{
    Answer, Attempt, Due, Effect, Event, Failure, FailureReason, Order, State, Step, TeardownStep,
};
use crate::time::UnixMillis;
use crate::wire::Phase;

/// How often a droplet that starts or goes is looked at, in milliseconds.
const ACTIVE_POLL_MILLIS: u64 = 5000;
/// How long a droplet whose order got no answer may stay invisible in the cloud's lists, in seconds.
pub(super) const DROPLET_VISIBLE_SECONDS: u64 = 180;
/// How long the stub machine takes for a phase, in milliseconds.
const STUB_PHASE_MILLIS: u64 = 250;

impl Order {
    /// What is to be done at `now`.
    pub fn due(&self, now: UnixMillis) -> Due {
        let timers = self.timers(now);
        match timers
            .into_iter()
            .min_by_key(|(at, timer, _)| (*at, *timer))
        {
            None => Due::Idle,
            Some((at, timer, _)) if at > now => Due::Wait(at, timer),
            Some((_, _, effect)) => Due::Perform(effect),
        }
    }

    /// Marks an effect as begun; to be saved before it is performed.
    pub fn begin(&mut self, effect: &Effect, now: UnixMillis) {
        match (&mut self.state, effect) {
            (_, Effect::LookUpPayment { payment_hash }) => self.look_begins(payment_hash, now),
            (State::Provisioning { attempt, .. }, Effect::Provision(step)) => {
                attempt.in_flight = true;
                if *step == Step::AwaitActive && !self.plan.stubs.cloud {
                    attempt.next_look = Some(now.plus_millis(ACTIVE_POLL_MILLIS));
                }
                match step {
                    Step::ClaimPlace => self.fleet.place = true,
                    Step::CreateSshKey => self.resources.ssh_key_asked = true,
                    Step::CreateVolume => self.resources.volume_asked = true,
                    Step::CreateDroplet => {
                        self.resources.droplet_asked = Some(now);
                        self.named_end = self.expected_end(now);
                        self.note(now, "droplet_asked", "");
                    }
                    _ => {}
                }
            }
            (
                State::Failed { attempt, .. } | State::Ended { attempt, .. },
                Effect::TearDown(step),
            ) => {
                attempt.in_flight = true;
                if *step == TeardownStep::AwaitDropletGone {
                    attempt.next_look = Some(now.plus_millis(ACTIVE_POLL_MILLIS));
                }
            }
            (_, Effect::Refund(step)) => self.refund_begins(*step, now),
            (_, Effect::TellFleet(_)) => self.fleet.in_doubt = true,
            _ => {}
        }
    }

    /// Whether something was begun and not answered. True of a stored order only if its object died in between.
    pub fn is_cut(&self) -> bool {
        match &self.state {
            State::Provisioning { attempt, .. }
            | State::Failed { attempt, .. }
            | State::Ended { attempt, .. } => attempt.in_flight,
            _ => false,
        }
    }

    /// Called when an order that [is cut](Self::is_cut) is loaded anew: what was begun has an unknown outcome.
    pub fn recover(&mut self, now: UnixMillis) {
        if self.is_cut() {
            self.note(now, "cut", "begun and never answered");
            self.apply(Event::Answer(Err(Failure::Unknown)), now);
        }
    }

    /// Takes an event in. Events that do not fit the present state change nothing.
    pub fn apply(&mut self, event: Event, now: UnixMillis) {
        match event {
            Event::PaymentHint => self.payment_hinted(),
            Event::Payment(hash, Ok(facts)) => self.looked_up(&hash, &facts, now),
            // The watch has moved on at `begin`; the next look comes by itself.
            Event::Payment(_, Err(_)) => {}
            Event::Answer(answer) => match &self.state {
                State::Provisioning { attempt, .. } if attempt.in_flight => {
                    self.provision(answer, now)
                }
                State::Failed { attempt, .. } | State::Ended { attempt, .. }
                    if attempt.in_flight =>
                {
                    self.tear_down(answer, now)
                }
                State::Ready { .. } if self.resources.droplet.is_none() => {
                    self.droplet_looked_for(answer, now)
                }
                _ => {}
            },
            Event::Refund(answer) => self.refund_answered(answer, now),
            Event::FleetTold(told) => self.fleet_told(told, now),
            Event::Renamed(named) => self.renamed(named, now),
            Event::Checked(found) => self.checked(found, now),
            Event::DropletMissed(droplet) => self.droplet_missed(droplet, now),
            Event::EndReached => self.end_reached(now),
            Event::BundleErased => self.bundle_erased(),
        }
    }

    /// Goes on to a provisioning step.
    pub(super) fn enter(&mut self, step: Step, now: UnixMillis) {
        let phase = match step {
            Step::ClaimPlace => Phase::PaymentReceived,
            Step::FindSshKey | Step::CreateSshKey => Phase::SshKey,
            Step::FindVolume | Step::CreateVolume => Phase::VolumeCreated,
            Step::CreateTailscaleKey => Phase::TailscaleKey,
            Step::FindDroplet | Step::CreateDroplet => Phase::Droplet,
            Step::AwaitActive | Step::AwaitMachine => Phase::Booting,
        };
        // A machine can speak before the cloud calls it active; what it said stays.
        let phase = match &self.state {
            State::Provisioning { phase: seen, .. } => phase.max(*seen),
            _ => phase,
        };
        self.state = State::Provisioning {
            step,
            attempt: Attempt::fresh(now),
            phase,
        };
    }

    /// The step after `step`, leaving out what was not ordered.
    fn after(&self, step: Step) -> Step {
        match step {
            Step::ClaimPlace => Step::FindSshKey,
            Step::FindSshKey | Step::CreateSshKey if self.plan.volume_size_gb > 0 => {
                Step::FindVolume
            }
            Step::FindSshKey | Step::CreateSshKey | Step::FindVolume | Step::CreateVolume
                if self.plan.tailscale =>
            {
                Step::CreateTailscaleKey
            }
            Step::FindSshKey
            | Step::CreateSshKey
            | Step::FindVolume
            | Step::CreateVolume
            | Step::CreateTailscaleKey => Step::FindDroplet,
            Step::FindDroplet | Step::CreateDroplet => Step::AwaitActive,
            Step::AwaitActive | Step::AwaitMachine => Step::AwaitMachine,
        }
    }

    fn provision(&mut self, answer: Result<Answer, Failure>, now: UnixMillis) {
        let State::Provisioning { step, attempt, .. } = &mut self.state else {
            return;
        };
        attempt.in_flight = false;
        let (step, since) = (*step, attempt.since);
        let late = now >= self.step_deadline(step, since);
        // One more look that found nothing new is no story.
        let poll = matches!(step, Step::AwaitActive | Step::AwaitMachine);
        if !poll || self.is_news(step, &answer) {
            self.note(now, "provision", outcome(&step, answer.as_ref().err()));
        }
        match answer {
            Ok(answer) => self.answered(step, answer, late, now),
            Err(Failure::Final { reason }) => {
                if step == Step::CreateDroplet {
                    // Refused, so there is none to be looked for.
                    self.resources.droplet_asked = None;
                }
                self.fail(reason, now);
            }
            Err(_) if late => self.fail(FailureReason::CloudTimeout, now),
            Err(Failure::NotApplied { retry_after }) => {
                if step == Step::CreateDroplet {
                    self.resources.droplet_asked = None;
                }
                self.retry(retry_after, now);
            }
            Err(Failure::Unknown) => match step {
                Step::CreateSshKey => self.go_back(Step::FindSshKey, now),
                Step::CreateVolume => self.go_back(Step::FindVolume, now),
                Step::CreateDroplet => self.go_back(Step::FindDroplet, now),
                // A key whose answer was lost expires unused; everything else here may simply be repeated.
                Step::CreateTailscaleKey
                | Step::ClaimPlace
                | Step::FindSshKey
                | Step::FindVolume
                | Step::FindDroplet
                | Step::AwaitActive
                | Step::AwaitMachine => self.retry(None, now),
            },
        }
    }

    /// Whether a look at a machine that starts will lead anywhere.
    fn is_news(&self, step: Step, answer: &Result<Answer, Failure>) -> bool {
        match (step, answer) {
            (Step::AwaitActive, Ok(Answer::Droplet(Some(droplet)))) => {
                droplet.active && droplet.address.is_some()
            }
            (Step::AwaitActive, Ok(Answer::Droplet(None))) => false,
            (_, Ok(Answer::StubPhase(_))) => false,
            _ => true,
        }
    }

    /// Tries the present step again later.
    pub(super) fn retry(&mut self, retry_after: Option<u64>, now: UnixMillis) {
        let id = self.id;
        if let State::Provisioning { attempt, .. }
        | State::Failed { attempt, .. }
        | State::Ended { attempt, .. } = &mut self.state
        {
            attempt.failed(id, retry_after, now);
        }
    }

    /// After a create of unknown outcome: look for it, still under the create's deadline.
    fn go_back(&mut self, find: Step, now: UnixMillis) {
        self.retry(None, now);
        if let State::Provisioning { step, .. } = &mut self.state {
            *step = find;
        }
    }

    fn answered(&mut self, step: Step, answer: Answer, late: bool, now: UnixMillis) {
        match (step, answer) {
            (Step::ClaimPlace, Answer::Place(true)) => {
                self.door = None;
                self.enter(self.after(step), now);
            }
            (Step::ClaimPlace, Answer::Place(false)) => {
                self.fleet.place = false;
                self.fail(FailureReason::NoCapacity, now);
            }
            (Step::FindSshKey, Answer::SshKey(None)) => self.advance(Step::CreateSshKey, now),
            (Step::FindSshKey | Step::CreateSshKey, Answer::SshKey(Some(key))) => {
                self.resources.ssh_key = Some(key);
                self.enter(self.after(step), now);
            }
            // Another order with the same key ended in between and took it away.
            (Step::CreateDroplet, Answer::SshKey(_)) => {
                self.resources.droplet_asked = None;
                self.resources.ssh_key = None;
                self.go_back(Step::FindSshKey, now);
            }
            (Step::FindVolume, Answer::Volume(None)) => self.advance(Step::CreateVolume, now),
            (Step::FindVolume | Step::CreateVolume, Answer::Volume(Some(volume))) => {
                self.resources.volume = Some(volume);
                self.enter(self.after(step), now);
            }
            (Step::CreateTailscaleKey, Answer::TailscaleKey(key)) => {
                self.resources.tailscale_key = Some(key);
                self.enter(self.after(step), now);
            }
            (Step::FindDroplet, Answer::Droplet(None)) => match self.resources.droplet_asked {
                None => self.advance(Step::CreateDroplet, now),
                Some(asked) if now < asked.plus_seconds(DROPLET_VISIBLE_SECONDS) => {
                    self.retry(None, now)
                }
                // Ordering again could make two machines. A refund is the lesser evil.
                Some(_) => self.fail(FailureReason::MachineLost, now),
            },
            (Step::FindDroplet | Step::CreateDroplet, Answer::Droplet(Some(droplet))) => {
                self.resources.droplet = Some(droplet.id);
                self.enter(Step::AwaitActive, now);
                if !self.plan.stubs.cloud {
                    self.poll_later(ACTIVE_POLL_MILLIS, now);
                }
            }
            (Step::AwaitActive, Answer::Droplet(Some(droplet))) => match droplet.address {
                Some(address) if droplet.active => {
                    self.resources.address = Some(address);
                    self.enter(Step::AwaitMachine, now);
                    if self.plan.stubs.cloud {
                        self.poll_later(STUB_PHASE_MILLIS, now);
                    }
                }
                _ if late => self.fail(FailureReason::CloudTimeout, now),
                // Looked at again when the look that has just ended said.
                _ => {}
            },
            // A fresh droplet can answer 404 for a while.
            (Step::AwaitActive, Answer::Droplet(None)) if late => {
                self.fail(FailureReason::MachineLost, now)
            }
            (Step::AwaitActive, Answer::Droplet(None)) => {}
            (Step::AwaitMachine, Answer::StubPhase(phase)) => {
                self.see_phase(phase);
                self.poll_later(STUB_PHASE_MILLIS, now);
            }
            (Step::AwaitMachine, Answer::StubDelivery(delivery)) => self.delivered(&delivery, now),
            // It has spoken while it was looked at.
            (Step::AwaitMachine, Answer::Droplet(_)) if !late => {}
            // The deadline's last look at a machine that has not spoken.
            (Step::AwaitMachine, Answer::Droplet(Some(_))) => {
                self.fail(FailureReason::MachineSilent, now)
            }
            (Step::AwaitMachine, Answer::Droplet(None)) => {
                self.fail(FailureReason::MachineLost, now)
            }
            // Not an answer, but it may have been made.
            (Step::CreateDroplet, _) => self.go_back(Step::FindDroplet, now),
            // An answer to another question is no answer.
            (_, _) => self.retry(None, now),
        }
    }

    /// From find to create, still under the find's deadline.
    fn advance(&mut self, next: Step, now: UnixMillis) {
        if let State::Provisioning { step, attempt, .. } = &mut self.state {
            *step = next;
            attempt.not_before = now;
        }
    }

    fn poll_later(&mut self, millis: u64, now: UnixMillis) {
        if let State::Provisioning { attempt, .. }
        | State::Failed { attempt, .. }
        | State::Ended { attempt, .. } = &mut self.state
        {
            attempt.next_look = Some(now.plus_millis(millis));
        }
    }

    /// The customer sees the furthest phase that was reached.
    pub(super) fn see_phase(&mut self, seen: Phase) {
        if let State::Provisioning { phase, .. } = &mut self.state {
            *phase = (*phase).max(seen);
        }
    }

    /// Gives up: tear everything down, owe the refund.
    pub(super) fn fail(&mut self, reason: FailureReason, now: UnixMillis) {
        self.note(now, "failed", reason.code());
        self.resources.tailscale_key = None;
        self.missing = None;
        self.owe_everything();
        self.bell.ring(now);
        self.state = State::Failed {
            reason,
            step: TeardownStep::FindDroplet,
            attempt: Attempt::fresh(now),
        };
        self.tear_down_from(TeardownStep::FindDroplet, now);
    }
}

/// A step and how it went, for the journal.
pub(super) fn outcome(step: &impl std::fmt::Debug, failure: Option<&Failure>) -> String {
    let went = failure.map_or_else(|| "answered".to_owned(), Failure::text);
    format!("{step:?}: {went}")
}
