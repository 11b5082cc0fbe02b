//! One sequence: an order driven as the Worker drives it, through whatever its dice bring, and then to rest.

use super::cloud::Cloud;
use super::dice::Dice;
use super::ledger::{HOOK, Ledger, SECRET, Stage, is_done, nothing_left};
use super::machine::Machine;
use super::money::{Fate, Money, WATCH_SECONDS};
use super::tally::{Sight, Tally};
use super::{Held, hold};
use kindling_domain::catalogue::{BitcoinImplementation, Product};
use kindling_domain::classroom::{Classroom, Plan};
use kindling_domain::id::OrderId;
use kindling_domain::money::Sats;
use kindling_domain::order::{
    Due, EndReason, Event, Failure, FailureReason, MachinePlan, NewOrder, Order, OrderRequest,
    State, Timer,
};
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::Stubs;

const START: UnixMillis = UnixMillis(1_763_705_640_000);
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1lAQ0eGJ7rvMPRJwAkcVvzLyPSLQhxjxwRrSq6LYDJ";
/// A drained order rests within so many turns.
const DRAIN_TURNS: u32 = 3000;

/// How a sequence went.
pub struct Story {
    pub tally: Tally,
    pub steps: u64,
    pub broken: Option<String>,
}

/// A sequence under way.
pub struct Walk {
    pub dice: Dice,
    pub now: UnixMillis,
    pub order: Order,
    pub ledger: Ledger,
    pub cloud: Cloud,
    pub money: Money,
    pub machine: Machine,
    pub tally: Tally,
    /// Answers of LNbits that are still on their way.
    pub late: Vec<(UnixMillis, Event)>,
    /// How many calls in a thousand go wrong.
    pub faults: u64,
    /// No more faults.
    pub calm: bool,
    /// The droplet's tokens, counted.
    pub tokens: u64,
    pub invoice_seconds: u64,
    /// Erased: nothing is left to look at.
    pub over: bool,
    steps: u64,
    trace: bool,
}

/// Runs sequence number `seed`; with `trace`, prints each step.
pub fn run(seed: u64, trace: bool) -> Story {
    let mut walk = Walk::new(seed, trace);
    let broken = walk.whole().err();
    Story {
        tally: walk.tally,
        steps: walk.steps,
        broken,
    }
}

impl Walk {
    fn new(seed: u64, trace: bool) -> Self {
        let mut dice = Dice::new(seed);
        let hours = dice.pick(&[None, None, Some(1), Some(3), Some(24), Some(0)]);
        let refund_to = dice
            .pick(&[None, None, Some("good@first"), Some("bad@first")])
            .map(str::to_owned);
        let plan = MachinePlan {
            stubs: Stubs {
                lightning: false,
                cloud: false,
            },
            size: "s-2vcpu-4gb".to_owned(),
            volume_size_gb: dice.pick(&[0, 100]),
            tailscale: dice.one_in(2),
            assumeutxo_url: None,
            reach: None,
            public_url: "https://kindling.example".to_owned(),
            hours,
            fleet: "nyc3".to_owned(),
            account: String::new(),
        };
        let product = match hours {
            Some(hours) if hours > 0 && dice.one_in(2) => {
                Product::Classroom(Classroom::new(Plan::A, hours))
            }
            _ => Product::full_node(BitcoinImplementation::Knots),
        };
        let invoice_seconds = dice.pick(&[300, 900, 3600]);
        let order = Order::draft(
            NewOrder {
                id: OrderId::from_bytes([seed as u8; 16]),
                request: OrderRequest {
                    product,
                    region: "nyc3".to_owned(),
                    ssh_public_key: KEY.to_owned(),
                    ssh_fingerprint: "aa:bb".to_owned(),
                    recipients: vec![KEY.to_owned()],
                    refund_to: refund_to.clone(),
                },
                access_hash: kindling_domain::link::access_hash(SECRET),
                access_drawn: dice.one_in(2),
                hook: HOOK.to_owned(),
                price: Sats::from_sats(dice.pick(&[1000, 9_999, 10_000])),
                plan,
                invoice_seconds,
                door: Some("door".to_owned()),
            },
            START,
        );
        let mut cloud = Cloud::default();
        cloud.room = !dice.one_in(16);
        let faults = dice.pick(&[0, 50, 150, 300, 500]);
        Self {
            now: START,
            ledger: Ledger::new(hours.filter(|hours| *hours > 0), refund_to),
            order,
            cloud,
            money: Money::default(),
            machine: Machine::new(&mut dice),
            dice,
            tally: Tally::new(),
            late: Vec::new(),
            faults,
            calm: false,
            tokens: 0,
            invoice_seconds,
            over: false,
            steps: 0,
            trace,
        }
    }

    /// How often the order was looked at.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Prints a step of a replay.
    pub fn say(&self, what: impl FnOnce() -> String) {
        if self.trace {
            let seconds = self.now.since(START) as f64 / 1000.0;
            println!("{seconds:>12.3}s  {}", what());
        }
    }

    fn whole(&mut self) -> Held {
        self.opened()?;
        let turns = 20 + self.dice.below(120);
        for _ in 0..turns {
            if self.over {
                return Ok(());
            }
            self.turn()?;
        }
        self.drain()
    }

    /// From the draft to its first invoice; some processes end in between.
    fn opened(&mut self) -> Held {
        self.look()?;
        if self.dice.one_in(100) {
            self.cut()?;
            return Ok(());
        }
        let gap = self.dice.below(20_000);
        self.pass(self.now.plus_millis(gap))?;
        let invoice = self.money.invoice(self.invoice_seconds, self.now);
        self.money.shown(&invoice, self.order.price.sats(), None);
        self.say(|| "the order opens".to_owned());
        self.order.open(invoice, self.now);
        self.look()
    }

    /// The order's alarm, or somebody.
    fn turn(&mut self) -> Held {
        let pause = self.dice.below(3000);
        self.pass(self.now.plus_millis(pause))?;
        // While a machine is awaited or runs, little is due and much may happen.
        let works = self.machine.willing && self.cloud.running().is_some();
        let busy = match self.ledger.stage {
            Stage::Provisioning if works => 75,
            Stage::Ready => 75,
            _ => 35,
        };
        if self.dice.below(100) < busy {
            return self.somebody(true);
        }
        match self.order.due(self.now) {
            Due::Perform(effect) => self.perform(&effect),
            Due::Wait(at, _) if works && !self.dice.one_in(12) => {
                let a_while = self.dice.below(1_200_000);
                self.pass(at.min(self.now.plus_millis(a_while)))
            }
            Due::Wait(at, _) => {
                let more = match self.dice.below(20) {
                    0..=13 => 0,
                    14..=17 => self.dice.below(120_000),
                    18 => self.dice.below(3 * 3_600_000),
                    _ => self.dice.below(30 * 3_600_000),
                };
                self.pass(at.plus_millis(more))
            }
            Due::Idle => {
                let more = self.dice.below(6 * 3_600_000);
                self.pass(self.now.plus_millis(more))
            }
        }
    }

    /// Time passes; what was late arrives.
    pub fn pass(&mut self, to: UnixMillis) -> Held {
        while let Some(next) = (0..self.late.len())
            .min_by_key(|at| self.late[*at].0)
            .filter(|at| self.late[*at].0 <= to)
        {
            let (at, event) = self.late.swap_remove(next);
            self.now = self.now.max(at);
            self.say(|| "late or again:".to_owned());
            self.take(event)?;
        }
        self.now = self.now.max(to);
        self.cloud.tick(self.now);
        self.money.tick(self.now, &mut self.tally);
        Ok(())
    }

    /// The order takes an event in.
    pub fn take(&mut self, event: Event) -> Held {
        self.say(|| format!("takes {event:?}"));
        match &event {
            Event::Payment(hash, Ok(facts)) => {
                let ledger = &mut self.ledger;
                let fate = ledger.hear_payment(&mut self.money, hash, facts, self.now);
                match fate {
                    Some((true, Fate::Bought)) => self.tally.see(Sight::ExtensionBought),
                    Some((true, Fate::Owed)) => self.tally.see(Sight::ExtensionOwed),
                    _ => {}
                }
            }
            Event::BundleErased => self.ledger.bundle_expired(self.now)?,
            Event::Checked(Ok(Some(_))) => self.ledger.missed = None,
            Event::Renamed(Err(Failure::Final { .. })) => self.ledger.rename_refused = true,
            _ => {}
        }
        self.order.apply(event, self.now);
        self.look()
    }

    /// The process ends and another takes over: only what is stored is left.
    pub fn cut(&mut self) -> Held {
        self.say(|| "cut".to_owned());
        if self.dice.one_in(8) {
            self.ledger.inspect(&self.order, &self.money)?;
        }
        let row = serde_json::to_string(&self.order).map_err(|error| error.to_string())?;
        self.order = Order::read(&row).map_err(|error| error.to_string())?;
        if self.dice.one_in(2) {
            let gap = self.dice.below(120_000);
            self.pass(self.now.plus_millis(gap))?;
        }
        if self.order.is_cut() {
            self.order.recover(self.now);
        }
        self.look()
    }

    /// Compares the order with what it must be.
    pub fn look(&mut self) -> Held {
        self.steps += 1;
        for entry in self.order.take_journal() {
            self.say(|| format!("    journal: {} {}", entry.event, entry.detail));
            let line = &entry.detail;
            hold!(
                !line.contains(SECRET) && !line.contains(HOOK),
                "a secret in the journal: {line}"
            );
        }
        let before = self.ledger.stage;
        self.ledger
            .observe(&self.order, &self.cloud, &mut self.money, self.now)?;
        let moved = before != self.ledger.stage;
        if moved {
            self.say(|| format!("    state: {:?}", self.order.state));
            self.see_stage(before);
        }
        if self.dice.one_in(if moved { 4 } else { 400 }) {
            self.ledger.inspect(&self.order, &self.money)?;
        }
        Ok(())
    }

    fn see_stage(&mut self, before: Stage) {
        if let State::Failed { reason, .. } = &self.order.state {
            self.tally.see(match reason {
                FailureReason::NoCapacity => Sight::FailedNoCapacity,
                FailureReason::MachineLost => Sight::FailedMachineLost,
                FailureReason::MachineSilent => Sight::FailedMachineSilent,
                FailureReason::MachineFailed { .. } => Sight::FailedMachineFailed,
                FailureReason::PairedElsewhere => Sight::FailedPairedElsewhere,
                FailureReason::CloudFull
                | FailureReason::CloudRefused
                | FailureReason::TailscaleRefused
                | FailureReason::CloudTimeout => Sight::FailedCloud,
            });
        }
        if (before, self.ledger.stage) == (Stage::Expired, Stage::Provisioning) {
            self.tally.see(Sight::PaidLateProvisioned);
        }
    }

    /// No more faults, everybody is helpful and LNbits is truthful: the order must come to rest.
    fn drain(&mut self) -> Held {
        self.say(|| "no more faults".to_owned());
        self.calm = true;
        let hasty = self.dice.one_in(8);
        for turn in 0..DRAIN_TURNS {
            if self.over {
                return Ok(());
            }
            let helped = self.help()?;
            match self.order.due(self.now) {
                Due::Perform(effect) => self.perform(&effect)?,
                Due::Wait(at, timer) => {
                    if timer == Timer::End && !helped {
                        self.name_tells_end()?;
                    }
                    // Most sequences look at LNbits less often than they might: an alarm may be late.
                    let more = if timer == Timer::PaymentLookUp && !hasty {
                        self.dice.below(3 * 3_600_000)
                    } else {
                        0
                    };
                    let soon = self.now.plus_seconds(60);
                    let to = at.plus_millis(more);
                    self.pass(if helped { to.min(soon) } else { to })?;
                }
                Due::Idle if helped => {}
                Due::Idle if self.late.is_empty() => return self.at_rest(),
                Due::Idle => self.pass(self.now.plus_seconds(600))?,
            }
            hold!(
                turn + 1 < DRAIN_TURNS,
                "never comes to rest: {:?}, due {:?}",
                self.order.state,
                self.order.due(self.now)
            );
        }
        Ok(())
    }

    /// Nothing is to be done before the end: the droplet's name has to tell it.
    fn name_tells_end(&self) -> Held {
        let named = self.cloud.running().and_then(|rented| rented.named_end);
        // The cloud may have asked to be left alone until after the end.
        let excused = self.ledger.rename_refused || self.order.chore.not_before > self.now;
        hold!(
            named == self.ledger.ends_at || excused,
            "the droplet's name: {named:?}, it ends at {:?}",
            self.ledger.ends_at
        );
        Ok(())
    }

    /// Nothing is due ever: everything must be settled.
    fn at_rest(&mut self) -> Held {
        self.say(|| "at rest".to_owned());
        self.ledger.inspect(&self.order, &self.money)?;
        // What was ever asked of LNbits is settled or over by then.
        let late = self.now.plus_seconds(60 * 24 * 3600);
        self.money.tick(late, &mut self.tally);
        let (debt, out) = (self.money.debt(), self.money.gone_out());
        hold!(
            debt == out && self.order.owed().sats() == 0,
            "unsettled: {debt} sats owed, {out} sats left, {:?}",
            self.order.refund
        );
        for bill in &self.money.bills {
            hold!(bill.fate != Fate::Open, "unwatched at rest: {bill:?}");
            let Some(lapsed) = bill.lapsed_at else {
                continue;
            };
            let watched = lapsed.since(bill.expires) >= WATCH_SECONDS * 1000;
            hold!(watched, "not watched for a day: {bill:?}");
            // An answer may be on its way while the money comes in.
            let seen = |paid: UnixMillis| paid.plus_seconds(120) < lapsed;
            hold!(
                !bill.paid_at.is_some_and(seen),
                "came in and was forgotten: {bill:?}"
            );
        }
        // What came in wrongly and was never put right stays with the operator.
        let odd = self.money.bills.iter().any(|bill| bill.odd);
        hold!(
            self.cloud.note.is_some() == odd && self.order.fleet_news().is_none(),
            "the fleet was not told: {:?}, it has {:?}",
            self.order.fleet_news(),
            self.cloud.note
        );
        let runs = self.ledger.stage == Stage::Ready;
        hold!(
            self.cloud.place == runs,
            "the place in the fleet: {}",
            self.cloud.place
        );
        if runs {
            let machine = self.cloud.running().map(|rented| rented.id);
            hold!(
                machine.is_some() && self.order.resources.droplet == machine,
                "ready without its machine: {machine:?}, {:?}",
                self.order.resources
            );
            self.tally.see(Sight::RestReady);
        } else {
            nothing_left(&self.cloud, self.ledger.node_told)?;
        }
        if debt > 0 && matches!(self.ledger.stage, Stage::Ready | Stage::Ended) {
            self.tally.see(Sight::RestKeptAndRefunded);
        }
        match &self.order.state {
            State::Ready { .. } => {}
            State::Expired => self.tally.see(Sight::RestExpired),
            state @ State::Failed { .. } if is_done(state) => self.tally.see(Sight::RestRefunded),
            state @ State::Ended { why, .. } if is_done(state) => self.tally.see(match why {
                EndReason::HoursOver => Sight::RestEndedHours,
                EndReason::Destroyed => Sight::RestEndedDestroyed,
                EndReason::MachineLost => Sight::RestEndedLost,
            }),
            state => return Err(format!("rests halfway: {state:?}")),
        }
        Ok(())
    }

    /// Nobody ever saw this order.
    pub fn erased(&mut self) {
        self.tally.see(Sight::RestErased);
        self.over = true;
    }

    /// The pairing token of the droplet's create number `token`.
    pub fn pairing_token(token: u64) -> Secret {
        Secret::new(format!("{SECRET}-token-{token}"))
    }
}
