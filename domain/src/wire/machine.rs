//! What a machine says to the Worker, and what it is told when it pairs.

use super::Phase;
use crate::secret::Secret;
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

/// The answer to a pairing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairResponse {
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
    /// Where LNbits answers.
    pub lnbits_url: String,
}

/// `POST /api/machine/:id/heartbeat`, signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineHeartbeat {
    /// Higher than every one before it.
    pub nonce: u64,
}
