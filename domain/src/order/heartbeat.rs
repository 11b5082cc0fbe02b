//! What a running machine tells of itself: kept as it was last said, and as a line over time while the chain is validated.

use super::machine::{is_node_key, sentence, short, verify_signature};
use super::{Order, State};
use crate::catalogue::Product;
use crate::classroom::Classroom;
use crate::error::{ApiError, ErrorCode};
use crate::time::{UnixMillis, WireTime};
use crate::wire::{
    BitcoinStatus, ClassChannelStatus, ClassStatus, ClassView, HeartbeatResponse, LndStatus,
    MachineHeartbeat, MachineView, NodeStatus, SyncEstimate, SyncSample,
};
use serde::{Deserialize, Serialize};

/// How soon a machine speaks again that somebody looks at, in seconds.
const WATCHED_SECONDS: u32 = 30;
/// How soon the machine of a class does: participants come and go within minutes.
const CLASS_SECONDS: u32 = 60;
/// How soon another does otherwise: often enough to notice a machine that went quiet.
const UNWATCHED_SECONDS: u32 = 300;
/// The most samples of the sync that are kept; a plot is not wider.
const MAX_SAMPLES: usize = 200;
/// The first distance between samples, in seconds.
const SAMPLE_SECONDS: u64 = 300;
/// The most rules of the chain a node may name.
const MAX_RULES: usize = 32;
/// The most channels between the nodes of a class: a full graph of 16 nodes, and what participants open.
const MAX_CHANNELS: usize = 512;
/// What is looked back at for the pace right now, in seconds.
const RECENT_SECONDS: u64 = 6 * 3600;
/// What must have been seen of the sync before anything is said of its end, in seconds.
const SEEN_SECONDS: u64 = 30 * 60;
/// Millionths of the whole.
const WHOLE: u32 = 1_000_000;

/// What was said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When.
    pub at: UnixMillis,
    /// How long the machine was told to wait until the next one, in seconds.
    pub every: u32,
    /// What.
    pub status: NodeStatus,
}

/// What the machine of a class said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassHeartbeat {
    /// When.
    pub at: UnixMillis,
    /// How long the machine was told to wait until the next one, in seconds.
    pub every: u32,
    /// What.
    pub status: ClassStatus,
}

/// LND's name in its network, proved by its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// 33 bytes of compressed SEC1, in hex.
    pub key: String,
    /// When it signed last.
    pub verified_at: UnixMillis,
    /// When it took the place of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<UnixMillis>,
}

/// The validation of the chain over time: at most [`MAX_SAMPLES`], the further apart the longer it takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SyncHistory {
    samples: Vec<SyncSample>,
    /// The distance between samples, in seconds; 0 before the first.
    spacing: u64,
}

impl SyncHistory {
    /// Whether nothing was seen yet.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Takes a figure in, in millionths.
    fn add(&mut self, now: UnixMillis, ppm: u32) {
        let at = now.seconds();
        self.spacing = self.spacing.max(SAMPLE_SECONDS);
        let due = |last: &SyncSample| at >= last.0.saturating_add(self.spacing);
        if !self.samples.last().is_none_or(due) {
            return;
        }
        if self.samples.len() >= MAX_SAMPLES {
            let mut keep = false;
            self.samples.retain(|_| {
                keep = !keep;
                keep
            });
            self.spacing *= 2;
        }
        self.samples.push(SyncSample(at, ppm));
    }

    /// How long it takes from `ppm` to the whole, by the pace since `since` and by the pace of all that was seen. `None` while too little
    /// was seen, and where it does not move.
    fn estimate(&self, now: UnixMillis, ppm: u32) -> Option<SyncEstimate> {
        let at = now.seconds();
        let left = u64::from(WHOLE.checked_sub(ppm)?);
        let time_from = |sample: &SyncSample| {
            let seen = at.checked_sub(sample.0)?;
            let gained = u64::from(ppm.checked_sub(sample.1)?);
            (seen >= SEEN_SECONDS && gained > 0).then(|| left.saturating_mul(seen) / gained)
        };
        let overall = time_from(self.samples.first()?)?;
        let old = |sample: &&SyncSample| sample.0.saturating_add(RECENT_SECONDS) <= at;
        let recent = match self.samples.iter().rev().find(old) {
            Some(sample) => time_from(sample)?,
            None => overall,
        };
        Some(SyncEstimate {
            from_seconds: overall.min(recent),
            to_seconds: overall.max(recent),
        })
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn check_bitcoin(it: &mut BitcoinStatus) -> bool {
    it.progress_ppm = it.progress_ppm.min(WHOLE);
    if let Some(background) = &mut it.background {
        background.progress_ppm = background.progress_ppm.min(WHOLE);
    }
    short(&it.chain)
        && is_hash(&it.best_block_hash)
        && short(&it.version)
        && it.rules.len() <= MAX_RULES
        && it.rules.iter().all(|rule| short(&rule.name))
}

fn check_lnd(it: &LndStatus) -> bool {
    short(&it.state)
        && short(&it.version.replace(' ', ""))
        && matches!(it.backend.as_str(), "bitcoind" | "neutrino")
}

/// Bounds what a machine says: a confused one must not be able to break its customer's page.
fn check_status(status: &mut NodeStatus) -> Result<(), ApiError> {
    let good = status.bitcoin.as_mut().is_none_or(check_bitcoin)
        && status.lnd.as_ref().is_none_or(check_lnd);
    if !good {
        return Err(ErrorCode::InvalidBody.into());
    }
    if let Some(snapshot) = &mut status.snapshot {
        snapshot.percent = snapshot.percent.min(100);
    }
    status.message = status.message.as_deref().map(sentence);
    Ok(())
}

/// Bounds what the machine of a class says.
fn check_class(status: &mut ClassStatus, class: Classroom) -> Result<(), ApiError> {
    if let Some(state) = &status.class {
        let nodes = state.nodes.len();
        let inside = |node: u32| usize::try_from(node).is_ok_and(|node| node < nodes);
        let sound = |channel: &ClassChannelStatus| {
            inside(channel.from) && inside(channel.to) && channel.from_sats <= channel.sats
        };
        let good = nodes == class.plan.nodes() as usize
            && state.nodes.iter().all(|node| short(&node.name))
            && state.channels.len() <= MAX_CHANNELS
            && state.channels.iter().all(sound);
        if !good {
            return Err(ErrorCode::InvalidBody.into());
        }
    }
    status.message = status.message.as_deref().map(sentence);
    Ok(())
}

impl Order {
    /// Takes the heartbeat of a class's machine in, whose signature was verified.
    ///
    /// # Errors
    /// `not_found` where no machine of a class is awaited or runs; `nonce_not_rising`; `invalid_body`.
    pub fn class_heartbeat(
        &mut self,
        mut beat: MachineHeartbeat<ClassStatus>,
        watched: bool,
        now: UnixMillis,
    ) -> Result<HeartbeatResponse, ApiError> {
        let Product::Classroom(class) = self.request.product else {
            return Err(ErrorCode::NotFound.into());
        };
        if !self.is_awaited_or_runs() {
            return Err(ErrorCode::NotFound.into());
        }
        check_class(&mut beat.status, class)?;
        self.hear(beat.nonce, now)?;
        let answer = self.next_heartbeat(watched);
        self.class = Some(ClassHeartbeat {
            at: now,
            every: answer.next_seconds,
            status: beat.status,
        });
        Ok(answer)
    }

    fn is_awaited_or_runs(&self) -> bool {
        matches!(self.state, State::Provisioning { .. } | State::Ready { .. })
    }

    fn next_heartbeat(&self, watched: bool) -> HeartbeatResponse {
        HeartbeatResponse {
            next_seconds: match self.request.product {
                _ if watched => WATCHED_SECONDS,
                Product::Classroom(_) => CLASS_SECONDS,
                Product::FullNode { .. } => UNWATCHED_SECONDS,
            },
            ends_at: self.removal_at().or(self.ends_at).map(UnixMillis::seconds),
        }
    }

    /// What the customer sees of a running class.
    pub(super) fn class_view(&self) -> Option<Box<ClassView>> {
        let last = self.class.as_ref()?;
        Some(Box::new(ClassView {
            last_heard_at: WireTime(last.at),
            every_seconds: last.every,
            status: last.status.clone(),
        }))
    }

    /// Takes a heartbeat in whose machine signature was verified over `body`. `identity_signature` is LND's over the same bytes;
    /// `watched` whether somebody looks at the order's page.
    ///
    /// # Errors
    /// `not_found` for a signature that is not the named identity's, as for any wrong signature, and where no machine is awaited or
    /// runs; `nonce_not_rising`; `invalid_body`.
    pub fn heartbeat(
        &mut self,
        mut beat: MachineHeartbeat,
        body: &[u8],
        identity_signature: Option<&str>,
        watched: bool,
        now: UnixMillis,
    ) -> Result<HeartbeatResponse, ApiError> {
        if !self.is_awaited_or_runs() {
            return Err(ErrorCode::NotFound.into());
        }
        check_status(&mut beat.status)?;
        let identity = match (&beat.identity_key, identity_signature) {
            (Some(key), Some(signature)) if is_node_key(key) => {
                if !verify_signature(key, body, signature) {
                    return Err(ErrorCode::NotFound.into());
                }
                Some(key)
            }
            (None, None) => None,
            _ => return Err(ErrorCode::InvalidBody.into()),
        };
        self.hear(beat.nonce, now)?;
        if let Some(key) = identity {
            self.signed_by(key, now);
        }
        if let Some(ppm) = beat.status.validated_ppm()
            && !self.was_validated()
        {
            self.sync.add(now, ppm);
        }
        let answer = self.next_heartbeat(watched);
        self.heartbeat = Some(Heartbeat {
            at: now,
            every: answer.next_seconds,
            status: beat.status,
        });
        Ok(answer)
    }

    fn signed_by(&mut self, key: &str, now: UnixMillis) {
        match &mut self.voice.identity {
            Some(identity) if identity.key == key => identity.verified_at = now,
            other => {
                let changed_at = other.is_some().then_some(now);
                *other = Some(Identity {
                    key: key.to_owned(),
                    verified_at: now,
                    changed_at,
                });
                self.note(now, "identity", key);
            }
        }
    }

    fn was_validated(&self) -> bool {
        let last = self.heartbeat.as_ref();
        last.is_some_and(|last| last.status.is_validated())
    }

    /// What the customer sees of it.
    pub(super) fn machine_view(&self) -> Option<Box<MachineView>> {
        let last = self.heartbeat.as_ref()?;
        let identity = self.voice.identity.as_ref();
        let validated = last.status.is_validated();
        let estimate = match last.status.validated_ppm() {
            Some(ppm) if !validated => self.sync.estimate(last.at, ppm),
            _ => None,
        };
        Some(Box::new(MachineView {
            last_heard_at: WireTime(last.at),
            every_seconds: last.every,
            usable: last.status.is_usable(),
            validated,
            status: last.status.clone(),
            identity_key: identity.map(|it| it.key.clone()),
            identity_verified_at: identity.map(|it| WireTime(it.verified_at)),
            identity_changed_at: identity.and_then(|it| it.changed_at).map(WireTime),
            estimate,
            history: self.sync.samples.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> UnixMillis {
        UnixMillis(seconds * 1000)
    }

    #[test]
    fn two_weeks_fit_into_a_plot() {
        let mut history = SyncHistory::default();
        for beat in 0..4032_u32 {
            history.add(at(u64::from(beat) * 300), beat * 248);
        }
        let samples = &history.samples;
        assert!((MAX_SAMPLES / 2..=MAX_SAMPLES).contains(&samples.len()));
        assert_eq!(samples[0], SyncSample(0, 0));
        assert!(samples.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let last = samples[samples.len() - 1].0;
        assert!(4031 * 300 - last < 2 * history.spacing);
    }

    #[test]
    fn an_estimate_spans_the_paces_that_were_seen() {
        let mut history = SyncHistory::default();
        history.add(at(0), 0);
        assert_eq!(history.estimate(at(0), 0), None, "nothing was seen yet");
        assert_eq!(history.estimate(at(1000), 100), None, "too short");
        // 100 millionths a second at first, then 10.
        history.add(at(3600), 360_000);
        assert_eq!(
            history.estimate(at(3600), 360_000),
            Some(SyncEstimate {
                from_seconds: 6400,
                to_seconds: 6400
            })
        );
        history.add(at(7200), 396_000);
        let later = at(7200 + RECENT_SECONDS);
        let ppm = 396_000 + 216_000;
        assert_eq!(
            history.estimate(later, ppm),
            Some(SyncEstimate {
                from_seconds: 388_000 * (7200 + RECENT_SECONDS) / 612_000,
                to_seconds: 38_800
            })
        );
        assert_eq!(history.estimate(later, 396_000), None, "it stands still");
    }
}
