//! The reference model: what an order must be, told from what really happened to it and from nothing that it says of itself.

use super::cloud::Cloud;
use super::money::{Fate, InBill, Money, WATCH_SECONDS};
use super::{Held, hold};
use kindling_domain::order::{
    BundleState, EndReason, FailureReason, Order, PaymentFacts, Purpose, Resource, Standing, State,
    TeardownStep,
};
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::Phase;

/// What every planted secret has in it.
pub const SECRET: &str = "plantedsecret";
/// What is no secret, but nobody's business.
pub const HOOK: &str = "planted-hook";

/// A claimed bundle is kept this long, in seconds.
const CLAIM_SECONDS: u64 = 24 * 3600;
/// A machine may be silent this long, in seconds.
const SILENCE_SECONDS: u64 = 3600;
/// A machine may take this long, in seconds.
const MACHINE_SECONDS: u64 = 4 * 3600;
/// The end waits this long for an answer about more hours, in seconds.
const END_GRACE_SECONDS: u64 = 600;
/// A droplet must be denied this long before it is believed to be lost, in seconds.
const MISSING_SECONDS: u64 = 600;

/// Where an order stands, without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Draft,
    Awaiting,
    Expired,
    Provisioning,
    Ready,
    Ended,
    Failed,
}

impl Stage {
    pub fn of(state: &State) -> Self {
        match state {
            State::Draft => Self::Draft,
            State::AwaitingPayment => Self::Awaiting,
            State::Expired => Self::Expired,
            State::Provisioning { .. } => Self::Provisioning,
            State::Ready { .. } => Self::Ready,
            State::Ended { .. } => Self::Ended,
            State::Failed { .. } => Self::Failed,
        }
    }

    fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Draft, Self::Awaiting)
                | (Self::Awaiting, Self::Expired | Self::Provisioning)
                | (Self::Expired, Self::Awaiting | Self::Provisioning)
                | (Self::Provisioning, Self::Ready | Self::Failed)
                | (Self::Ready, Self::Ended)
        )
    }
}

/// Who has the bundle.
#[derive(Debug, Clone)]
pub struct Claim {
    pub nonce: u64,
    at: UnixMillis,
    pub erased: bool,
}

/// What must be.
pub struct Ledger {
    pub stage: Stage,
    hours: Option<u32>,
    pub ends_at: Option<UnixMillis>,
    pub claim: Option<Claim>,
    /// The first bundle's hash.
    pub bundle: Option<String>,
    /// The stored bundle is still there.
    pub stored: bool,
    /// The refund address that the customer was last told to be taken.
    pub refund_to: Option<String>,
    /// The operator was told that everything is settled, or the customer ended it: what must have happened before an end.
    pub destroyed: bool,
    pub no_place: bool,
    pub machine_gave_up: bool,
    /// The machine's last accepted word.
    pub last_word: Option<UnixMillis>,
    pub droplet_asked: Option<UnixMillis>,
    /// Since when the cloud denies the droplet.
    pub missed: Option<UnixMillis>,
    /// Of whatever the tailnet lets in, the order was told.
    pub node_told: bool,
    /// The cloud has refused a name for good.
    pub rename_refused: bool,
    /// The furthest phase that was shown.
    pub phase: Option<Phase>,
}

impl Ledger {
    pub fn new(hours: Option<u32>, refund_to: Option<String>) -> Self {
        Self {
            stage: Stage::Draft,
            hours,
            ends_at: None,
            claim: None,
            bundle: None,
            stored: false,
            refund_to,
            destroyed: false,
            no_place: false,
            machine_gave_up: false,
            last_word: None,
            droplet_asked: None,
            missed: None,
            node_told: false,
            rename_refused: false,
            phase: None,
        }
    }

    /// LNbits' answer about a bill is about to be taken in. Says whether it is for more hours, and what becomes of it.
    pub fn hear_payment(
        &mut self,
        money: &mut Money,
        hash: &str,
        facts: &PaymentFacts,
        now: UnixMillis,
    ) -> Option<(bool, Fate)> {
        let truth = money.facts(hash);
        let bill = money.bills.iter_mut().find(|bill| bill.hash == hash)?;
        if bill.fate != Fate::Open {
            return None;
        }
        if !facts.paid {
            bill.unpaid_at = Some(now);
            bill.may_lapse |= now >= bill.expires.plus_seconds(WATCH_SECONDS);
        } else if *facts != truth {
            bill.odd = true;
        } else {
            bill.odd = false;
            bill.fate = match (bill.hours, self.stage, self.ends_at) {
                (None, Stage::Awaiting | Stage::Expired, _) => Fate::Bought,
                (Some(hours), Stage::Ready, Some(end)) => {
                    self.ends_at = Some(end.plus_seconds(u64::from(hours) * 3600));
                    Fate::Bought
                }
                _ => Fate::Owed,
            };
        }
        Some((bill.hours.is_some(), bill.fate))
    }

    /// Whether a claim must succeed now; if so it is taken in.
    pub fn claim(&mut self, nonce: u64, now: UnixMillis) -> bool {
        if self.stage != Stage::Ready {
            return false;
        }
        let claim = self.claim.get_or_insert(Claim {
            nonce,
            at: now,
            erased: false,
        });
        claim.nonce == nonce && !claim.erased && now < claim.at.plus_seconds(CLAIM_SECONDS)
    }

    /// Whether an acknowledgement must succeed now; if so it is taken in.
    pub fn acknowledge(&mut self, nonce: u64) -> bool {
        let ready = self.stage == Stage::Ready;
        match &mut self.claim {
            Some(claim) if ready && claim.nonce == nonce => {
                claim.erased = true;
                self.stored = false;
                true
            }
            _ => false,
        }
    }

    /// The claim's day is over.
    pub fn bundle_expired(&mut self, now: UnixMillis) -> Held {
        let Some(claim) = &mut self.claim else {
            return Err("erased an unclaimed bundle:".to_owned());
        };
        hold!(
            now >= claim.at.plus_seconds(CLAIM_SECONDS),
            "erased early: claimed {:?}, now {now:?}",
            claim.at
        );
        claim.erased = true;
        self.stored = false;
        Ok(())
    }

    /// Everything that must hold after every single step.
    pub fn observe(
        &mut self,
        order: &Order,
        cloud: &Cloud,
        money: &mut Money,
        now: UnixMillis,
    ) -> Held {
        let stage = Stage::of(&order.state);
        if stage != self.stage {
            hold!(
                self.stage.may_become(stage),
                "forbidden edge: {:?} to {stage:?}",
                self.stage
            );
            self.entered(order, money, now)?;
            self.stage = stage;
        }
        lapse(order, money, now);
        self.same_money(order, money)?;
        self.same_lease(order)?;
        same_cloud(stage, order, cloud, self.node_told)
    }

    /// A new stage has a reason, and consequences.
    fn entered(&mut self, order: &Order, money: &mut Money, now: UnixMillis) -> Held {
        match &order.state {
            State::Ready { .. } => {
                hold!(self.bundle.is_some(), "ready without a bundle:");
                self.stored = true;
                self.ends_at = self
                    .hours
                    .map(|hours| now.plus_seconds(u64::from(hours) * 3600));
                self.missed = None;
            }
            State::Failed { reason, .. } => {
                for bill in &mut money.bills {
                    if bill.fate == Fate::Bought {
                        bill.fate = Fate::Owed;
                    }
                }
                self.fails_rightly(reason, now)?;
            }
            State::Ended { why, .. } => {
                self.stored = false;
                match why {
                    EndReason::Destroyed => hold!(self.destroyed, "destroyed by nobody:"),
                    EndReason::HoursOver => self.ends_rightly(money, now)?,
                    EndReason::MachineLost => hold!(
                        self.denied_long_enough(order, now),
                        "given up early: missed {:?}, now {now:?}",
                        self.missed
                    ),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// At its end, or a little later where more hours may have been paid for in the last moment.
    fn ends_rightly(&self, money: &Money, now: UnixMillis) -> Held {
        let doubt = |bill: &InBill| {
            let more = bill.fate == Fate::Open && bill.hours.is_some();
            more && bill.unpaid_at < Some(bill.expires)
        };
        let wait = if money.bills.iter().any(doubt) {
            END_GRACE_SECONDS
        } else {
            0
        };
        hold!(
            self.ends_at
                .is_some_and(|end| end.plus_seconds(wait) <= now),
            "ended early: {:?} and {wait} s, now {now:?}",
            self.ends_at
        );
        Ok(())
    }

    fn denied_long_enough(&self, order: &Order, now: UnixMillis) -> bool {
        // A droplet whose id was never learnt is missed since it was ordered.
        let unknown = order.resources.droplet.is_none();
        let since = self.missed.or(self.droplet_asked.filter(|_| unknown));
        since.is_some_and(|missed| missed.plus_seconds(MISSING_SECONDS) <= now)
    }

    fn fails_rightly(&self, reason: &FailureReason, now: UnixMillis) -> Held {
        let long = |since: Option<UnixMillis>, seconds: u64| {
            since.is_none_or(|since| since.plus_seconds(seconds) <= now)
        };
        match reason {
            FailureReason::NoCapacity => hold!(self.no_place, "no capacity, said nobody:"),
            FailureReason::MachineFailed { .. } => {
                hold!(self.machine_gave_up, "failed machine, said nobody:");
            }
            FailureReason::MachineSilent => hold!(
                long(self.last_word, SILENCE_SECONDS) || long(self.droplet_asked, MACHINE_SECONDS),
                "called silent: last word {:?}, now {now:?}",
                self.last_word
            ),
            _ => {}
        }
        Ok(())
    }

    fn same_money(&self, order: &Order, money: &Money) -> Held {
        let (received, debt, out) = (money.received(), money.debt(), money.gone_out());
        hold!(
            out <= debt,
            "paid out too much: {out} sats of {debt} sats owed"
        );
        hold!(
            order.received().sats() == received,
            "received: it says {} sats, LNbits said {received}",
            order.received().sats()
        );
        let returned = order.refund.returned.sats();
        hold!(
            returned <= out,
            "claims to have returned: {returned} sats, {out} left"
        );
        hold!(
            order.owed().sats() + returned == debt,
            "owed: it says {} sats and {returned} returned, of {debt}",
            order.owed().sats()
        );
        hold!(
            order.bills.len() == money.bills.len(),
            "bills: {} of {}",
            order.bills.len(),
            money.bills.len()
        );
        let mut machines = 0;
        for (bill, truth) in order.bills.iter().zip(&money.bills) {
            let fate = match bill.standing {
                Standing::Open => Fate::Open,
                Standing::Bought { .. } => Fate::Bought,
                Standing::Owed { .. } => Fate::Owed,
                Standing::Lapsed => Fate::Lapsed,
            };
            hold!(
                bill.invoice.payment_hash == truth.hash && fate == truth.fate,
                "a bill's standing: {fate:?}, not {truth:?}"
            );
            machines += u32::from(bill.purpose == Purpose::Machine && fate == Fate::Bought);
        }
        let bought = matches!(
            self.stage,
            Stage::Provisioning | Stage::Ready | Stage::Ended
        );
        hold!(
            machines == u32::from(bought),
            "machines bought: {machines} while {:?}",
            self.stage
        );
        Ok(())
    }

    fn same_lease(&self, order: &Order) -> Held {
        hold!(
            order.ends_at == self.ends_at,
            "ends at: {:?}, not {:?}",
            order.ends_at,
            self.ends_at
        );
        if let State::Ready { facts, .. } | State::Ended { facts, .. } = &order.state {
            hold!(
                Some(&facts.sealed_hash) == self.bundle.as_ref(),
                "the first bundle stands: {} does not",
                facts.sealed_hash
            );
        }
        if let State::Ready { bundle, .. } = &order.state {
            let same = match (bundle, &self.claim) {
                (BundleState::Sealed, None) => true,
                (BundleState::Claimed { .. }, Some(claim)) => !claim.erased,
                (BundleState::Erased { .. }, Some(claim)) => claim.erased,
                _ => false,
            };
            hold!(same, "bundle: {bundle:?}, claim {:?}", self.claim);
        }
        Ok(())
    }
}

/// Which of the last looks ends the watch is the order's to say: the answer may have been on its way for a while.
fn lapse(order: &Order, money: &mut Money, now: UnixMillis) {
    for (bill, truth) in order.bills.iter().zip(&mut money.bills) {
        if bill.standing == Standing::Lapsed && truth.fate == Fate::Open && truth.may_lapse {
            truth.fate = Fate::Lapsed;
            truth.lapsed_at = Some(now);
        }
    }
}

pub fn is_done(state: &State) -> bool {
    matches!(
        state,
        State::Failed {
            step: TeardownStep::Done,
            ..
        } | State::Ended {
            step: TeardownStep::Done,
            ..
        }
    )
}

/// What must hold of all that exists.
fn same_cloud(stage: Stage, order: &Order, cloud: &Cloud, node_told: bool) -> Held {
    hold!(
        cloud.droplets_ever <= 1,
        "machines made: {}",
        cloud.droplets_ever
    );
    hold!(!cloud.stole_key, "deleted somebody else's key:");
    if cloud.running().is_some() || cloud.coming.is_some() {
        let holder = matches!(
            stage,
            Stage::Provisioning | Stage::Ready | Stage::Ended | Stage::Failed
        );
        hold!(holder, "a machine of nobody: {stage:?}");
        hold!(
            cloud.place,
            "a machine without its place in the fleet: {:?}",
            order.state
        );
    }
    // The sweep removes what no order calls its own.
    let lives = cloud.running().map(|rented| Resource::Droplet(rented.id));
    let key = cloud.key.filter(|key| key.owned);
    let key = key.map(|key| Resource::SshKey(key.id));
    for thing in [lives, cloud.volume(), key].into_iter().flatten() {
        hold!(order.owns(&thing), "disowned: {thing:?}");
    }
    if is_done(&order.state) {
        nothing_left(cloud, node_told)?;
    }
    Ok(())
}

/// Nothing that was made for the order exists any more.
pub fn nothing_left(cloud: &Cloud, node_told: bool) -> Held {
    hold!(
        cloud.running().is_none() && cloud.coming.is_none(),
        "left behind, a droplet: {:?} {:?}",
        cloud.droplet,
        cloud.coming
    );
    hold!(cloud.volume().is_none(), "left behind, a volume:");
    hold!(
        !cloud.key.is_some_and(|key| key.owned),
        "left behind, a key:"
    );
    hold!(
        !(cloud.device && node_told),
        "left behind, a device in the tailnet:"
    );
    Ok(())
}
