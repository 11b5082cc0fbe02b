//! What is inside the sealed bundle, as the machine writes it. Only the customer's side ever opens it.

use crate::catalogue::BitcoinImplementation;
use crate::id::OrderId;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};

/// What is inside the sealed bundle, as the machine writes it. Only the customer's side ever opens it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
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
    /// The Bitcoin node.
    pub bitcoin: BitcoinAccess,
    /// LND and its wallet.
    pub lnd: LndAccess,
    /// LNbits.
    pub lnbits: LnbitsAccess,
    /// All that runs, with versions and digests.
    #[serde(default)]
    pub components: Vec<Component>,
    /// The same, as a file on the machine.
    pub credentials_file: String,
}

/// One program of the machine, in a [`Bundle`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What it is.
    pub name: String,
    /// Its release.
    pub version: String,
    /// `sha256:…` of its image or archive, where it was checked against one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// SSH, in a [`Bundle`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SshAccess {
    /// `root`.
    pub user: String,
    /// 22.
    pub port: u16,
    /// `type base64` of each.
    pub host_keys: Vec<String>,
}

/// The Bitcoin node, in a [`Bundle`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BitcoinAccess {
    /// `knots` or `core`.
    pub implementation: BitcoinImplementation,
    /// Its release.
    pub version: String,
    /// `mainnet` and so on.
    pub network: String,
    /// RPC user.
    pub rpc_user: String,
    /// RPC password.
    pub rpc_password: Secret,
}

/// LND, in a [`Bundle`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LndAccess {
    /// Its release.
    pub version: String,
    /// 24 words of LND's aezeed, in order.
    pub seed_words: Vec<Secret>,
    /// What unlocks the wallet.
    pub wallet_password: Secret,
    /// Its name in the Lightning network, which also signs the machine's heartbeats: 66 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_key: Option<String>,
}

/// LNbits, in a [`Bundle`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LnbitsAccess {
    /// Where it answers.
    pub url: String,
    /// Its release.
    pub version: String,
    /// What guards the first set-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_install_token: Option<Secret>,
    /// The administrator, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub super_user: Option<Secret>,
    /// The administrator's password, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}
