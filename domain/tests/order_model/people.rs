//! Everybody who acts while nothing is asked of them: customers, the operator, webhooks, the sweep, and the cloud's bad days.

use super::ledger::{SECRET, Stage};
use super::money::{Node, OutBill};
use super::tally::Sight;
use super::walk::Walk;
use super::{Held, hold};
use kindling_domain::money::Sats;
use kindling_domain::order::{CloudSshKey, Due, Effect, Event, Extension, State, Step};

impl Walk {
    /// Somebody does something; `idle` when no call is under way.
    pub fn somebody(&mut self, idle: bool) -> Held {
        let awaited = self.ledger.stage == Stage::Provisioning && self.cloud.running().is_some();
        if awaited && self.machine.willing && self.dice.one_in(2) {
            return self.machine_speaks().map(drop);
        }
        match self.dice.below(100) {
            0..=21 => self.pays(),
            22..=24 => self.hints(),
            25..=49 => {
                if idle && self.dice.one_in(3) {
                    let while_it_works = self.dice.below(1_200_000);
                    self.pass(self.now.plus_millis(while_it_works))?;
                }
                self.machine_speaks().map(drop)
            }
            50..=53 => self.stranger_speaks(),
            54..=59 => self.claims(),
            60..=61 => self.acknowledges(),
            62..=70 => self.says_where(),
            71..=76 => self.extends(idle),
            77 => self.destroys(idle),
            78..=82 => self.renews(idle),
            83 => self.by_hand(),
            84..=87 => self.sweep(),
            88 if self.dice.one_in(4) => self.droplet_dies(),
            89 => {
                self.foreign_key();
                Ok(())
            }
            90 => {
                self.cloud.room = !self.dice.one_in(4);
                Ok(())
            }
            91..=95 if idle => {
                self.tally.see(Sight::CutIdle);
                self.cut()
            }
            _ => Ok(()),
        }
    }

    /// Some bill that was shown is paid.
    fn pays(&mut self) -> Held {
        let now = self.now;
        let count = self.money.bills.len() as u64;
        if count == 0 || matches!(self.ledger.stage, Stage::Draft) {
            return Ok(());
        }
        let newest = self.dice.one_in(2);
        let which = if newest {
            count - 1
        } else {
            self.dice.below(count)
        };
        let paid_machines = self
            .money
            .bills
            .iter()
            .filter(|bill| bill.hours.is_none() && bill.paid_at.is_some())
            .count();
        let bill = &mut self.money.bills[which as usize];
        if bill.paid_at.is_some() {
            return Ok(());
        }
        bill.paid_at = Some(now);
        self.tally.see(if now < bill.expires {
            Sight::PaidInTime
        } else {
            Sight::PaidLate
        });
        if bill.hours.is_none() && paid_machines > 0 {
            self.tally.see(Sight::PaidTwice);
        }
        self.say(|| format!("a customer pays bill {which}"));
        if self.dice.one_in(2) {
            self.take(Event::PaymentHint)?;
        }
        Ok(())
    }

    fn hints(&mut self) -> Held {
        self.tally.see(Sight::HintStorm);
        for _ in 0..5 {
            self.order.apply(Event::PaymentHint, self.now);
        }
        self.look()
    }

    fn nonce(&mut self) -> (u64, String) {
        let which = self.dice.below(3);
        (which, format!("{SECRET}-nonce-{which}"))
    }

    fn claims(&mut self) -> Held {
        let (which, nonce) = self.nonce();
        let before = self.ledger.claim.is_some();
        let may = self.ledger.claim(which, self.now);
        let claimed = self.order.claim(&nonce, self.now);
        self.say(|| format!("claim with nonce {which}: {claimed:?}"));
        hold!(
            claimed.is_ok() == may,
            "claim: {claimed:?} for nonce {which}, {:?}",
            self.ledger.claim
        );
        hold!(
            claimed.is_err() || self.ledger.stored,
            "claimed, but erased: {:?}",
            self.ledger.claim
        );
        self.tally.see(match (may, before) {
            (true, false) => Sight::Claimed,
            (true, true) => Sight::ClaimedAgain,
            (false, _) => Sight::ClaimRefused,
        });
        self.look()
    }

    fn acknowledges(&mut self) -> Held {
        let (which, nonce) = self.nonce();
        let may = self.ledger.acknowledge(which);
        let acknowledged = self.order.acknowledge(&nonce);
        self.say(|| format!("acknowledgement with nonce {which}: {acknowledged:?}"));
        hold!(
            acknowledged.is_ok() == may,
            "acknowledgement: {acknowledged:?} for nonce {which}"
        );
        if may {
            self.tally.see(Sight::Acknowledged);
        }
        self.look()
    }

    /// The customer says where a refund should go.
    fn says_where(&mut self) -> Held {
        if self.ledger.stage == Stage::Draft {
            return Ok(());
        }
        let to = match self.dice.below(12) {
            0..=2 => None,
            3 => Some("bad@nowhere".to_owned()),
            4 => Some("down@nowhere".to_owned()),
            5 => {
                let which = self.dice.below(self.money.bills.len() as u64) as usize;
                Some(format!("own@{}", self.money.bills[which].hash))
            }
            6 => self.money.old_invoice(&mut self.dice),
            7 => self.bare_invoice().map(|out| {
                // Paid by somebody else before.
                out.node = Node::Paid;
                out.ours = false;
                out.to.clone()
            }),
            _ => self.bare_invoice().map(|out| out.to.clone()),
        };
        let to = to.unwrap_or_else(|| format!("good@{}", self.dice.below(3)));
        self.address(to)
    }

    fn bare_invoice(&mut self) -> Option<&mut OutBill> {
        let owed = self.order.owed().sats();
        let amount = if owed > 0 && !self.dice.one_in(8) {
            owed
        } else {
            self.order.price.sats()
        };
        let seconds = self.dice.pick(&[120, 3600, 30 * 24 * 3600, 30 * 24 * 3600]);
        self.money
            .bare_invoice(amount, self.now.plus_seconds(seconds))
    }

    fn address(&mut self, to: String) -> Held {
        let before = self.order.refund.to.clone();
        let taken = self.order.refund_to(to.clone(), self.now);
        self.say(|| format!("refund to {to}: {taken:?}"));
        if taken.is_ok() {
            if before.is_some_and(|before| before != to) {
                self.tally.see(Sight::AddressChanged);
            }
            self.ledger.refund_to = Some(to);
        }
        self.look()
    }

    /// The customer asks for more hours; between the price and the invoice LNbits is asked.
    fn extends(&mut self, idle: bool) -> Held {
        let hours = self.dice.pick(&[0, 1, 1, 2, 24, 800]);
        let asked = self.order.extension(hours, self.invoice_seconds, self.now);
        let runs = self.ledger.stage == Stage::Ready && self.ledger.ends_at.is_some();
        hold!(
            runs || asked.is_err(),
            "extends what does not run: {asked:?}"
        );
        let Ok(Extension::Wanted { amount, seconds }) = asked else {
            return Ok(());
        };
        let bought = u64::from(self.order.plan.hours.unwrap_or(1));
        let price = (self.order.price.sats() * u64::from(hours)).div_ceil(bought);
        hold!(
            amount.sats() == price,
            "price of {hours} hours: {} sats, not {price}",
            amount.sats()
        );
        self.gap(idle)?;
        let invoice = self.money.invoice(seconds, self.now);
        self.money.shown(&invoice, price, Some(hours));
        self.say(|| format!("{hours} hours are offered for {price} sats"));
        self.order
            .add_extension(invoice, Sats::from_sats(price), hours, self.now);
        self.look()
    }

    fn destroys(&mut self, idle: bool) -> Held {
        let may = matches!(self.ledger.stage, Stage::Ready | Stage::Ended);
        self.ledger.destroyed = true;
        let destroyed = self.order.destroy(self.now);
        self.say(|| format!("destroy: {destroyed:?}"));
        hold!(
            destroyed.is_ok() == may,
            "destroy: {destroyed:?} while {:?}",
            self.ledger.stage
        );
        self.ledger.destroyed = may;
        if may && !idle {
            self.tally.see(Sight::DestroyedBusy);
        }
        self.look()
    }

    /// The customer wants a new invoice; between the question and the invoice LNbits is asked.
    fn renews(&mut self, idle: bool) -> Held {
        let may = self.order.renewal();
        hold!(
            may.is_err() || self.ledger.stage == Stage::Expired,
            "renews what did not expire: {:?}",
            self.ledger.stage
        );
        if may.is_err() {
            return Ok(());
        }
        self.gap(idle)?;
        let invoice = self.money.invoice(self.invoice_seconds, self.now);
        let before = self.ledger.stage;
        if before == Stage::Expired {
            let price = self.order.price.sats();
            self.money.shown(&invoice, price, None);
            self.tally.see(Sight::Renewed);
        } else {
            self.tally.see(Sight::RenewedTooLate);
        }
        self.say(|| "renewed".to_owned());
        self.order.open(invoice, self.now);
        self.look()
    }

    /// While a request waits for LNbits, the alarm may work.
    fn gap(&mut self, idle: bool) -> Held {
        let millis = self.dice.below(5000);
        self.pass(self.now.plus_millis(millis))?;
        if idle
            && let Due::Perform(effect) = self.order.due(self.now)
            && effect != Effect::Erase
        {
            self.perform(&effect)?;
        }
        Ok(())
    }

    /// The operator gives back by hand whatever the order says is owed.
    fn by_hand(&mut self) -> Held {
        let busy = self.order.refund.payout.is_some();
        let owed = self.money.debt() - self.order.refund.returned.sats();
        match self.order.refunded_by_hand(self.now) {
            Ok(sats) => {
                hold!(
                    !busy && sats.sats() == owed,
                    "by hand: {} sats, owed {owed}",
                    sats.sats()
                );
                self.say(|| format!("the operator pays {owed} sats by hand"));
                self.money.by_hand += sats.sats();
                if owed > 0 {
                    self.tally.see(Sight::ByHand);
                }
            }
            Err(_) => hold!(busy, "by hand: refused"),
        }
        self.look()
    }

    /// The sweep compares the cloud's list with what the order believes in.
    fn sweep(&mut self) -> Held {
        let Some(droplet) = self.order.resources.droplet else {
            return Ok(());
        };
        let listed = self.cloud.droplet.is_some();
        if listed && (self.calm || !self.dice.one_in(4)) {
            return Ok(());
        }
        if listed {
            self.tally.see(Sight::MissedWrongly);
        }
        let at_rest = self.order.missing.is_none();
        let was = self.ledger.missed;
        if at_rest {
            self.ledger.missed = Some(self.now);
        }
        self.take(Event::DropletMissed(droplet))?;
        if self.order.missing.is_none() {
            self.ledger.missed = was;
        }
        Ok(())
    }

    fn droplet_dies(&mut self) -> Held {
        let lives = self
            .cloud
            .running()
            .is_some_and(|rented| rented.visible <= self.now);
        if lives {
            self.say(|| "the cloud loses the droplet".to_owned());
            self.tally.see(Sight::DropletLost);
            self.cloud.lose();
        }
        self.look()
    }

    /// Another order with the same SSH key comes or goes.
    fn foreign_key(&mut self) {
        match self.cloud.key {
            None => {
                let id = self.cloud.next_id();
                self.cloud.key = Some(CloudSshKey { id, owned: false });
            }
            Some(key) if !key.owned => self.cloud.key = None,
            Some(_) => {}
        }
    }

    /// In the end everybody does what helps; `true` where somebody had to.
    pub fn help(&mut self) -> Result<bool, String> {
        let wanted = self.order.owed().sats() > 0 && self.order.refund.payout.is_none();
        let refund = &self.order.refund;
        if wanted && (refund.to.is_none() || refund.problem.is_some()) {
            let fresh = self.dice.below(1_000_000);
            self.address(format!("good@{fresh}"))?;
            return Ok(true);
        }
        if self.order.resources.droplet.is_some()
            && self.cloud.droplet.is_none()
            && self.order.missing.is_none()
            && matches!(
                self.order.state,
                State::Ready { .. }
                    | State::Provisioning {
                        step: Step::AwaitMachine,
                        ..
                    }
            )
        {
            self.sweep()?;
            return Ok(true);
        }
        if self.machine.willing && self.ledger.stage == Stage::Provisioning {
            return self.machine_speaks();
        }
        Ok(false)
    }
}
