//! What a machine knows of itself: said with each heartbeat, shown on the order's page. Every figure is the programs' own word; what
//! does not answer is missing, never made up.

use crate::time::WireTime;
use serde::{Deserialize, Serialize};

/// A rule of the chain, and whether the node enforces it (Bitcoin Core's RPC `getdeploymentinfo`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRule {
    /// The deployment's name, such as `taproot`.
    pub name: String,
    /// Whether it is enforced for the next block.
    pub active: bool,
}

/// The chain below a snapshot, still being validated (RPC `getchainstates`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackgroundValidation {
    /// Its height.
    pub blocks: u32,
    /// How much of the work is done, in millionths.
    pub progress_ppm: u32,
}

/// The Bitcoin node (RPCs `getblockchaininfo`, `getnetworkinfo`, `getdeploymentinfo`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BitcoinStatus {
    /// `main`, `signet`, `testnet4` or `regtest`.
    pub chain: String,
    /// Height of the best block.
    pub blocks: u32,
    /// Height of the best header.
    pub headers: u32,
    /// Hash of the best block, 64 hex digits.
    pub best_block_hash: String,
    /// The time in the best block's header, in Unix seconds.
    pub best_block_time: u64,
    /// `verificationprogress` in millionths.
    pub progress_ppm: u32,
    /// Whether it calls itself in initial block download.
    pub initial_block_download: bool,
    /// Whether old blocks are dropped.
    pub pruned: bool,
    /// Size of blocks and undo data on disk.
    pub size_bytes: u64,
    /// Connections to other nodes.
    pub peers: u32,
    /// `subversion`.
    pub version: String,
    /// The rules it knows.
    pub rules: Vec<ChainRule>,
    /// Only while a snapshot is in use that is not validated yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<BackgroundValidation>,
}

/// LND (`/v1/state`, `/v1/getinfo`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LndStatus {
    /// `SERVER_ACTIVE` when it serves its peers.
    pub state: String,
    /// Where it has the chain from: `bitcoind` or `neutrino`.
    pub backend: String,
    /// Whether it has caught up with that.
    pub synced_to_chain: bool,
    /// Its height, 0 if unknown.
    pub block_height: u32,
    /// Connected Lightning peers.
    pub peers: u32,
    /// Open channels that can be used.
    pub active_channels: u32,
    /// Its version.
    pub version: String,
}

/// The file system that holds the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskStatus {
    /// Its size.
    pub total_bytes: u64,
    /// What is free of it.
    pub free_bytes: u64,
}

/// How far the use of a UTXO snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotStage {
    /// The file is on its way.
    Downloading,
    /// The node does not know the snapshot's block yet.
    Waiting,
    /// The node reads and checks it.
    Loading,
    /// In use; what is before it is being validated.
    Validating,
    /// All of the chain is validated.
    Validated,
    /// The node did not take it; it syncs the ordinary way.
    Refused,
}

/// A UTXO snapshot, where one was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotStatus {
    /// How far it is.
    pub stage: SnapshotStage,
    /// Of this stage, 0 to 100.
    pub percent: u8,
}

/// All that a machine tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// When it was started last, in Unix seconds.
    pub booted_at: u64,
    /// `None` where it does not answer.
    pub bitcoin: Option<BitcoinStatus>,
    /// `None` where it does not answer.
    pub lnd: Option<LndStatus>,
    /// Whether LNbits answers.
    pub lnbits: bool,
    /// Whether LNbits was started on a working LND.
    pub funding_connected: bool,
    /// The disk.
    pub disk: DiskStatus,
    /// Only where one was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotStatus>,
    /// One sentence, when something needs the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl NodeStatus {
    /// Whether payments can be made now: LND serves, and has caught up with the chain it follows.
    pub fn is_usable(&self) -> bool {
        let ready = |lnd: &LndStatus| lnd.state == "SERVER_ACTIVE" && lnd.synced_to_chain;
        self.lnd.as_ref().is_some_and(ready)
    }

    /// Whether the node itself has checked every block of the chain.
    pub fn is_validated(&self) -> bool {
        let whole = |it: &BitcoinStatus| !it.initial_block_download && it.background.is_none();
        self.bitcoin.as_ref().is_some_and(whole)
    }

    /// How much of the chain the node itself has checked, in millionths.
    pub fn validated_ppm(&self) -> Option<u32> {
        let bitcoin = self.bitcoin.as_ref()?;
        Some(match bitcoin.background {
            Some(background) => background.progress_ppm,
            None => bitcoin.progress_ppm,
        })
    }
}

/// A figure of the sync over time: Unix seconds, and how much of the chain was validated then, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSample(pub u64, pub u32);

/// How long until the whole chain is validated, in seconds: at the faster and at the slower of the two paces seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncEstimate {
    /// At best.
    pub from_seconds: u64,
    /// At worst.
    pub to_seconds: u64,
}

/// What the order's page shows of a running machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineView {
    /// When it was heard.
    pub last_heard_at: WireTime,
    /// How often it was asked to speak, in seconds.
    pub every_seconds: u32,
    /// [`NodeStatus::is_usable`].
    pub usable: bool,
    /// [`NodeStatus::is_validated`].
    pub validated: bool,
    /// What it said.
    #[serde(flatten)]
    pub status: NodeStatus,
    /// LND's identity key, once LND has signed with it: 66 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_key: Option<String>,
    /// When LND signed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_verified_at: Option<WireTime>,
    /// When another LND than before began to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_changed_at: Option<WireTime>,
    /// Only while the chain is validated, and once the pace is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<SyncEstimate>,
    /// Oldest first.
    pub history: Vec<SyncSample>,
}
