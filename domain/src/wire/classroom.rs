//! A class: what is sealed for its teacher, and what its machine tells of it while it runs.

use super::bundle::{BitcoinAccess, Component, SshAccess};
use super::status::DiskStatus;
use crate::classroom::{Distribution, Graph, Plan};
use crate::id::OrderId;
use crate::secret::Secret;
use crate::time::WireTime;
use serde::{Deserialize, Serialize};

/// What is inside the sealed bundle of a class, as the machine writes it. Only the teacher's side ever opens it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassroomBundle {
    /// The format: 1.
    pub version: u32,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// The word in `product.kind`.
    pub product: String,
    /// Whether the stub cloud made it up.
    pub fake: bool,
    /// The public IPv4 address.
    pub node_ip: String,
    /// Its name in the tailnet.
    pub tailscale_hostname: Option<String>,
    /// How to get in.
    pub ssh: SshAccess,
    /// The Bitcoin node that all share.
    pub bitcoin: BitcoinAccess,
    /// The Lightning nodes.
    pub classroom: ClassroomAccess,
    /// All that runs, with versions and digests.
    #[serde(default)]
    pub components: Vec<Component>,
    /// The same, as a file on the machine.
    pub credentials_file: String,
}

/// The Lightning nodes, in a [`ClassroomBundle`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassroomAccess {
    /// How large the class is.
    pub plan: Plan,
    /// For how many hours it was bought first.
    pub hours: u32,
    /// Who has channels with whom.
    pub graph: Graph,
    /// Who has how much.
    pub distribution: Distribution,
    /// What the network was drawn from.
    pub seed: u32,
    /// What a node has on average.
    pub sats_per_node: u64,
    /// Where the nodes are reached: a name, or the IPv4 address.
    pub host: String,
    /// What they are reached under.
    pub certificate: Certificate,
    /// When the runes die at the latest, in Unix seconds; they die with the class.
    pub runes_until: u64,
    /// The nodes.
    pub nodes: Vec<ClassNode>,
}

/// Who vouches for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateKind {
    /// An authority that browsers know.
    Public,
    /// Nobody but the fingerprint here.
    Pinned,
}

/// The certificate of a class's connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Who vouches for it.
    pub kind: CertificateKind,
    /// SHA-256 of its DER, in hex.
    pub sha256: String,
}

/// One Lightning node, in a [`ClassroomBundle`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassNode {
    /// What it is called.
    pub name: String,
    /// Its name in the Lightning network: 66 hex digits.
    pub public_key: String,
    /// Where its websocket answers, behind TLS.
    pub port: u16,
    /// What it owned at the beginning, in satoshis.
    pub wealth_sats: u64,
    /// The participant's rune: some methods, some calls a minute, until the class ends.
    pub rune: Secret,
    /// The teacher's rune: all methods until the class ends.
    pub admin_rune: Secret,
    /// The participant's connection, as Clams takes it.
    pub connect: Secret,
    /// The participant's connection, as Clams Remote takes it.
    pub wallet: Secret,
    /// The teacher's connection, as Clams takes it.
    pub admin_connect: Secret,
}

/// A node of a running class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassNodeStatus {
    /// What it is called.
    pub name: String,
    /// Whether it answers.
    pub up: bool,
    /// The height it knows.
    #[serde(default)]
    pub blocks: u32,
    /// How many wallets are connected to it.
    #[serde(default)]
    pub wallets: u32,
    /// What it has on chain.
    #[serde(default)]
    pub onchain_sats: u64,
}

/// A channel between two nodes of a running class, which are named by their place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassChannelStatus {
    /// One end.
    pub from: u32,
    /// The other end.
    pub to: u32,
    /// Its capacity.
    pub sats: u64,
    /// What of it belongs to `from`.
    pub from_sats: u64,
    /// Whether payments can pass now.
    pub active: bool,
}

/// A running class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassState {
    /// Height of the best block.
    pub blocks: u32,
    /// The time in the best block's header, in Unix seconds.
    pub best_block_time: u64,
    /// The nodes.
    pub nodes: Vec<ClassNodeStatus>,
    /// Their channels, also those that participants opened.
    pub channels: Vec<ClassChannelStatus>,
}

/// All that the machine of a class tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassStatus {
    /// When it was started last, in Unix seconds.
    pub booted_at: u64,
    /// `None` while nothing answers; said, not left out.
    #[serde(deserialize_with = "Option::deserialize")]
    pub class: Option<ClassState>,
    /// The disk.
    pub disk: DiskStatus,
    /// One sentence, when something needs the teacher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What the order's page shows of a running class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassView {
    /// When it was heard.
    pub last_heard_at: WireTime,
    /// How often its machine was asked to speak, in seconds.
    pub every_seconds: u32,
    /// What it said.
    #[serde(flatten)]
    pub status: ClassStatus,
}
