//! One effect as the Worker performs it: begun, carried out or not, answered or not, while everybody else goes on.

use super::dice::Dice;
use super::money::{Node, WATCH_SECONDS};
use super::tally::Sight;
use super::walk::Walk;
use super::{Held, hold};
use kindling_domain::money::Msats;
use kindling_domain::order::{
    Answer, CloudSshKey, Effect, Event, Failure, FailureReason, Outgoing, PaymentFacts,
    RefundAnswer, RefundStep, Step, TeardownStep,
};
use kindling_domain::wire::Phase;

/// The longest that an answer is on its way, in milliseconds.
const ANSWER_MILLIS: u64 = 20_000;
/// An outgoing payment that is unknown to LNbits may still turn up so long after its end, in seconds.
const LATE_PAYOUT_SECONDS: u64 = 600;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    None,
    NotApplied,
    LostNotDone,
    LostDone,
    Refused,
    Garbled,
    Denied,
    Delayed,
    CutBefore,
    CutAfter,
    /// Of a bill's look-up: late, twice, or wrong.
    AnswerLate,
    AnswerTwice,
    Wrong,
}

impl Walk {
    /// Performs what is due.
    pub fn perform(&mut self, effect: &Effect) -> Held {
        let mishap = if !self.calm && self.dice.per_mille(self.faults) {
            self.mishap(effect)
        } else {
            Mishap::None
        };
        let cut = matches!(mishap, Mishap::CutBefore | Mishap::CutAfter);
        // What leaves no traces need not be saved as begun.
        let stored = (cut && !effect.leaves_traces()).then(|| self.order.clone());
        self.order.begin(effect, self.now);
        let creates = *effect == Effect::Provision(Step::CreateDroplet);
        if creates {
            self.tokens += 1;
            self.order
                .expect_machine(&Self::pairing_token(self.tokens), self.now);
            self.ledger.droplet_asked = Some(self.now);
        }
        self.say(|| format!("begins {effect:?} ({mishap:?})"));
        self.look()?;
        if *effect == Effect::Erase {
            self.erased();
            return Ok(());
        }
        if mishap == Mishap::CutBefore {
            self.tally.see(Sight::CutBefore);
            if let Some(order) = stored {
                self.order = order;
            }
            return self.cut();
        }
        let answer = self.carry_out(effect, mishap)?;
        self.look()?;
        let begun = self.steps();
        if !self.calm {
            while self.dice.one_in(4) {
                self.somebody(false)?;
            }
            let way = self.dice.below(ANSWER_MILLIS) / (1 + 9 * self.dice.below(2));
            self.pass(self.now.plus_millis(way))?;
        }
        match mishap {
            Mishap::CutAfter => {
                self.tally.see(Sight::CutAfter);
                // Whoever acted meanwhile has saved all there was.
                let alone = self.steps() == begun;
                if let Some(order) = stored.filter(|_| alone) {
                    self.order = order;
                }
                self.cut()
            }
            Mishap::AnswerLate | Mishap::AnswerTwice => {
                let late = 1000 + self.dice.below(60_000);
                self.late.push((self.now.plus_millis(late), answer.clone()));
                if mishap == Mishap::AnswerLate {
                    self.tally.see(Sight::AnswerLate);
                    return Ok(());
                }
                self.tally.see(Sight::AnswerTwice);
                self.take(answer)
            }
            _ => self.take(answer),
        }
    }

    /// Draws what goes wrong, of what can.
    fn mishap(&mut self, effect: &Effect) -> Mishap {
        use Mishap::*;
        let common = [
            NotApplied,
            NotApplied,
            LostNotDone,
            LostDone,
            LostDone,
            Refused,
            CutBefore,
            CutAfter,
            CutAfter,
        ];
        match effect {
            Effect::End | Effect::Erase | Effect::EraseBundle => CutBefore,
            Effect::LookUpPayment { .. } => self.dice.pick(&[
                NotApplied,
                LostDone,
                Refused,
                CutBefore,
                CutAfter,
                AnswerLate,
                AnswerLate,
                AnswerTwice,
                AnswerTwice,
                Denied,
                Denied,
                Wrong,
                Wrong,
                Wrong,
            ]),
            Effect::TellFleet(_) | Effect::RenameDroplet { .. } => self.dice.pick(&common),
            Effect::CheckDroplet { .. } => self
                .dice
                .pick(&[NotApplied, LostDone, CutAfter, Denied, Denied, Denied]),
            Effect::Provision(Step::CreateDroplet) | Effect::Refund(RefundStep::Pay) => {
                match self.dice.below(12) {
                    0..=1 => Delayed,
                    2 => Garbled,
                    _ => self.dice.pick(&common),
                }
            }
            _ => match self.dice.below(12) {
                0..=1 => Garbled,
                2..=3 => Denied,
                _ => self.dice.pick(&common),
            },
        }
    }

    /// Carries a call out, with what goes wrong at the upstream, and says what comes back.
    fn carry_out(&mut self, effect: &Effect, mishap: Mishap) -> Result<Event, String> {
        let failure = self.failure(mishap);
        let done = failure.is_none() || mishap == Mishap::LostDone;
        let now = self.now;
        Ok(match effect {
            Effect::LookUpPayment { payment_hash } => {
                let said = match failure {
                    Some(failure) => Err(failure),
                    None => Ok(self.payment(payment_hash, mishap)),
                };
                Event::Payment(payment_hash.clone(), said)
            }
            Effect::Provision(step) => {
                let answer = self.provisioned(*step, mishap, done);
                Event::Answer(failure.map_or(answer, Err))
            }
            Effect::TearDown(step) => {
                let mut answer = Ok(Answer::Gone);
                if done {
                    let dice = &mut self.dice;
                    answer = self.cloud.tear_down(*step, &self.order, now, dice);
                }
                if mishap == Mishap::Garbled {
                    answer = Ok(self.garbage(|answer| fits_teardown(*step, answer)));
                } else if mishap == Mishap::Denied
                    && *step == TeardownStep::AwaitDropletGone
                    && self.cloud.running().is_none()
                {
                    self.tally.see(Sight::Denied);
                    answer = Ok(Answer::Droplet(None));
                }
                Event::Answer(failure.map_or(answer, Err))
            }
            Effect::Refund(step) => {
                let answer = self.refunded(*step, mishap, done)?;
                Event::Refund(failure.map_or(answer, Err))
            }
            Effect::TellFleet(news) => {
                if done {
                    self.cloud.tell(news);
                }
                Event::FleetTold(failure.map_or(Ok(news.clone()), Err))
            }
            Effect::RenameDroplet { droplet, end } => {
                let there = self.cloud.seen(now).is_some_and(|seen| seen.id == *droplet);
                if let Some(rented) = self.cloud.droplet.as_mut().filter(|_| there && done) {
                    rented.named_end = Some(*end);
                    self.tally.see(Sight::Renamed);
                }
                let named = if there {
                    Ok(*end)
                } else {
                    Err(Failure::NotApplied { retry_after: None })
                };
                Event::Renamed(failure.map_or(named, Err))
            }
            Effect::CheckDroplet { droplet } => {
                let mut found = self.cloud.droplet(Some(*droplet), now);
                if mishap == Mishap::Denied {
                    self.tally.see(Sight::Denied);
                    found = None;
                }
                Event::Checked(failure.map_or(Ok(found), Err))
            }
            Effect::End => Event::EndReached,
            Effect::EraseBundle => {
                self.tally.see(Sight::BundleExpired);
                self.ledger.stored = false;
                Event::BundleErased
            }
            Effect::Erase => return Err("erased twice:".to_owned()),
        })
    }

    /// The failure that comes back instead of an answer, if one does.
    fn failure(&mut self, mishap: Mishap) -> Option<Failure> {
        let (sight, failure) = match mishap {
            Mishap::NotApplied => {
                let retry_after = self.dice.pick(&[None, None, Some(2), Some(90), Some(5000)]);
                if retry_after.is_some() {
                    self.tally.see(Sight::RetryAfter);
                }
                (Sight::NotApplied, Failure::NotApplied { retry_after })
            }
            Mishap::LostNotDone => (Sight::LostNotDone, Failure::Unknown),
            Mishap::LostDone => (Sight::LostDone, Failure::Unknown),
            Mishap::Delayed => (Sight::Delayed, Failure::Unknown),
            Mishap::Refused => {
                let reason = match self.dice.below(3) {
                    0 => FailureReason::CloudFull,
                    1 => FailureReason::CloudRefused,
                    _ => FailureReason::TailscaleRefused,
                };
                (Sight::Refused, Failure::Final { reason })
            }
            _ => return None,
        };
        self.tally.see(sight);
        Some(failure)
    }

    fn provisioned(&mut self, step: Step, mishap: Mishap, done: bool) -> Result<Answer, Failure> {
        let now = self.now;
        let mut answer = Ok(Answer::Gone);
        let late = mishap == Mishap::Delayed;
        // Half of what is answered by nonsense was done.
        let garbled = mishap == Mishap::Garbled;
        if (done || late) && !(garbled && self.dice.one_in(2)) {
            answer = if step == Step::CreateDroplet {
                let (order, token) = (&self.order, self.tokens);
                let (dice, tally) = (&mut self.dice, &mut self.tally);
                self.cloud
                    .create_droplet(order, token, late, now, dice, tally)
            } else {
                self.cloud.provision(step, &self.order, now)
            };
        }
        if step == Step::ClaimPlace && answer == Ok(Answer::Place(false)) {
            self.ledger.no_place = true;
            self.tally.see(Sight::NoRoom);
        }
        match (mishap, step) {
            (Mishap::Garbled, _) => Ok(self.garbage(|answer| fits(step, answer))),
            (Mishap::Denied, Step::FindVolume) => self.denied(Answer::Volume(None)),
            (Mishap::Denied, Step::AwaitActive | Step::AwaitMachine) => {
                self.denied(Answer::Droplet(None))
            }
            _ => answer,
        }
    }

    fn denied(&mut self, answer: Answer) -> Result<Answer, Failure> {
        self.tally.see(Sight::Denied);
        Ok(answer)
    }

    /// An answer to another question. One that fits this one as well would be a lie that nobody can tell.
    fn garbage(&mut self, fits: impl Fn(&Answer) -> bool) -> Answer {
        self.tally.see(Sight::Garbled);
        loop {
            let key = CloudSshKey {
                id: 999,
                owned: true,
            };
            let answer = match self.dice.below(6) {
                0 => Answer::Place(true),
                1 => Answer::SshKey(Some(key)),
                2 => Answer::Volume(None),
                3 => Answer::Droplet(None),
                4 => Answer::Gone,
                _ => Answer::StubPhase(Phase::Droplet),
            };
            if !fits(&answer) {
                return answer;
            }
        }
    }

    /// What LNbits says of a bill.
    fn payment(&mut self, hash: &str, mishap: Mishap) -> PaymentFacts {
        let mut facts = self.money.facts(hash);
        match mishap {
            Mishap::Denied => {
                // At the very last look nobody could hold against it.
                let last = self.money.bill(hash).is_some_and(|bill| {
                    self.now.plus_seconds(300) >= bill.expires.plus_seconds(WATCH_SECONDS)
                });
                if facts.paid && !last {
                    self.tally.see(Sight::UnpaidAfterPaid);
                    facts.paid = false;
                }
            }
            Mishap::Wrong => {
                facts.paid = true;
                let (sight, wrong) = wrong(&mut self.dice, facts);
                self.tally.see(sight);
                facts = wrong;
            }
            _ => {}
        }
        facts
    }

    fn refunded(
        &mut self,
        step: RefundStep,
        mishap: Mishap,
        done: bool,
    ) -> Result<Result<RefundAnswer, Failure>, String> {
        let now = self.now;
        if step == RefundStep::Resolve {
            let to = self.order.refund.to.clone().unwrap_or_default();
            if mishap == Mishap::Garbled {
                self.tally.see(Sight::Garbled);
                return Ok(Ok(RefundAnswer::Outgoing(Outgoing::Missing)));
            }
            let (owed, calm) = (self.order.owed(), self.calm);
            let (dice, tally) = (&mut self.dice, &mut self.tally);
            let answer = self.money.resolve(&to, owed, calm, now, dice, tally);
            match &answer {
                Ok(RefundAnswer::Problem(_)) => self.tally.see(Sight::BadAddress),
                Ok(RefundAnswer::Invoice(_)) if to.starts_with("own@") => {
                    self.tally.see(Sight::OwnInvoice);
                }
                _ => {}
            }
            return Ok(answer);
        }
        let Some(hash) = self
            .order
            .refund
            .payout
            .as_ref()
            .map(|payout| payout.payment_hash.clone())
        else {
            return Err("a payout of nothing:".to_owned());
        };
        if step == RefundStep::Pay {
            hold!(
                self.money.bill(&hash).is_none(),
                "pays its own invoice: {hash}"
            );
            let told = self.ledger.refund_to.clone();
            let to = self.money.out(&hash).map(|out| out.to.clone());
            hold!(
                to == told,
                "pays to another address: {to:?}, the customer was told {told:?}"
            );
            if mishap == Mishap::Delayed {
                let arrives = now.plus_seconds(16 + self.dice.below(45));
                if let Some(out) = self.money.out(&hash) {
                    out.arrives.get_or_insert(arrives);
                }
            }
        }
        let mut answer = Ok(RefundAnswer::Asked);
        if done {
            answer = if step == RefundStep::Pay {
                let (calm, dice) = (self.calm, &mut self.dice);
                self.money.pay(&hash, calm, now, dice, &mut self.tally)
            } else {
                self.money.look_up(&hash, now, &mut self.tally)
            };
        }
        if mishap == Mishap::Garbled {
            self.tally.see(Sight::Garbled);
            answer = Ok(RefundAnswer::Problem(
                "There is no such address.".to_owned(),
            ));
        }
        if mishap == Mishap::Denied {
            answer = self.denied_payout(&hash, answer);
        }
        Ok(answer)
    }

    /// LNbits does not know, or writes off, what is under way: while that can still be found out.
    fn denied_payout(
        &mut self,
        hash: &str,
        answer: Result<RefundAnswer, Failure>,
    ) -> Result<RefundAnswer, Failure> {
        let (now, missing) = (self.now, self.dice.one_in(2));
        let payout = self.order.refund.payout.as_ref();
        let fresh = payout.is_some_and(|payout| payout.tried);
        // What LNbits has known for long it does not forget.
        let Some(out) = self.money.out(hash).filter(|_| fresh) else {
            return answer;
        };
        let lasts = now.plus_seconds(60) < out.expires.plus_seconds(LATE_PAYOUT_SECONDS);
        let said = match out.node {
            Node::Flying { .. } | Node::Paid if missing && lasts => Outgoing::Missing,
            Node::Flying { .. } | Node::Paid if out.ours => {
                out.written_off = true;
                self.tally.see(Sight::BooksWrong);
                Outgoing::Failed
            }
            _ => return answer,
        };
        self.tally.see(Sight::Denied);
        Ok(RefundAnswer::Outgoing(said))
    }
}

fn wrong(dice: &mut Dice, facts: PaymentFacts) -> (Sight, PaymentFacts) {
    match dice.below(3) {
        0 => {
            let amount = Msats::from_msats(facts.amount.msats() + 1 - 2 * dice.below(2));
            (Sight::WrongAmount, PaymentFacts { amount, ..facts })
        }
        1 => {
            let payment_hash = "f".repeat(64);
            (
                Sight::WrongHash,
                PaymentFacts {
                    payment_hash,
                    ..facts
                },
            )
        }
        _ => {
            let wallet = "another".to_owned();
            (Sight::WrongWallet, PaymentFacts { wallet, ..facts })
        }
    }
}

fn fits(step: Step, answer: &Answer) -> bool {
    match answer {
        Answer::Place(_) => step == Step::ClaimPlace,
        Answer::SshKey(_) => matches!(
            step,
            Step::FindSshKey | Step::CreateSshKey | Step::CreateDroplet
        ),
        Answer::Volume(_) => matches!(step, Step::FindVolume | Step::CreateVolume),
        Answer::Droplet(_) => matches!(
            step,
            Step::FindDroplet | Step::AwaitActive | Step::AwaitMachine
        ),
        _ => false,
    }
}

fn fits_teardown(step: TeardownStep, answer: &Answer) -> bool {
    match answer {
        Answer::SshKey(_) => step == TeardownStep::FindSshKey,
        Answer::Volume(_) => step == TeardownStep::FindVolume,
        Answer::Droplet(_) => matches!(
            step,
            TeardownStep::FindDroplet
                | TeardownStep::DeleteDroplet
                | TeardownStep::AwaitDropletGone
        ),
        Answer::Gone => !matches!(
            step,
            TeardownStep::FindDroplet
                | TeardownStep::AwaitDropletGone
                | TeardownStep::FindVolume
                | TeardownStep::FindSshKey
        ),
        _ => false,
    }
}
