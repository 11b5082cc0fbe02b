//! What the sequences have met, counted: a fault that is never met proves nothing, so each has a number below which the test fails.

use std::fmt::Write;

macro_rules! sights {
    ($($name:ident = $text:literal, $least:literal;)+) => {
        /// Something that a sequence can meet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Sight {
            $($name,)+
        }

        /// All of them, with their name and how often a full run meets them at least.
        const ALL: &[(Sight, &str, u64)] = &[$((Sight::$name, $text, $least),)+];
    };
}

sights! {
    // How sequences come to rest.
    RestReady = "at rest: ready, no end", 8_000;
    RestEndedHours = "at rest: ended, hours over", 8_000;
    RestEndedDestroyed = "at rest: ended, destroyed", 3_000;
    RestEndedLost = "at rest: ended, machine lost", 600;
    RestRefunded = "at rest: failed and refunded", 20_000;
    RestExpired = "at rest: expired", 1_000;
    RestErased = "at rest: draft erased", 500;
    RestKeptAndRefunded = "at rest: delivered, and something else given back", 1_000;
    // Why orders failed.
    FailedNoCapacity = "failed: no capacity", 3_000;
    FailedCloud = "failed: refused, full or too late", 9_000;
    FailedMachineLost = "failed: machine lost", 1_000;
    FailedMachineSilent = "failed: machine silent", 7_000;
    FailedPairedElsewhere = "failed: paired from elsewhere", 60;
    FailedMachineFailed = "failed: machine failed", 4_000;
    // Calls that go wrong.
    NotApplied = "call not applied", 30_000;
    RetryAfter = "call not applied, retry-after", 20_000;
    LostNotDone = "answer lost, call not applied", 10_000;
    LostDone = "answer lost, call applied", 30_000;
    Refused = "call refused for good", 10_000;
    Garbled = "answer to another question", 20_000;
    Denied = "denied what is there", 5_000;
    Delayed = "create applied late", 2_000;
    Invisible = "fresh droplet invisible", 10_000;
    CutBefore = "cut before the call", 10_000;
    CutAfter = "cut after the call", 30_000;
    CutIdle = "cut between calls", 70_000;
    // Money that comes in.
    PaidInTime = "bill paid in time", 40_000;
    PaidLate = "bill paid after it ran out", 10_000;
    PaidTwice = "second machine bill paid", 2_000;
    PaidLateProvisioned = "late payment provisioned", 10_000;
    ExtensionBought = "more hours bought", 4_000;
    ExtensionOwed = "more hours paid in vain", 500;
    AnswerLate = "payment answer late or out of order", 6_000;
    AnswerTwice = "payment answer twice", 6_000;
    UnpaidAfterPaid = "unpaid said of a paid bill", 2_000;
    WrongAmount = "wrong amount", 3_000;
    WrongHash = "wrong hash", 3_000;
    WrongWallet = "wrong wallet", 3_000;
    HintStorm = "storm of hints", 50_000;
    Renewed = "renewed", 3_000;
    RenewedTooLate = "renewed while it was paid", 200;
    // Money that goes out.
    PaidOut = "refund paid", 20_000;
    PaidOutLate = "refund paid long after its call", 500;
    PayPending = "refund pending", 50_000;
    PayFailed = "refund failed", 10_000;
    PayDead = "refund failed by the node, too", 7_000;
    BooksWrong = "refund written off wrongly", 700;
    PayMissing = "refund unknown to LNbits", 40_000;
    PayRepeated = "BOLT11 asked for again", 8_000;
    PayForeign = "BOLT11 paid by somebody else", 2_000;
    PayExpired = "BOLT11 ran out", 6_000;
    ByHand = "refunded by hand", 2_000;
    BadAddress = "refund address refused", 9_000;
    OwnInvoice = "own invoice as address", 3_000;
    SameInvoice = "BOLT11 given again after it was paid", 40;
    AddressChanged = "refund address changed", 100_000;
    // The machine and who speaks for it.
    PairedTwice = "pairing repeated", 9_000;
    Stranger = "stranger refused", 40_000;
    Replayed = "nonce replayed", 10_000;
    BundleAgain = "same bundle again", 20_000;
    BundleOther = "another bundle refused", 20_000;
    ReportedNode = "node id reported", 70_000;
    // The customer.
    Claimed = "claimed", 9_000;
    ClaimedAgain = "claimed again", 2_000;
    ClaimRefused = "claim refused", 100_000;
    Acknowledged = "acknowledged", 1_000;
    BundleExpired = "bundle erased after a day", 4_000;
    DestroyedBusy = "destroyed during a call", 200;
    // The cloud by itself.
    DropletLost = "droplet lost by the cloud", 1_000;
    MissedWrongly = "droplet missed wrongly", 6_000;
    KeyGone = "foreign key gone before the create", 90;
    NoRoom = "no room in the fleet", 3_000;
    Renamed = "droplet renamed", 10_000;
}

/// How often each was met.
#[derive(Clone)]
pub struct Tally([u64; ALL.len()]);

impl Tally {
    pub fn new() -> Self {
        Self([0; ALL.len()])
    }

    pub fn see(&mut self, sight: Sight) {
        self.0[sight as usize] += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }

    /// A line for each.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (sight, text, _) in ALL {
            let _ = writeln!(table, "{:>9}  {text}", self.0[*sight as usize]);
        }
        table
    }

    /// What was met less often than it should have been.
    pub fn rare(&self) -> Vec<&'static str> {
        ALL.iter()
            .filter(|(sight, _, least)| self.0[*sight as usize] < *least)
            .map(|(_, text, _)| *text)
            .collect()
    }
}
