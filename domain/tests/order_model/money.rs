//! All the money there is: what customers really paid into each bill, and what really left for each BOLT11, whatever was said of it.

use super::dice::Dice;
use super::tally::{Sight, Tally};
use kindling_domain::bolt11::{self, Draft, Network};
use kindling_domain::money::{Msats, Sats};
use kindling_domain::order::{
    Failure, Invoice, Outgoing, PaymentFacts, PayoutInvoice, RefundAnswer,
};
use kindling_domain::time::UnixMillis;
use std::sync::LazyLock;

/// Texts of real invoices: the order tells a bare invoice, which is good for one payment, from an address. What they say of amount
/// and end is not looked at; `Money` keeps its own.
static INVOICES: LazyLock<[String; 12]> = LazyLock::new(|| {
    std::array::from_fn(|number| {
        let draft = Draft {
            network: Network::Bitcoin,
            amount_msat: 1000,
            payment_hash: [number as u8; 32],
            payment_secret: [1; 32],
            description: String::new(),
            timestamp: 1_763_705_640,
            expiry_seconds: 3600,
        };
        bolt11::encode(&draft, &[5; 32]).unwrap()
    })
});

/// An invoice is watched this long after it ran out, in seconds.
pub const WATCH_SECONDS: u64 = 24 * 3600;
/// The wallet that bills are paid into.
pub const WALLET: &str = "wallet";

/// What a bill must have become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Open,
    Bought,
    Owed,
    Lapsed,
}

/// A bill of the order, and what really happened to it.
#[derive(Debug, Clone)]
pub struct InBill {
    pub hash: String,
    pub amount: u64,
    /// More hours; `None` for the machine.
    pub hours: Option<u32>,
    pub expires: UnixMillis,
    pub paid_at: Option<UnixMillis>,
    pub fate: Fate,
    pub lapsed_at: Option<UnixMillis>,
    /// LNbits has said that it was paid wrongly, and not that it was paid rightly.
    pub odd: bool,
    /// LNbits has said a day after its end that it was not paid.
    pub may_lapse: bool,
    /// When LNbits last said that it was not paid.
    pub unpaid_at: Option<UnixMillis>,
}

/// What LNbits' node made of an outgoing payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    Unasked,
    Flying { until: UnixMillis, settles: bool },
    Failed,
    Paid,
}

/// A BOLT11 that a refund may go to.
#[derive(Debug, Clone)]
pub struct OutBill {
    pub hash: String,
    /// The address it stands for.
    pub to: String,
    pub amount: u64,
    pub expires: UnixMillis,
    pub node: Node,
    /// LNbits' books call it failed, rightly or not. They are put right by asking for the payment again, and by nothing else.
    pub written_off: bool,
    /// Paid for this order, not for something else.
    pub ours: bool,
    /// A call to pay it is on its way and arrives then.
    pub arrives: Option<UnixMillis>,
    asked: u32,
}

/// The truth about all money.
#[derive(Debug, Default)]
pub struct Money {
    pub bills: Vec<InBill>,
    pub outs: Vec<OutBill>,
    /// What the operator paid by hand.
    pub by_hand: u64,
    serial: u64,
    bare: usize,
}

impl Money {
    fn hash(&mut self) -> String {
        self.serial += 1;
        format!("{:064x}", self.serial)
    }

    /// LNbits makes an invoice.
    pub fn invoice(&mut self, seconds: u64, now: UnixMillis) -> Invoice {
        let hash = self.hash();
        Invoice {
            payment_request: format!("lnbc{hash}"),
            payment_hash: hash,
            wallet: WALLET.to_owned(),
            expires_at: now.plus_seconds(seconds),
        }
    }

    /// The customer has seen this invoice.
    pub fn shown(&mut self, invoice: &Invoice, amount: u64, hours: Option<u32>) {
        self.bills.push(InBill {
            hash: invoice.payment_hash.clone(),
            amount,
            hours,
            expires: invoice.expires_at,
            paid_at: None,
            fate: Fate::Open,
            lapsed_at: None,
            odd: false,
            may_lapse: false,
            unpaid_at: None,
        });
    }

    pub fn bill(&self, hash: &str) -> Option<&InBill> {
        self.bills.iter().find(|bill| bill.hash == hash)
    }

    /// What LNbits truthfully says of a bill.
    pub fn facts(&self, hash: &str) -> PaymentFacts {
        let bill = self.bill(hash);
        PaymentFacts {
            paid: bill.is_some_and(|bill| bill.paid_at.is_some()),
            payment_hash: hash.to_owned(),
            amount: Msats::from_msats(bill.map_or(0, |bill| bill.amount * 1000)),
            wallet: WALLET.to_owned(),
        }
    }

    pub fn received(&self) -> u64 {
        self.sum(|fate| matches!(fate, Fate::Bought | Fate::Owed))
    }

    /// What came in and bought nothing.
    pub fn debt(&self) -> u64 {
        self.sum(|fate| fate == Fate::Owed)
    }

    fn sum(&self, which: impl Fn(Fate) -> bool) -> u64 {
        self.bills
            .iter()
            .filter(|bill| which(bill.fate))
            .map(|bill| bill.amount)
            .sum()
    }

    /// What really left for the customer.
    pub fn gone_out(&self) -> u64 {
        let paid = |out: &&OutBill| out.ours && out.node == Node::Paid;
        let lightning: u64 = self.outs.iter().filter(paid).map(|out| out.amount).sum();
        lightning + self.by_hand
    }

    /// Time passes: what is pending settles or fails, and calls arrive.
    pub fn tick(&mut self, now: UnixMillis, tally: &mut Tally) {
        for out in &mut self.outs {
            if out.arrives.take_if(|at| *at <= now).is_some_and(|at| at < out.expires)
                // LNbits takes a hash once, and never again if it failed.
                && out.node == Node::Unasked
            {
                tally.see(Sight::PaidOutLate);
                out.node = Node::Paid;
            }
            match out.node {
                Node::Flying { until, settles } if until <= now => {
                    out.node = if settles { Node::Paid } else { Node::Failed };
                }
                _ => {}
            }
        }
    }

    /// A new BOLT11 of the customer's wallet.
    pub fn new_out(&mut self, to: &str, amount: u64, expires: UnixMillis) -> &mut OutBill {
        let hash = self.hash();
        self.outs.push(OutBill {
            hash,
            to: to.to_owned(),
            amount,
            expires,
            node: Node::Unasked,
            written_off: false,
            ours: true,
            arrives: None,
            asked: 0,
        });
        let last = self.outs.len() - 1;
        &mut self.outs[last]
    }

    /// The customer's wallet makes a bare invoice, unless it has made all there are.
    pub fn bare_invoice(&mut self, amount: u64, expires: UnixMillis) -> Option<&mut OutBill> {
        let text = INVOICES.get(self.bare)?;
        self.bare += 1;
        Some(self.new_out(text, amount, expires))
    }

    /// One of the bare invoices that were made before.
    pub fn old_invoice(&self, dice: &mut Dice) -> Option<String> {
        let which = dice.below(self.bare.max(1) as u64) as usize;
        (which < self.bare).then(|| INVOICES[which].clone())
    }

    pub fn out(&mut self, hash: &str) -> Option<&mut OutBill> {
        self.outs.iter_mut().find(|out| out.hash == hash)
    }

    /// Makes a BOLT11 over `owed` of an address. The address's first word says how it behaves; on a `calm` day all behave well.
    pub fn resolve(
        &mut self,
        to: &str,
        owed: Sats,
        calm: bool,
        now: UnixMillis,
        dice: &mut Dice,
        tally: &mut Tally,
    ) -> Result<RefundAnswer, Failure> {
        let owed = owed.sats();
        let (kind, rest) = to.split_once('@').unwrap_or((to, ""));
        let problem = |text: &str| Ok(RefundAnswer::Problem(text.to_owned()));
        match kind {
            "bad" => problem("There is no such address."),
            "down" if !calm => Err(Failure::NotApplied { retry_after: None }),
            "own" => Ok(RefundAnswer::Invoice(PayoutInvoice {
                payment_request: format!("lnbc{rest}"),
                payment_hash: rest.to_owned(),
                expires_at: now.plus_seconds(3600),
            })),
            text if text.starts_with("lnbc") => match self.of_invoice(text) {
                Some(out) if out.amount != owed => problem("That invoice has another amount."),
                Some(out) if out.expires <= now.plus_seconds(60) => {
                    problem("That invoice ran out.")
                }
                Some(out) => {
                    if out.node == Node::Paid && out.ours {
                        tally.see(Sight::SameInvoice);
                    }
                    Ok(answer(out))
                }
                None => problem("That is no invoice."),
            },
            _ => {
                let seconds = if calm {
                    3600
                } else {
                    dice.pick(&[62, 75, 120, 600, 3600, 24 * 3600])
                };
                Ok(answer(self.new_out(to, owed, now.plus_seconds(seconds))))
            }
        }
    }

    fn of_invoice(&mut self, text: &str) -> Option<&mut OutBill> {
        self.outs.iter_mut().find(|out| out.to == text)
    }

    /// Takes a call to pay in. A hash is paid once, never after it failed, and never after it ran out.
    pub fn pay(
        &mut self,
        hash: &str,
        calm: bool,
        now: UnixMillis,
        dice: &mut Dice,
        tally: &mut Tally,
    ) -> Result<RefundAnswer, Failure> {
        let Some(out) = self.out(hash) else {
            return Err(Failure::NotApplied { retry_after: None });
        };
        out.asked += 1;
        if out.asked > 1 {
            tally.see(Sight::PayRepeated);
        }
        let ours = out.ours;
        if std::mem::take(&mut out.written_off) && out.node == Node::Failed {
            out.written_off = true;
            tally.see(Sight::PayDead);
            return Ok(RefundAnswer::Outgoing(Outgoing::Dead));
        }
        if out.node == Node::Unasked && now < out.expires {
            let longest = dice.pick(&[60, 60, 60, 7200]);
            let flying = Node::Flying {
                until: now.plus_seconds(5 + dice.below(longest)),
                settles: dice.per_mille(700),
            };
            out.node = match dice.below(100) {
                _ if calm => Node::Paid,
                0..=39 => Node::Paid,
                40..=74 => flying,
                _ => Node::Failed,
            };
        }
        Ok(if out.node == Node::Paid && ours && dice.one_in(2) {
            tally.see(Sight::PaidOut);
            RefundAnswer::Outgoing(Outgoing::Paid)
        } else {
            RefundAnswer::Asked
        })
    }

    /// What LNbits' books say of an outgoing payment.
    pub fn look_up(
        &mut self,
        hash: &str,
        now: UnixMillis,
        tally: &mut Tally,
    ) -> Result<RefundAnswer, Failure> {
        let said = match self.out(hash) {
            None => Outgoing::Missing,
            Some(out) => {
                if out.expires <= now && !matches!(out.node, Node::Flying { .. } | Node::Paid) {
                    tally.see(Sight::PayExpired);
                }
                out.written_off |= out.node == Node::Failed;
                match out.node {
                    Node::Unasked => Outgoing::Missing,
                    _ if !out.ours => Outgoing::Foreign,
                    _ if out.written_off => Outgoing::Failed,
                    Node::Flying { .. } | Node::Failed => Outgoing::Pending,
                    Node::Paid => Outgoing::Paid,
                }
            }
        };
        tally.see(match said {
            Outgoing::Paid => Sight::PaidOut,
            Outgoing::Pending => Sight::PayPending,
            Outgoing::Failed | Outgoing::Dead => Sight::PayFailed,
            Outgoing::Missing => Sight::PayMissing,
            Outgoing::Foreign => Sight::PayForeign,
        });
        Ok(RefundAnswer::Outgoing(said))
    }
}

fn answer(out: &OutBill) -> RefundAnswer {
    RefundAnswer::Invoice(PayoutInvoice {
        payment_request: format!("lnbc{}", out.hash),
        payment_hash: out.hash.clone(),
        expires_at: out.expires,
    })
}
