//! One order, from its invoice to the end of its machine: the data, and what may happen to it.
//!
//! ```text
//!            invoice made              paid                     bundle delivered
//!   draft ----------------> awaiting_payment --> provisioning ---------------------> ready
//!     |                        | ran out            ^      | final failure, deadline
//!     v                        v                    |      v
//!   erased                  expired ----------------+    failed (torn down, refund owed)
//!                                   paid late
//! ```
//!
//! Nothing here performs anything. [`Order::due`] says what is to be done now, the Worker saves, marks it begun
//! ([`Order::begin`]), performs it, and brings the answer back ([`Order::apply`]). Whatever was begun and never answered is
//! recovered ([`Order::recover`]) as a failure of unknown outcome, so every effect may run twice or be cut at any point.

mod claim;
mod failure;
mod machine;
mod request;
mod step;
mod teardown;
mod timer;
mod view;

pub use failure::{Failure, FailureReason, backoff_millis};
pub use machine::{MachineFacts, verify_signature};
pub use request::OrderRequest;
pub use timer::Timer;

use crate::id::OrderId;
use crate::money::{Msats, Sats};
use crate::secret::Secret;
use crate::time::UnixMillis;
use crate::wire::{MachineDelivery, Phase, Stubs};
use serde::{Deserialize, Serialize};

/// What the operator's settings said when the order was made; later changes do not reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachinePlan {
    /// Which upstreams are make-believe for this order.
    pub stubs: Stubs,
    /// The droplet's size slug.
    pub size: String,
    /// Block volume in GiB; 0 for none.
    pub volume_size_gb: u32,
    /// Whether the machine joins the operator's tailnet.
    pub tailscale: bool,
    /// Where browser, machine and LNbits reach this deployment; scheme and host.
    pub public_url: String,
}

/// An open or expired invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// The BOLT11 text.
    pub payment_request: String,
    /// 32 bytes in hex.
    pub payment_hash: String,
    /// The wallet at LNbits that it pays into.
    pub wallet: String,
    /// When it stops being payable.
    pub expires_at: UnixMillis,
}

/// When an invoice was last looked up. Not stored: an order that is loaded anew looks at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// The last look; `None` since the order was loaded.
    pub last_look: Option<UnixMillis>,
    /// Somebody said that it may be paid.
    pub hinted: bool,
}

/// What LNbits says of a payment, before anything is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFacts {
    /// Whether it is settled.
    pub paid: bool,
    /// The hash it speaks of.
    pub payment_hash: String,
    /// The amount.
    pub amount: Msats,
    /// The wallet it went into.
    pub wallet: String,
}

/// A call in progress or to be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When this step began; its deadline counts from here.
    pub since: UnixMillis,
    /// How often it failed.
    pub failures: u32,
    /// Not to be tried (again) before.
    pub not_before: UnixMillis,
    /// Begun, and not answered yet.
    pub in_flight: bool,
}

impl Attempt {
    fn fresh(now: UnixMillis) -> Self {
        Self {
            since: now,
            failures: 0,
            not_before: now,
            in_flight: false,
        }
    }
}

/// One step of provisioning. The pair find/create is what makes a create repeatable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Is the SSH key registered already?
    FindSshKey,
    /// Register it.
    CreateSshKey,
    /// Is the volume there already?
    FindVolume,
    /// Create it.
    CreateVolume,
    /// Make a one-time key for the tailnet.
    CreateTailscaleKey,
    /// Is the droplet there already?
    FindDroplet,
    /// Order it. Never begun again unless the cloud surely refused it, because the cloud has no idempotency key.
    CreateDroplet,
    /// Wait until it is active and has a public address.
    AwaitActive,
    /// Wait for the machine's bundle.
    AwaitMachine,
}

/// One step of removing all that an order has made, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeardownStep {
    /// A droplet whose id was never learnt.
    FindDroplet,
    /// Delete it.
    DeleteDroplet,
    /// Wait until the cloud says 404.
    AwaitDropletGone,
    /// A volume whose id was never learnt.
    FindVolume,
    /// Delete it.
    DeleteVolume,
    /// An SSH key whose id was never learnt.
    FindSshKey,
    /// Delete the SSH key, if the order made it.
    DeleteSshKey,
    /// Delete the machine's entry in the tailnet.
    DeleteTailscaleDevice,
    /// Nothing is left.
    Done,
}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum State {
    /// Saved before its invoice is asked for; nobody has seen it.
    Draft,
    /// An invoice is open.
    AwaitingPayment {
        /// The invoice.
        invoice: Invoice,
        /// Its look-ups.
        #[serde(skip)]
        watch: Watch,
    },
    /// The invoice ran out; it is still watched, for payments that arrive late.
    Expired {
        /// The invoice.
        invoice: Invoice,
        /// Its look-ups.
        #[serde(skip)]
        watch: Watch,
    },
    /// Paid.
    Provisioning {
        /// What is being done.
        step: Step,
        /// How it goes.
        attempt: Attempt,
        /// What the customer sees.
        phase: Phase,
    },
    /// Delivered.
    Ready {
        /// When.
        since: UnixMillis,
        /// What is public about the machine.
        facts: MachineFacts,
        /// Where the bundle is.
        bundle: BundleState,
    },
    /// Did not work out. The refund is owed from here on.
    Failed {
        /// Why.
        reason: FailureReason,
        /// What is being removed.
        step: TeardownStep,
        /// How it goes.
        attempt: Attempt,
    },
}

/// Where a stored bundle is on its way to one claimant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum BundleState {
    /// Waiting.
    Sealed,
    /// Handed to whoever has this nonce.
    Claimed {
        /// SHA-256 of the nonce, in hex.
        nonce_hash: String,
        /// When it was claimed first.
        at_time: UnixMillis,
    },
    /// Gone. The nonce is kept so that an acknowledgement may repeat.
    Erased {
        /// SHA-256 of the nonce, in hex.
        nonce_hash: String,
    },
}

/// An SSH key at the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudSshKey {
    /// The cloud's id.
    pub id: u64,
    /// Whether this order made it; a key that was there before is left alone.
    pub owned: bool,
}

/// A one-time key for the tailnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailscaleKey {
    /// What the machine joins with; wiped once the machine has spoken under its own key.
    pub auth_key: Secret,
}

/// A droplet as the cloud describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Droplet {
    /// The cloud's id.
    pub id: u64,
    /// Whether it runs.
    pub active: bool,
    /// Its public IPv4 address, once it has one.
    pub address: Option<String>,
}

/// What the order has at the cloud, as far as it knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resources {
    /// Registered SSH key.
    #[serde(default)]
    pub ssh_key: Option<CloudSshKey>,
    /// Whether a key may exist that `ssh_key` does not name yet.
    #[serde(default)]
    pub ssh_key_asked: bool,
    /// Block volume.
    #[serde(default)]
    pub volume: Option<String>,
    /// Whether a volume may exist that `volume` does not name yet.
    #[serde(default)]
    pub volume_asked: bool,
    /// Tailnet key.
    #[serde(default)]
    pub tailscale_key: Option<TailscaleKey>,
    /// The machine's node id in the tailnet.
    #[serde(default)]
    pub tailscale_node: Option<String>,
    /// Droplet.
    #[serde(default)]
    pub droplet: Option<u64>,
    /// When the one create was begun.
    #[serde(default)]
    pub droplet_asked: Option<UnixMillis>,
    /// Public address.
    #[serde(default)]
    pub address: Option<String>,
}

/// What is known of the machine's own voice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Voice {
    /// SHA-256 of the pairing token, in hex; set when the droplet is ordered.
    #[serde(default)]
    pub token_hash: Option<String>,
    /// The key that paired: 33 bytes of compressed SEC1 in hex.
    #[serde(default)]
    pub public_key: Option<String>,
    /// The highest nonce heard under that key.
    #[serde(default)]
    pub nonce: u64,
    /// When it was last heard.
    #[serde(default)]
    pub last_heard: Option<UnixMillis>,
}

/// One purchase. The stored row is this, as JSON; its spelling is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The id.
    pub id: OrderId,
    /// What was asked for, validated.
    pub request: OrderRequest,
    /// SHA-256 of the access token, in hex.
    pub access_hash: String,
    /// Whether the Worker drew the token, because the caller sent no hash.
    pub access_drawn: bool,
    /// The last part of the webhook's path; knowing it lets one hint, no more.
    pub hook: String,
    /// The price.
    pub price: Sats,
    /// The settings in force.
    pub plan: MachinePlan,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When its invoice runs out.
    pub expires_at: UnixMillis,
    /// What it has at the cloud.
    pub resources: Resources,
    /// The machine's voice.
    pub voice: Voice,
    /// Where it stands.
    pub state: State,
}

/// What the Worker is to perform. Each carries all that its call needs, and is answered by exactly one [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask LNbits for this payment; answered by [`Event::Payment`].
    LookUpPayment {
        /// The invoice's hash.
        payment_hash: String,
    },
    /// Perform a provisioning step; answered by [`Event::Answer`].
    Provision(Step),
    /// Perform a teardown step; answered by [`Event::Answer`].
    TearDown(TeardownStep),
    /// Remove every trace of an order nobody has seen.
    Erase,
    /// Remove the stored bundle; its 24 hours are over.
    EraseBundle,
}

/// What the cloud or the tailnet said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Looked for or made.
    SshKey(Option<CloudSshKey>),
    /// Looked for or made.
    Volume(Option<String>),
    /// Made.
    TailscaleKey(TailscaleKey),
    /// Looked for or made.
    Droplet(Option<Droplet>),
    /// Deleted, or found deleted.
    Gone,
    /// The stub machine moved on.
    StubPhase(Phase),
    /// The stub machine is ready.
    StubDelivery(Box<MachineDelivery>),
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody says that the invoice may be paid.
    PaymentHint,
    /// LNbits answered a look-up.
    Payment(Result<PaymentFacts, Failure>),
    /// The cloud answered the step that was begun.
    Answer(Result<Answer, Failure>),
    /// The bundle's storage is wiped.
    BundleErased,
}

/// What an order needs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Perform this.
    Perform(Effect),
    /// Nothing until then.
    Wait(UnixMillis, Timer),
    /// Nothing ever, unless somebody calls.
    Idle,
}

/// What names an order's things at the cloud: droplet, volume, SSH key and tag alike.
pub fn resource_name(id: OrderId) -> String {
    format!("kindling-{id}")
}

/// A new order's ingredients.
pub struct NewOrder {
    /// The id.
    pub id: OrderId,
    /// What was asked for.
    pub request: OrderRequest,
    /// SHA-256 of the access token, in hex.
    pub access_hash: String,
    /// Whether the Worker drew the token.
    pub access_drawn: bool,
    /// Random word for the webhook's path.
    pub hook: String,
    /// The quote.
    pub price: Sats,
    /// The settings in force.
    pub plan: MachinePlan,
    /// How long its invoice is payable, in seconds.
    pub invoice_seconds: u64,
}

impl Order {
    /// A draft, to be saved before its invoice is asked for.
    pub fn draft(new: NewOrder, now: UnixMillis) -> Self {
        Self {
            id: new.id,
            request: new.request,
            access_hash: new.access_hash,
            access_drawn: new.access_drawn,
            hook: new.hook,
            price: new.price,
            plan: new.plan,
            created_at: now,
            expires_at: now.plus_seconds(new.invoice_seconds),
            resources: Resources::default(),
            voice: Voice::default(),
            state: State::Draft,
        }
    }

    /// The invoice is there: the order becomes visible.
    pub fn open(&mut self, invoice: Invoice, now: UnixMillis) {
        if self.state == State::Draft {
            self.expires_at = invoice.expires_at;
            self.state = State::AwaitingPayment {
                invoice,
                watch: Watch {
                    last_look: Some(now),
                    hinted: false,
                },
            };
        }
    }

    /// Whether an order that is asked for again is this one. `access_hash` is the caller's own, `None` where they sent none: such
    /// a caller shows nothing but the request, so the answer they missed is repeated only while there is nothing but an invoice to see.
    pub fn is_same(&self, request: &OrderRequest, access_hash: Option<&str>) -> bool {
        let same_access = match access_hash {
            Some(hash) => hash == self.access_hash,
            None => self.access_drawn && matches!(self.state, State::AwaitingPayment { .. }),
        };
        same_access && self.request == *request
    }

    /// Whether this access token opens the order. Compared by hash, so timing tells nothing about the token.
    pub fn opens_with(&self, token: &str) -> bool {
        crate::link::access_hash(token) == self.access_hash
    }
}
