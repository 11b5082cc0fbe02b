//! The machine, which pairs, reports, fails or delivers; and whoever would like to speak in its place.

use super::dice::Dice;
use super::ledger::{SECRET, Stage};
use super::tally::Sight;
use super::walk::Walk;
use super::{Held, hold};
use kindling_domain::catalogue::Product;
use kindling_domain::order::{FailureReason, Order, State};
use kindling_domain::secret::Secret;
use kindling_domain::wire::{MachineDelivery, MachineReport, PairRequest, Phase, ReportStatus};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The machine's key and a stranger's.
static KEYS: LazyLock<[String; 2]> = LazyLock::new(|| {
    [3, 4].map(|byte| {
        let key = k256::ecdsa::SigningKey::from_slice(&[byte; 32]).unwrap();
        hex::encode(key.verifying_key().to_encoded_point(true).as_bytes())
    })
});
/// base64 of "age-encryption.org/v1\n" and two bytes more.
const AGE: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCgAA";
const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1lAQ0eGJ7rvMPRJwAkcVvzLyPSLQhxjxwRrSq6LYDJ";
const NODE: &str = "nKYC11CNTRL";
/// A droplet says nothing before its system has started, in seconds.
const BOOT_SECONDS: u64 = 15;
/// What the machine goes through.
const PHASES: [Phase; 4] = [
    Phase::Packages,
    Phase::Docker,
    Phase::Bitcoin,
    Phase::Sealed,
];

/// The machine's own side.
#[derive(Debug)]
pub struct Machine {
    paired: bool,
    nonce: u64,
    phase: usize,
    /// Whether it gets through once nobody disturbs it.
    pub willing: bool,
    /// Whether it says at some phase that it cannot go on.
    fails: bool,
}

impl Machine {
    pub fn new(dice: &mut Dice) -> Self {
        Self {
            paired: false,
            nonce: 0,
            phase: 0,
            willing: !dice.one_in(5),
            fails: dice.one_in(6),
        }
    }
}

/// Bundle number `which`: 0 is the machine's.
fn sealed(which: u64) -> String {
    // In base64's own letters, so that a leak shows.
    format!("{AGE}{SECRET}{which:03}")
}

fn delivery(order: &Order, nonce: u64, which: u64, node: bool) -> MachineDelivery {
    MachineDelivery {
        nonce,
        sealed: sealed(which),
        node_ip: "198.51.100.1".to_owned(),
        host_keys: vec![HOST_KEY.to_owned()],
        tailscale_hostname: node.then(|| "kindling".to_owned()),
        tailscale_node_id: node.then(|| NODE.to_owned()),
        lnbits_url: match order.request.product {
            Product::FullNode { .. } => Some("http://127.0.0.1:5000".to_owned()),
            Product::Classroom(_) => None,
        },
    }
}

/// Stands for the signature's check, which has tests of its own.
fn is_bound(order: &Order, key: &str) -> bool {
    order.voice.public_key.as_deref() == Some(key)
}

impl Walk {
    /// The machine says its next word, if there is one that can.
    pub fn machine_speaks(&mut self) -> Result<bool, String> {
        let now = self.now;
        let Some(rented) = self.cloud.running() else {
            return Ok(false);
        };
        if now < rented.born.plus_seconds(BOOT_SECONDS) {
            return Ok(false);
        }
        let token = rented.token;
        if !self.machine.paired {
            return self.machine_pairs(token).map(|()| true);
        }
        if !is_bound(&self.order, &KEYS[0]) {
            return Ok(false);
        }
        self.machine.nonce += 1;
        // A word that is lost on its way: the machine says the next one with a higher nonce.
        if !self.calm && self.dice.one_in(8) {
            return Ok(false);
        }
        let joined = self.order.plan.tailscale && self.machine.phase > 0;
        if self.machine.phase < PHASES.len() {
            self.machine_reports(joined)?;
        } else if self.ledger.bundle.is_some() {
            if self.calm {
                return Ok(false);
            }
            self.machine_repeats(joined)?;
        } else {
            self.machine_delivers(joined)?;
        }
        Ok(true)
    }

    fn machine_pairs(&mut self, token: u64) -> Held {
        let request = PairRequest {
            token: Self::pairing_token(token),
            public_key: KEYS[0].clone(),
        };
        let again = self.order.voice.public_key.is_some();
        let may = self.ledger.stage == Stage::Provisioning
            && token == self.tokens
            && self
                .order
                .voice
                .token_expires_at
                .is_some_and(|end| self.now < end);
        if may && !again && !self.calm && self.dice.one_in(20) {
            return self.thief_pairs(&request);
        }
        let address = self.order.resources.address.as_ref();
        let caller = address
            .and_then(|address| address.parse().ok())
            .filter(|_| self.dice.one_in(2));
        let paired = self.order.pair(&request, caller, self.now).is_ok();
        self.say(|| format!("the machine pairs: {paired}"));
        hold!(
            paired == may,
            "the machine's pairing: {paired} while {:?}, token {token} of {}",
            self.ledger.stage,
            self.tokens
        );
        if paired {
            self.ledger.last_word = Some(self.now);
            if again {
                self.tally.see(Sight::PairedTwice);
            }
            // Otherwise its answer is lost, and it pairs again.
            self.machine.paired = self.calm || !self.dice.one_in(4);
        }
        self.look()
    }

    /// Somebody has read user-data before the machine did.
    fn thief_pairs(&mut self, request: &PairRequest) -> Held {
        let known = self.order.resources.address.is_some();
        let elsewhere = Some([192, 0, 2, 66].into());
        let stolen = self.order.pair(request, elsewhere, self.now);
        self.say(|| format!("a thief pairs: {stolen:?}"));
        hold!(stolen.is_err(), "a thief paired");
        let failed = matches!(
            self.order.state,
            State::Failed {
                reason: FailureReason::PairedElsewhere,
                ..
            }
        );
        hold!(failed == known, "after a thief: {:?}", self.order.state);
        self.look()
    }

    fn machine_reports(&mut self, joined: bool) -> Held {
        let fails = self.machine.fails && self.dice.one_in(3);
        let report = MachineReport {
            nonce: self.machine.nonce,
            phase: PHASES[self.machine.phase],
            status: if fails {
                ReportStatus::Failed
            } else if self.dice.one_in(2) {
                ReportStatus::Started
            } else {
                ReportStatus::Done
            },
            message: fails.then(|| "the disk is full".to_owned()),
            tailscale_node_id: joined.then(|| NODE.to_owned()),
            seconds: None,
        };
        self.cloud.device |= joined;
        if fails {
            self.ledger.machine_gave_up = true;
        }
        let heard = self.order.report(&report, self.now);
        self.say(|| format!("the machine reports {report:?}: {heard:?}"));
        hold!(heard.is_ok(), "a report: {heard:?}");
        self.ledger.last_word = Some(self.now);
        if joined {
            self.ledger.node_told = true;
            self.tally.see(Sight::ReportedNode);
        }
        if self.dice.one_in(2) {
            self.machine.phase += 1;
        }
        self.look()
    }

    fn machine_delivers(&mut self, joined: bool) -> Held {
        let delivery = delivery(&self.order, self.machine.nonce, 0, joined);
        let may = self.ledger.stage == Stage::Provisioning;
        self.cloud.device |= joined;
        if may {
            self.ledger.bundle = Some(hex::encode(Sha256::digest(sealed(0))));
            self.ledger.node_told |= joined;
        }
        let taken = self.order.deliver(&delivery, self.now);
        self.say(|| format!("the machine delivers: {taken:?}"));
        hold!(
            taken.as_ref().is_ok_and(|stored| *stored) == may,
            "the first delivery: {taken:?} while {:?}",
            self.ledger.stage
        );
        self.look()
    }

    /// After its delivery.
    fn machine_repeats(&mut self, joined: bool) -> Held {
        let nonce = self.machine.nonce;
        let ready = self.ledger.stage == Stage::Ready;
        match self.dice.below(3) {
            0 => {
                let heard = self.order.hear(nonce, self.now);
                hold!(heard.is_ok(), "a heartbeat: {heard:?}");
            }
            1 => {
                let same = delivery(&self.order, nonce, 0, joined);
                let again = self.order.deliver(&same, self.now);
                self.tally.see(Sight::BundleAgain);
                hold!(
                    again.is_ok() == ready && again != Ok(true),
                    "the same bundle: {again:?}"
                );
            }
            _ => {
                let another = delivery(&self.order, nonce, 1, joined);
                let other = self.order.deliver(&another, self.now);
                self.tally.see(Sight::BundleOther);
                hold!(other.is_err(), "another bundle: {other:?}");
            }
        }
        self.look()
    }

    /// Somebody without the machine's key, or with nothing but what it once said.
    pub fn stranger_speaks(&mut self) -> Held {
        let before = self.order.clone();
        let refused = match self.dice.below(3) {
            0 => {
                let request = PairRequest {
                    token: Secret::new("guess"),
                    public_key: KEYS[1].clone(),
                };
                self.order.pair(&request, None, self.now).is_err()
            }
            // The token, read from user-data, after the machine has used it.
            1 if self.order.voice.public_key.is_some() => {
                let request = PairRequest {
                    token: Self::pairing_token(self.tokens),
                    public_key: KEYS[1].clone(),
                };
                self.order.pair(&request, None, self.now).is_err()
            }
            _ => {
                if !is_bound(&self.order, &KEYS[0]) {
                    return Ok(());
                }
                let nonce = self.dice.below(self.order.voice.nonce + 1);
                self.tally.see(Sight::Replayed);
                let report = MachineReport {
                    nonce,
                    phase: Phase::Sealed,
                    status: ReportStatus::Failed,
                    message: None,
                    tailscale_node_id: None,
                    seconds: None,
                };
                if self.dice.one_in(2) {
                    self.order.report(&report, self.now).is_err()
                } else {
                    let replay = delivery(&self.order, nonce, 1, false);
                    self.order.deliver(&replay, self.now).is_err()
                }
            }
        };
        self.tally.see(Sight::Stranger);
        self.say(|| "a stranger speaks".to_owned());
        hold!(
            refused && self.order == before,
            "a stranger was heard: {:?}",
            self.order.voice
        );
        Ok(())
    }
}
