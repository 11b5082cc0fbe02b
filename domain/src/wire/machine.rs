//! What a machine says to the Worker, and what it is told when it pairs.

use super::Phase;
use super::status::NodeStatus;
use crate::secret::Secret;
use crate::time::WireTime;
use serde::{Deserialize, Serialize};

/// `POST /api/machine/:id/pair`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairRequest {
    /// The one-shot token from user-data.
    pub token: Secret,
    /// The machine's key: 33 bytes of compressed SEC1 in hex.
    pub public_key: String,
}

/// What a pairing is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairingScope {
    /// All that a new machine says, to the delivery of its bundle.
    #[default]
    BringUp,
    /// Heartbeats and backups of a machine that was delivered.
    Report,
}

impl PairingScope {
    /// Whether it is the first pairing's.
    pub const fn is_bring_up(&self) -> bool {
        matches!(self, Self::BringUp)
    }
}

/// The answer to a pairing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairResponse {
    /// What it is good for.
    pub scope: PairingScope,
    /// A one-time key, where Tailscale is configured.
    pub tailscale_auth_key: Option<Secret>,
}

/// How a phase went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// It begins.
    Started,
    /// It is over.
    Done,
    /// It did not work, finally.
    Failed,
}

/// `POST /api/machine/:id/report`, signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MachineReport {
    /// Higher than every one before it.
    pub nonce: u64,
    /// One of the machine's phases.
    pub phase: Phase,
    /// How it went.
    pub status: ReportStatus,
    /// One sentence, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its node id in the tailnet, as soon as it has one: a machine that fails later is removed there, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tailscale_node_id: Option<String>,
    /// How long the phase took, in seconds, when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

/// `POST /api/machine/:id/deliver`, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MachineDelivery {
    /// Higher than every one before it.
    pub nonce: u64,
    /// The bundle, a binary age file in base64.
    pub sealed: String,
    /// The public IPv4 address.
    pub node_ip: String,
    /// The SSH host keys, `type base64`.
    pub host_keys: Vec<String>,
    /// Its name in the tailnet.
    pub tailscale_hostname: Option<String>,
    /// Its node id there, for the removal.
    pub tailscale_node_id: Option<String>,
    /// Where LNbits answers; a classroom has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lnbits_url: Option<String>,
}

/// `POST /api/machine/:id/heartbeat`, signed; `Status` is [`NodeStatus`] or [`ClassStatus`](super::ClassStatus). Fields that are not
/// known are let through: a machine lives longer than a Worker's release.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineHeartbeat<Status = NodeStatus> {
    /// Higher than every one before it.
    pub nonce: u64,
    /// LND's identity key, where the heartbeat bears LND's signature too: 33 bytes of compressed SEC1 in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_key: Option<String>,
    /// How it is.
    #[serde(flatten)]
    pub status: Status,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatResponse {
    /// When the next one is wanted, in seconds.
    pub next_seconds: u32,
    /// When the machine is removed, in Unix seconds; missing where it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<u64>,
}

/// `POST /api/machine/:id/backup`, signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineBackup {
    /// Higher than every one before it.
    pub nonce: u64,
    /// LND's static channel backup in a binary age file, in base64; `null` has the kept one erased.
    pub sealed: Option<String>,
}

/// `GET /api/bootstrap/:id/backup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupResponse {
    /// A binary age file in base64, holding LND's `channel.backup`.
    pub sealed: String,
    /// When it came.
    pub at: WireTime,
}

/// The answer to `POST /api/bootstrap/:id/pairing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingResponse {
    /// The one-shot token, shown this once.
    pub token: Secret,
    /// What it is good for.
    pub scope: PairingScope,
    /// When it dies unused.
    pub expires_at: WireTime,
}

/// How the machine is bound to its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingView {
    /// Whether a machine's key is bound now.
    pub paired: bool,
    /// Since when it is, or is not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<WireTime>,
    /// When the open token dies, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expires_at: Option<WireTime>,
}
