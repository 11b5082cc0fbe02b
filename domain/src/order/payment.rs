//! What was asked of the customer, and what came in: every invoice is a bill of its own, watched until a day after it ran out.
//!
//! Invariant: a satoshi that came in stands in exactly one bill, as [`Standing::Bought`] or as [`Standing::Owed`].

use super::{Order, State, Step};
use crate::money::{Msats, Sats};
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// An invoice as LNbits made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// The BOLT11 text.
    pub payment_request: String,
    /// 32 bytes in hex.
    pub payment_hash: String,
    /// The wallet at LNbits that it pays into.
    pub wallet: String,
    /// When it stops being payable.
    pub expires_at: UnixMillis,
}

/// What a bill buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// The machine.
    Machine,
    /// More hours for it.
    Extension {
        /// How many.
        hours: u32,
    },
}

/// What became of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    /// Not paid, as far as is known.
    Open,
    /// Paid, and spent on what it is for.
    Bought {
        /// When it was found paid.
        at: UnixMillis,
    },
    /// Paid, and to be given back.
    Owed {
        /// When it was found paid.
        at: UnixMillis,
    },
    /// Never paid; no longer watched.
    Lapsed,
}

/// A payment that is not what was asked for. It buys nothing and is believed by nobody until a person has looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// LNbits spoke of another payment hash.
    WrongHash,
    /// Another amount.
    WrongAmount,
    /// Another wallet.
    WrongWallet,
}

/// When a bill was last looked up. Not stored: an order that is loaded anew looks at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// The last look; `None` since the order was loaded.
    pub last_look: Option<UnixMillis>,
    /// The last look that LNbits answered with "not paid".
    pub unpaid_at: Option<UnixMillis>,
    /// Somebody said that it may be paid.
    pub hinted: bool,
}

/// An invoice, what it is for, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The invoice.
    pub invoice: Invoice,
    /// Its amount.
    pub amount: Sats,
    /// What it buys.
    pub purpose: Purpose,
    /// What became of it.
    pub standing: Standing,
    /// What is strange about its payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odd: Option<Oddity>,
    /// Its look-ups.
    #[serde(skip)]
    pub watch: Watch,
}

/// What LNbits says of a payment, before anything is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFacts {
    /// Whether it is settled.
    pub paid: bool,
    /// The hash it speaks of.
    pub payment_hash: String,
    /// The amount.
    pub amount: Msats,
    /// The wallet it went into.
    pub wallet: String,
}

/// An open invoice is looked up this often, in seconds.
const LOOK_UP_SECONDS: u64 = 30;
/// Two looks are at least this far apart, in milliseconds, whoever asks.
const MIN_LOOK_UP_MILLIS: u64 = 1000;
/// An expired invoice is watched this long, in seconds.
const LATE_SECONDS: u64 = 24 * 3600;

impl Bill {
    pub(super) fn new(invoice: Invoice, amount: Sats, purpose: Purpose, now: UnixMillis) -> Self {
        Self {
            invoice,
            amount,
            purpose,
            standing: Standing::Open,
            odd: None,
            watch: Watch {
                last_look: Some(now),
                ..Watch::default()
            },
        }
    }

    /// When it is looked at next, if ever: soon while it is payable, once as it runs out, ever more rarely after that.
    pub(super) fn next_look(&self) -> Option<UnixMillis> {
        if self.standing != Standing::Open {
            return None;
        }
        let Some(last) = self.watch.last_look else {
            return Some(UnixMillis(0));
        };
        if self.watch.hinted {
            return Some(last.plus_millis(MIN_LOOK_UP_MILLIS));
        }
        let expiry = self.invoice.expires_at;
        let late = last.since(expiry) / 1000;
        let next = last.plus_seconds((late / 10).clamp(LOOK_UP_SECONDS, 3600));
        Some(if last < expiry {
            next.min(expiry)
        } else {
            next
        })
    }

    /// Whether LNbits has said, at or after its end, that it was not paid.
    pub(super) fn surely_unpaid(&self) -> bool {
        self.watch.unpaid_at >= Some(self.invoice.expires_at)
    }

    fn oddity(&self, facts: &PaymentFacts) -> Option<Oddity> {
        if facts.payment_hash != self.invoice.payment_hash {
            Some(Oddity::WrongHash)
        } else if facts.amount != self.amount.msats() {
            Some(Oddity::WrongAmount)
        } else if facts.wallet != self.invoice.wallet {
            Some(Oddity::WrongWallet)
        } else {
            None
        }
    }
}

impl Order {
    /// The bill whose invoice can be paid now, or could last.
    pub(super) fn machine_bill(&self) -> Option<&Bill> {
        self.bills
            .iter()
            .rev()
            .find(|bill| bill.purpose == Purpose::Machine)
    }

    /// Whether a look at LNbits could find something paid.
    pub fn may_be_paid(&self) -> bool {
        self.bills
            .iter()
            .any(|bill| bill.standing == Standing::Open)
    }

    /// The open bill with this payment hash.
    pub fn open_bill(&self, payment_hash: &str) -> Option<&Bill> {
        self.bills.iter().find(|bill| {
            bill.standing == Standing::Open && bill.invoice.payment_hash == payment_hash
        })
    }

    /// Somebody says that a bill may be paid: each that is open is looked up soon.
    pub(super) fn payment_hinted(&mut self) {
        for bill in &mut self.bills {
            bill.watch.hinted = true;
        }
    }

    pub(super) fn look_begins(&mut self, payment_hash: &str, now: UnixMillis) {
        for bill in &mut self.bills {
            if bill.invoice.payment_hash == payment_hash {
                bill.watch.last_look = Some(now);
                bill.watch.hinted = false;
            }
        }
    }

    /// LNbits answered a look-up of the bill with `payment_hash`.
    pub(super) fn looked_up(&mut self, payment_hash: &str, facts: &PaymentFacts, now: UnixMillis) {
        let Some(at) = self.bills.iter().position(|bill| {
            bill.standing == Standing::Open && bill.invoice.payment_hash == payment_hash
        }) else {
            return;
        };
        let bill = &mut self.bills[at];
        // "Not paid" is true of when it was asked; what came in while the answer was on its way is found by the next look.
        let asked = bill.watch.last_look.unwrap_or(now);
        if !facts.paid {
            bill.watch.unpaid_at = Some(asked);
            if asked >= bill.invoice.expires_at.plus_seconds(LATE_SECONDS) {
                bill.standing = Standing::Lapsed;
                self.note(now, "bill_lapsed", "not paid within a day after it ran out");
            }
            self.ran_out(asked, now);
            return;
        }
        match bill.oddity(facts) {
            Some(odd) if bill.odd == Some(odd) => {}
            Some(odd) => {
                bill.odd = Some(odd);
                self.note(now, "payment_quarantined", odd.text());
            }
            None => {
                bill.odd = None;
                self.paid(at, now);
            }
        }
        // What was paid wrongly does not keep the invoice open.
        self.ran_out(asked, now);
    }

    /// The invoice of an order that was unpaid when LNbits was `asked` is over.
    fn ran_out(&mut self, asked: UnixMillis, now: UnixMillis) {
        if self.state == State::AwaitingPayment && asked >= self.expires_at {
            self.door = None;
            self.state = State::Expired;
            self.note(now, "expired", "");
        }
    }

    /// A bill was paid: it buys what it is for, or is owed back.
    fn paid(&mut self, at: usize, now: UnixMillis) {
        let bill = &self.bills[at];
        let buys = match (bill.purpose, &self.state) {
            (Purpose::Machine, State::AwaitingPayment | State::Expired) => true,
            (Purpose::Extension { .. }, State::Ready { .. }) => self.ends_at.is_some(),
            _ => false,
        };
        let (purpose, sats) = (bill.purpose, bill.amount.sats());
        self.bills[at].standing = if buys {
            Standing::Bought { at: now }
        } else {
            Standing::Owed { at: now }
        };
        self.note(
            now,
            if buys { "paid" } else { "paid_too_much" },
            format!("{sats} sats {}", purpose.text()),
        );
        match purpose {
            Purpose::Machine if buys => self.enter(Step::ClaimPlace, now),
            Purpose::Extension { hours } if buys => self.extend_by(hours, now),
            _ => {}
        }
    }

    /// What was bought is not delivered: all of it is owed back.
    pub(super) fn owe_everything(&mut self) {
        for bill in &mut self.bills {
            if let Standing::Bought { at } = bill.standing {
                bill.standing = Standing::Owed { at };
            }
        }
    }

    /// All that came in.
    pub fn received(&self) -> Sats {
        self.sum(|standing| matches!(standing, Standing::Bought { .. } | Standing::Owed { .. }))
    }

    /// All that is to be given back, whether it was yet or not.
    pub(super) fn debt(&self) -> Sats {
        self.sum(|standing| matches!(standing, Standing::Owed { .. }))
    }

    fn sum(&self, which: impl Fn(Standing) -> bool) -> Sats {
        let sats = self
            .bills
            .iter()
            .filter(|bill| which(bill.standing))
            .map(|bill| bill.amount.sats());
        Sats::from_sats(sats.fold(0, u64::saturating_add))
    }
}

impl Oddity {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::WrongHash => "wrong_hash",
            Self::WrongAmount => "wrong_amount",
            Self::WrongWallet => "wrong_wallet",
        }
    }
}

impl Purpose {
    fn text(self) -> String {
        match self {
            Self::Machine => "for the machine".to_owned(),
            Self::Extension { hours } => format!("for {hours} hours more"),
        }
    }
}
