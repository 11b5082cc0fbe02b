//! The JSON that browser, Worker and machine exchange, and how a body is read: strictly, and without repeating it in errors.
//! Here is the customer's part; [`machine`] and [`bundle`] are the machine's.

mod bundle;
mod classroom;
pub mod lean;
pub mod lnplay;
mod machine;
mod status;

pub use bundle::{BitcoinAccess, Bundle, Component, LnbitsAccess, LndAccess, SshAccess};
pub use classroom::{
    Certificate, CertificateKind, ClassChannelStatus, ClassNode, ClassNodeStatus, ClassState,
    ClassStatus, ClassView, ClassroomAccess, ClassroomBundle,
};
pub use machine::{
    BackupResponse, HeartbeatResponse, MachineBackup, MachineDelivery, MachineHeartbeat,
    MachineReport, PairRequest, PairResponse, PairingResponse, PairingScope, PairingView,
    ReportStatus,
};
pub use status::{
    BackgroundValidation, BitcoinStatus, ChainRule, DiskStatus, LndStatus, MachineView, NodeStatus,
    SnapshotStage, SnapshotStatus, SyncEstimate, SyncSample,
};

use crate::catalogue::{BitcoinImplementation, BitcoinNetwork, Product, Region};
use crate::classroom::{Graph, Plan};
use crate::error::{ApiError, ErrorCode};
use crate::id::OrderId;
use crate::money::{Msats, Sats};
use crate::secret::Secret;
use crate::time::{UnixMillis, WireTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The longest body a customer's call may have, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// The longest body a machine's call may have, in bytes: the heartbeat of 64 nodes and a channel backup, with room to grow.
pub const MAX_MACHINE_BODY_BYTES: usize = 128 * 1024;
/// The longest body of its delivery, in bytes: the sealed bundle of 64 nodes, with room to grow.
pub const MAX_DELIVERY_BYTES: usize = 512 * 1024;
/// The WebSocket subprotocol of `/live`; the access token follows it as a second one, because browsers cannot set headers.
pub const LIVE_PROTOCOL: &str = "kindling.v1";
/// The header that carries a machine's signature: base64 of DER ECDSA (secp256k1) over SHA-256 of the raw body.
pub const SIGNATURE_HEADER: &str = "x-kindling-signature";
/// The header that carries LND's signature over the same body, by its identity key, in the same form (LND's `signrpc.SignMessage`).
pub const IDENTITY_HEADER: &str = "x-kindling-identity-signature";

/// Reads a JSON body.
///
/// # Errors
/// `invalid_json`, `unknown_field`, `unknown_product`, `unknown_plan` or `invalid_body`, with the place but never with what was sent there.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    use serde_json::error::Category;
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let code = match error.classify() {
            Category::Io | Category::Syntax | Category::Eof => ErrorCode::InvalidJson,
            Category::Data if text.starts_with("unknown field") => ErrorCode::UnknownField,
            Category::Data if text.starts_with("unknown variant") && text.contains("full_node") => {
                ErrorCode::UnknownProduct
            }
            Category::Data if text.starts_with("unknown variant") && text.contains("`A`, `B`") => {
                ErrorCode::UnknownPlan
            }
            Category::Data if text.starts_with(ErrorCode::InvalidOrderId.as_str()) => {
                ErrorCode::InvalidOrderId
            }
            Category::Data => ErrorCode::InvalidBody,
        };
        let mut refusal = ApiError::from(code);
        if error.line() > 0 {
            let place = format!(" (line {}, column {})", error.line(), error.column());
            refusal.message.push_str(&place);
        }
        refusal
    })
}

/// One recipient or several.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// `"age1…"`
    One(String),
    /// `["age1…", "ssh-ed25519 …"]`
    Many(Vec<String>),
}

/// The body of `POST /api/bootstrap`, as it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BootstrapRequest {
    /// The id the browser derived; the Worker draws one where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// What is bought.
    pub product: Product,
    /// The region's slug; the operator's default where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// One line in OpenSSH's public key format.
    pub ssh_public_key: String,
    /// Whom the bundle is sealed to; the SSH key where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal_to: Option<OneOrMany>,
    /// SHA-256 of the caller's access token; the Worker draws a token where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_hash: Option<String>,
    /// Where a refund may go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_to: Option<String>,
}

/// The states an order shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// An invoice is open.
    AwaitingPayment,
    /// Paid; the machine is being made.
    Provisioning,
    /// The bundle is here or was handed over.
    Ready,
    /// The machine is gone as planned.
    Ended,
    /// The invoice ran out unpaid.
    Expired,
    /// It did not work out; everything is torn down, a refund is owed.
    Failed,
    /// The refund was paid.
    Refunded,
}

/// One step of the way from payment to a sealed bundle, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The payment is in.
    PaymentReceived,
    /// The SSH public key is registered with the cloud.
    SshKey,
    /// The block volume exists.
    VolumeCreated,
    /// A one-time Tailscale key was made.
    TailscaleKey,
    /// The droplet was ordered.
    Droplet,
    /// The droplet has an address and starts.
    Booting,
    /// Machine: packages.
    Packages,
    /// Machine: kernel parameters, bounded logs, security updates.
    System,
    /// Machine: firewall.
    Firewall,
    /// Machine: Docker.
    Docker,
    /// Machine: the tailnet, where the order has one.
    Tailscale,
    /// Machine: disk.
    Volume,
    /// Machine: Bitcoin node.
    Bitcoin,
    /// Machine: the Lightning nodes of a class.
    Nodes,
    /// Machine: the certificate of a class's connections.
    Certificate,
    /// Machine: the channels of a class.
    Channels,
    /// Machine: LND.
    Lnd,
    /// Machine: LND's wallet.
    Wallet,
    /// Machine: LNbits.
    Lnbits,
    /// Machine: bundle sealed.
    Sealed,
}

impl Phase {
    /// All phases, first to last.
    pub const ALL: [Self; 20] = [
        Self::PaymentReceived,
        Self::SshKey,
        Self::VolumeCreated,
        Self::TailscaleKey,
        Self::Droplet,
        Self::Booting,
        Self::Packages,
        Self::System,
        Self::Firewall,
        Self::Docker,
        Self::Tailscale,
        Self::Volume,
        Self::Bitcoin,
        Self::Nodes,
        Self::Certificate,
        Self::Channels,
        Self::Lnd,
        Self::Wallet,
        Self::Lnbits,
        Self::Sealed,
    ];

    /// Whether it belongs to the way of this product.
    pub const fn is_of(self, product: Product) -> bool {
        match self {
            Self::VolumeCreated | Self::Volume | Self::Lnd | Self::Wallet | Self::Lnbits => {
                matches!(product, Product::FullNode { .. })
            }
            Self::Nodes | Self::Certificate | Self::Channels => {
                matches!(product, Product::Classroom(_))
            }
            _ => true,
        }
    }

    /// How much of the expected time is over when the phase begins, in percent.
    pub const fn percent(self) -> u8 {
        match self {
            Self::PaymentReceived => 2,
            Self::SshKey => 4,
            Self::VolumeCreated => 6,
            Self::TailscaleKey => 8,
            Self::Droplet => 10,
            Self::Booting => 15,
            Self::Packages => 25,
            Self::System => 45,
            Self::Firewall => 47,
            Self::Docker => 48,
            Self::Tailscale => 50,
            Self::Volume => 53,
            Self::Bitcoin => 55,
            Self::Nodes => 62,
            Self::Certificate => 66,
            Self::Channels => 68,
            Self::Lnd => 70,
            Self::Wallet => 80,
            Self::Lnbits => 85,
            Self::Sealed => 97,
        }
    }

    /// Whether only the machine itself can report it.
    pub fn is_machines(self) -> bool {
        self >= Self::Packages
    }

    /// What is going on, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::PaymentReceived => "Payment received",
            Self::SshKey => "Registering your SSH public key",
            Self::VolumeCreated => "Creating the disk",
            Self::TailscaleKey => "Preparing Tailscale",
            Self::Droplet => "Ordering the machine",
            Self::Booting => "The machine is starting",
            Self::Packages => "Installing packages",
            Self::System => "Setting the system up",
            Self::Firewall => "Closing the firewall",
            Self::Docker => "Starting Docker",
            Self::Tailscale => "Joining Tailscale",
            Self::Volume => "Preparing the disk",
            Self::Bitcoin => "Starting Bitcoin",
            Self::Nodes => "Starting the Lightning nodes",
            Self::Certificate => "Getting the certificate",
            Self::Channels => "Opening the channels",
            Self::Lnd => "Starting LND",
            Self::Wallet => "Making the Lightning wallet",
            Self::Lnbits => "Starting LNbits",
            Self::Sealed => "Sealing your credentials",
        }
    }
}

/// The invoice of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvoiceView {
    /// The BOLT11 text.
    pub payment_request: String,
    /// Its amount in satoshis.
    pub amount_sats: Sats,
    /// When it stops being payable.
    pub expires_at: WireTime,
    /// Only with stub Lightning, where it is what pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_hash: Option<String>,
}

/// Where the bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Waiting for its claim.
    Sealed,
    /// Claimed, and still here for the same nonce.
    Claimed,
    /// Handed over and erased.
    Erased,
}

/// What is public about a ready machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsView {
    /// The public IPv4 address.
    pub node_ip: String,
    /// Its name in the tailnet, where Tailscale is configured.
    pub tailscale_hostname: Option<String>,
    /// Where LNbits answers (through an SSH tunnel unless Tailscale serves it); a classroom has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lnbits_url: Option<String>,
    /// The SSH host keys, `type base64`.
    pub host_keys: Vec<String>,
    /// Where the bundle is.
    pub delivery: Delivery,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// It waits for an address, for the machine's fate or for the operator.
    Owed,
    /// A payment is on its way.
    Paying,
    /// All of it was paid.
    Paid,
}

/// What is owed back to the customer, or was paid back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundView {
    /// How far it is.
    pub state: RefundState,
    /// What is still owed.
    pub owed_sats: Sats,
    /// What was paid back.
    pub paid_sats: Sats,
    /// Where it goes, as the customer gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why it could not be paid there: a sentence. Another address is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What more hours cost, and the open invoice for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionView {
    /// The price of `per_hours` hours; other numbers cost in proportion, rounded up to a whole satoshi.
    pub amount_sats: Sats,
    /// How many hours `amount_sats` buys.
    pub per_hours: u32,
    /// The most that one invoice may buy.
    pub max_hours: u32,
    /// The newest invoice that is payable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<InvoiceView>,
    /// How many hours it buys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_hours: Option<u32>,
}

/// An order as its customer sees it: `GET /api/bootstrap/:id`, and each message of `/live`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    /// The order's id.
    pub bootstrap_job_id: OrderId,
    /// Where it stands.
    pub state: StateName,
    /// The price.
    pub amount_sats: Sats,
    /// Rises with every change: of two views, the one with the higher number is the newer.
    #[serde(default)]
    pub revision: u64,
    /// When it was made.
    pub created_at: WireTime,
    /// When its invoice runs out.
    pub expires_at: WireTime,
    /// What was bought.
    pub product: Product,
    /// Where.
    pub region: String,
    /// Of the SSH key that the machine is given: `SHA256:…`, as `ssh-keygen -l` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_fingerprint: Option<String>,
    /// Whether money or machine are make-believe.
    pub stub_mode: bool,
    /// What to do next, for people.
    pub message: String,
    /// While payment is awaited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<InvoiceView>,
    /// While the machine is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// While the machine is made: expected share of the time, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Once it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsView>,
    /// Once it is ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next_steps: Vec<String>,
    /// When its machine is removed; missing where it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<WireTime>,
    /// Its machine is being removed right now; the next state is `ended`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ending: bool,
    /// While its machine runs and has an end: what more hours cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<ExtensionView>,
    /// When something is owed back, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundView>,
    /// What a running machine last said of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Box<MachineView>>,
    /// What the machine of a running class last said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Box<ClassView>>,
    /// While it is made or runs: how the machine is bound to the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairing: Option<PairingView>,
    /// When the channel backup came that is kept here, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_at: Option<WireTime>,
    /// When it failed: a stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// When it failed: a sentence for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// The 201 of `POST /api/bootstrap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootstrapResponse {
    /// The order.
    #[serde(flatten)]
    pub order: OrderView,
    /// Its page, without the customer's secret.
    pub order_url: String,
    /// Only where the caller sent no `accessHash`, and only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
}

/// `POST …/claim` and `POST …/ack`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// 16 to 128 characters of base64url that only this claimant has.
    pub nonce: String,
}

impl ClaimRequest {
    /// # Errors
    /// `invalid_nonce` unless the nonce has 16 to 128 characters of base64url.
    pub fn check(&self) -> Result<(), ApiError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (16..=128).contains(&self.nonce.len()) && self.nonce.bytes().all(word) {
            Ok(())
        } else {
            Err(ErrorCode::InvalidNonce.into())
        }
    }
}

/// `POST …/extend`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendRequest {
    /// How many hours to buy.
    pub hours: u32,
}

/// `POST …/refund`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundRequest {
    /// A Lightning Address, an LNURL or a BOLT11 invoice.
    pub refund_to: String,
}

/// `PUT …/push`: tell this device when the order is ready, or has failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushRequest {
    /// Where its push service takes messages for it.
    pub endpoint: Secret,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimResponse {
    /// The bundle, a binary age file in base64.
    pub sealed: String,
}

/// The answer to an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckResponse {
    /// Always `erased`.
    pub delivery: Delivery,
}

/// A classroom's plan as the catalogue lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The word for `product.plan`.
    pub plan: Plan,
    /// How many Lightning nodes it has.
    pub nodes: u32,
    /// What a node costs for an hour. An order costs nodes × hours × this, rounded up to a whole satoshi.
    pub msat_per_node_hour: Msats,
    /// The graphs to choose from.
    pub graphs: Vec<Graph>,
}

/// A product as the catalogue lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductView {
    /// The word for `product.kind`.
    pub kind: String,
    /// Its price; of a classroom the least that an order costs.
    pub amount_sats: Sats,
    /// The node software to choose from.
    #[serde(default)]
    pub bitcoin: Vec<BitcoinImplementation>,
    /// The chains to choose from.
    #[serde(default)]
    pub networks: Vec<BitcoinNetwork>,
    /// Whether a node may start from a snapshot of the UTXO set.
    #[serde(default)]
    pub assumeutxo: bool,
    /// The sizes of a classroom to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<PlanView>,
    /// The most hours of a classroom that are sold at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hours: Option<u32>,
    /// How many hours the price buys; missing where the machine has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<u32>,
    /// Whether it can be ordered now, in one region at least.
    pub available: bool,
}

/// `GET /api/catalogue`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// The network invoices must be on.
    pub lightning_network: crate::bolt11::Network,
    /// Whether money or machine are make-believe.
    pub stub_mode: bool,
    /// What is sold.
    pub products: Vec<ProductView>,
    /// Where.
    pub regions: Vec<Region>,
    /// The region that is taken when none is named.
    pub default_region: String,
    /// What a bitcoin costs in the operator's currency, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fiat: Option<FiatPrice>,
    /// What a browser subscribes with (`applicationServerKey`): a point of P-256 in base64url. Missing where no notifications are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_key: Option<String>,
}

/// What a bitcoin costs. Only ever shown: prices are in satoshis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FiatPrice {
    /// The currency's code, such as `EUR`.
    pub currency: String,
    /// The price in hundredths of its unit.
    pub hundredths_per_bitcoin: u64,
    /// When it was heard, in milliseconds since 1970.
    pub at: UnixMillis,
}

/// Which upstreams are make-believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stubs {
    /// No `LNBITS_URL`.
    pub lightning: bool,
    /// No `DO_API_TOKEN`.
    pub cloud: bool,
}

/// `GET /api/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The version of this build.
    pub version: String,
    /// Which parts are stubs.
    pub stubs: Stubs,
    /// Whether machines join a tailnet.
    pub tailscale: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> ErrorCode {
        match read_json::<BootstrapRequest>(body.as_bytes()) {
            Ok(_) => panic!("accepted {body}"),
            Err(error) => error.code,
        }
    }

    #[test]
    fn bodies_are_read_strictly() {
        let good = r#"{"product":{"kind":"full_node"},"sshPublicKey":"k"}"#;
        assert!(read_json::<BootstrapRequest>(good.as_bytes()).is_ok());
        assert_eq!(code("{"), ErrorCode::InvalidJson);
        assert_eq!(code(""), ErrorCode::InvalidJson);
        assert_eq!(code("[]"), ErrorCode::InvalidBody);
        assert_eq!(code("{}"), ErrorCode::InvalidBody);
        assert_eq!(code(&good.replace("\"k\"", "7")), ErrorCode::InvalidBody);
        assert_eq!(
            code(&good.replace("sshPublicKey", "sshPublickey")),
            ErrorCode::UnknownField
        );
        assert_eq!(
            code(&good.replace("full_node", "yacht")),
            ErrorCode::UnknownProduct
        );
        assert_eq!(
            code(&good.replace("full_node\"", "classroom\",\"plan\":\"E\",\"hours\":1")),
            ErrorCode::UnknownPlan
        );
        assert_eq!(
            code(&good.replace("\"kind\"", "\"size\":1,\"kind\"")),
            ErrorCode::UnknownField
        );
        assert_eq!(
            code(&good.replace("{\"product", "{\"orderId\":\"x\",\"product")),
            ErrorCode::InvalidOrderId
        );
    }

    #[test]
    fn errors_do_not_repeat_what_was_sent() {
        let body = r#"{"product":{"kind":"marker-4711"},"sshPublicKey":"k"}"#;
        let Err(error) = read_json::<BootstrapRequest>(body.as_bytes()) else {
            panic!("accepted")
        };
        assert!(!error.message.contains("4711"), "{}", error.message);
    }

    #[test]
    fn phases_rise() {
        for pair in Phase::ALL.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].percent() < pair[1].percent());
        }
    }

    #[test]
    fn nonces_are_bounded_words() {
        let nonce = |text: &str| {
            ClaimRequest {
                nonce: text.to_owned(),
            }
            .check()
            .is_ok()
        };
        assert!(nonce("0123456789abcdef") && nonce(&"_".repeat(128)));
        assert!(
            !nonce("0123456789abcde") && !nonce(&"a".repeat(129)) && !nonce("0123456789abcde ")
        );
    }
}
