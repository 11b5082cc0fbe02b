//! One order, from its invoice to the end of its machine: the data, and what may happen to it.
//!
//! ```text
//!            invoice made              paid                     bundle delivered        end, or ended early
//!   draft ----------------> awaiting_payment --> provisioning ---------------------> ready -------------> ended
//!     |                      ran out |  ^ renewed   ^      | final failure, deadline                      (torn down)
//!     v                              v  |           |      v
//!   erased                          expired --------+    failed (torn down, refund owed)
//!                                          paid late
//!
//! Beside the state run two things of their own: the bills (payment.rs), each watched for a day after it ran out, and the refund
//! (refund.rs) of whatever came in and bought nothing.
//! ```
//!
//! Nothing here performs anything. [`Order::due`] says what is to be done now, the Worker saves, marks it begun
//! ([`Order::begin`]), performs it, and brings the answer back ([`Order::apply`]). Whatever was begun and never answered is
//! recovered ([`Order::recover`]) as a failure of unknown outcome, so every effect may run twice or be cut at any point.

mod audit;
mod bell;
mod claim;
mod failure;
mod fleet_word;
mod heartbeat;
mod journal;
mod lease;
mod machine;
mod operator;
mod pairing;
mod payment;
mod refund;
mod request;
mod step;
mod teardown;
mod timer;
mod upgrade;
mod view;

pub use audit::Resource;
pub use bell::{Bell, Subscription, Told};
pub use failure::{EndReason, Failure, FailureReason, backoff_millis};
pub use fleet_word::{FleetNews, FleetWord};
pub use heartbeat::{ClassHeartbeat, Heartbeat, Identity, SyncHistory};
pub use journal::Entry;
pub use lease::{Extension, MAX_EXTENSION_HOURS};
pub use machine::{MachineFacts, verify_signature};
pub use payment::{Bill, Invoice, Oddity, PaymentFacts, Purpose, Standing, Watch};
pub use refund::{Outgoing, Payout, PayoutInvoice, Refund, RefundAnswer, RefundStep};
pub use request::OrderRequest;
pub use timer::Timer;

use crate::classroom::Reach;
use crate::error::{ApiError, ErrorCode};
use crate::id::OrderId;
use crate::money::Sats;
use crate::secret::Secret;
use crate::time::UnixMillis;
use crate::wire::{MachineDelivery, PairingScope, Phase, Stubs};
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
    /// Where the snapshot of the UTXO set is, for an order that starts from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumeutxo_url: Option<String>,
    /// How its nodes are reached, for a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Where browser, machine and LNbits reach this deployment; scheme and host.
    pub public_url: String,
    /// How long the machine is bought for, from its delivery on; `None` for a machine without an end.
    #[serde(default)]
    pub hours: Option<u32>,
    /// The fleet its place is in.
    #[serde(default)]
    pub fleet: String,
    /// The cloud account of that fleet; empty for the main one.
    #[serde(default)]
    pub account: String,
}

/// A call in progress or to be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attempt {
    /// When this step began; its deadline counts from here.
    pub since: UnixMillis,
    /// How often it failed.
    pub failures: u32,
    /// Not to be tried (again) before.
    pub not_before: UnixMillis,
    /// Begun, and not answered yet.
    pub in_flight: bool,
    /// What is looked at again and again is not looked at before. Not stored: an order that is loaded anew looks at once, so that a look
    /// that found nothing new is worth no write.
    #[serde(skip)]
    pub next_look: Option<UnixMillis>,
}

impl Attempt {
    fn fresh(now: UnixMillis) -> Self {
        Self {
            since: now,
            failures: 0,
            not_before: now,
            in_flight: false,
            next_look: None,
        }
    }

    /// When it is to be tried.
    fn next(&self) -> UnixMillis {
        self.next_look
            .map_or(self.not_before, |at| at.max(self.not_before))
    }

    /// It did not work: not again before the next pause is over.
    fn failed(&mut self, id: OrderId, retry_after: Option<u64>, now: UnixMillis) {
        self.in_flight = false;
        self.next_look = None;
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.plus_millis(backoff_millis(id, self.failures, retry_after));
    }
}

/// One step of provisioning. The pair find/create is what makes a create repeatable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Keep the place in the fleet for good, or, paid late, get one.
    ClaimPlace,
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
    AwaitingPayment,
    /// The invoice ran out; it is still watched, for payments that arrive late.
    Expired,
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
    /// Delivered once, and over.
    Ended {
        /// Why.
        why: EndReason,
        /// Since when.
        at: UnixMillis,
        /// What was public about the machine.
        facts: MachineFacts,
        /// What is being removed.
        step: TeardownStep,
        /// How it goes.
        attempt: Attempt,
    },
}

/// A droplet that the cloud did not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Since when.
    pub since: UnixMillis,
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
    /// When that token dies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expires_at: Option<UnixMillis>,
    /// What it is good for.
    #[serde(default, skip_serializing_if = "PairingScope::is_bring_up")]
    pub token_scope: PairingScope,
    /// The key that it bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_used_by: Option<String>,
    /// When `public_key` was bound, or forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_at: Option<UnixMillis>,
    /// LND's own name, once it has signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
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
    /// When its newest invoice for the machine runs out.
    pub expires_at: UnixMillis,
    /// Every invoice that was shown.
    #[serde(default)]
    pub bills: Vec<Bill>,
    /// The way back of what bought nothing.
    #[serde(default)]
    pub refund: Refund,
    /// When the machine is removed; `None` before its delivery, and for a machine without an end.
    #[serde(default)]
    pub ends_at: Option<UnixMillis>,
    /// The end that the droplet's name tells.
    #[serde(default)]
    pub named_end: Option<UnixMillis>,
    /// The droplet is missing at the cloud.
    #[serde(default)]
    pub missing: Option<Missing>,
    /// How renaming and looking for the droplet go.
    #[serde(default)]
    pub chore: Attempt,
    /// What the fleet knows.
    #[serde(default)]
    pub fleet: FleetWord,
    /// Where its unpaid order is counted; forgotten once it is paid or ran out.
    #[serde(default)]
    pub door: Option<String>,
    /// Counts the changes a customer can see.
    #[serde(default)]
    pub revision: u64,
    /// The newest lines of its story; the older ones are kept elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub journal: Vec<Entry>,
    /// What it has at the cloud.
    pub resources: Resources,
    /// The machine's voice.
    pub voice: Voice,
    /// What it last said of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
    /// What the machine of a class last said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassHeartbeat>,
    /// How the validation of the chain went.
    #[serde(default, skip_serializing_if = "SyncHistory::is_empty")]
    pub sync: SyncHistory,
    /// When the channel backup came that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_at: Option<UnixMillis>,
    /// Whom a notification tells how it went.
    #[serde(default, skip_serializing_if = "Bell::is_silent")]
    pub bell: Bell,
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
    /// Perform a refund's step; answered by [`Event::Refund`].
    Refund(RefundStep),
    /// Tell the fleet; answered by [`Event::FleetTold`].
    TellFleet(FleetNews),
    /// Write the machine's end into the droplet's name; answered by [`Event::Renamed`].
    RenameDroplet {
        /// The cloud's id.
        droplet: u64,
        /// The end.
        end: UnixMillis,
    },
    /// Look for a droplet that was missed; answered by [`Event::Checked`].
    CheckDroplet {
        /// The cloud's id.
        droplet: u64,
    },
    /// The hours are over; answered by [`Event::EndReached`] at once.
    End,
    /// Remove every trace of an order nobody has seen.
    Erase,
    /// Remove the stored bundle; its 24 hours are over.
    EraseBundle,
}

impl Effect {
    /// Whether having begun it must be known to whoever takes over: what only reads, or may be repeated as it is, may simply be begun
    /// again.
    pub const fn leaves_traces(&self) -> bool {
        match self {
            Self::Provision(step) => matches!(
                step,
                Step::ClaimPlace
                    | Step::CreateSshKey
                    | Step::CreateVolume
                    | Step::CreateTailscaleKey
                    | Step::CreateDroplet
            ),
            Self::Refund(step) => matches!(step, RefundStep::Pay),
            Self::TellFleet(_) => true,
            _ => false,
        }
    }
}

/// What the cloud or the tailnet said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The fleet has a place for the order, or has none.
    Place(bool),
    /// Looked for or made; or, of a droplet's create: the key it names is gone.
    SshKey(Option<CloudSshKey>),
    /// Looked for or made.
    Volume(Option<String>),
    /// Made.
    TailscaleKey(TailscaleKey),
    /// Looked for or made; or, of its delete: the cloud does not know it.
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
    /// LNbits answered a look-up of the bill with this hash.
    Payment(String, Result<PaymentFacts, Failure>),
    /// The cloud answered the step that was begun.
    Answer(Result<Answer, Failure>),
    /// A refund's step was answered.
    Refund(Result<RefundAnswer, Failure>),
    /// The fleet was told this.
    FleetTold(Result<FleetNews, Failure>),
    /// The droplet's name tells this end now.
    Renamed(Result<UnixMillis, Failure>),
    /// The droplet was looked for.
    Checked(Result<Option<Droplet>, Failure>),
    /// The cloud's list has no such droplet.
    DropletMissed(u64),
    /// The hours are over.
    EndReached,
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

/// The most invoices for the machine that one order gets.
const MAX_RENEWALS: usize = 10;
/// What every name of this house at the cloud begins with.
const NAME_PREFIX: &str = "kindling-";

/// What names an order's things at the cloud: its tag, volume and SSH key.
pub fn resource_name(id: OrderId) -> String {
    format!("{NAME_PREFIX}{id}")
}

/// A droplet's name: the order's, and the Unix second of its end where it has one.
pub fn droplet_name(id: OrderId, end: Option<UnixMillis>) -> String {
    match end {
        Some(end) => format!("{NAME_PREFIX}{id}-{}", end.seconds()),
        None => resource_name(id),
    }
}

/// The order that a name or tag at the cloud belongs to; `None` for what is not of this house.
pub fn order_of(name: &str) -> Option<OrderId> {
    let rest = name.strip_prefix(NAME_PREFIX)?;
    let id = rest.split_once('-').map_or(rest, |(id, _)| id);
    OrderId::parse(id).ok()
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
    /// Where its unpaid order is counted.
    pub door: Option<String>,
}

impl Order {
    /// A draft, to be saved before its invoice is asked for.
    pub fn draft(new: NewOrder, now: UnixMillis) -> Self {
        let mut order = Self {
            id: new.id,
            refund: Refund {
                to: new.request.refund_to.clone(),
                ..Refund::default()
            },
            request: new.request,
            access_hash: new.access_hash,
            access_drawn: new.access_drawn,
            hook: new.hook,
            price: new.price,
            plan: new.plan,
            created_at: now,
            expires_at: now.plus_seconds(new.invoice_seconds),
            bills: Vec::new(),
            ends_at: None,
            named_end: None,
            missing: None,
            chore: Attempt::default(),
            fleet: FleetWord::default(),
            door: new.door,
            revision: 0,
            journal: Vec::new(),
            resources: Resources::default(),
            voice: Voice::default(),
            heartbeat: None,
            class: None,
            sync: SyncHistory::default(),
            backup_at: None,
            bell: Bell::default(),
            state: State::Draft,
        };
        let place = format!("fleet {}", order.plan.fleet);
        order.note(now, "ordered", place);
        order
    }

    /// An invoice for the machine is there: a draft becomes visible, an expired order is payable again.
    pub fn open(&mut self, invoice: Invoice, now: UnixMillis) {
        if !matches!(self.state, State::Draft | State::Expired) {
            return;
        }
        self.expires_at = invoice.expires_at;
        self.note(now, "invoice", invoice.payment_hash.clone());
        let bill = Bill::new(invoice, self.price, Purpose::Machine, now);
        self.bills.push(bill);
        self.state = State::AwaitingPayment;
    }

    /// Whether an expired order may get a new invoice.
    ///
    /// # Errors
    /// `not_renewable`; `too_many_requests` after ten invoices.
    pub fn renewal(&self) -> Result<(), ApiError> {
        if self.state != State::Expired {
            return Err(ErrorCode::NotRenewable.into());
        }
        if self.bills.len() >= MAX_RENEWALS {
            return Err(ErrorCode::TooManyRequests.into());
        }
        Ok(())
    }

    /// Whether an order that is asked for again is this one. `access_hash` is the caller's own, `None` where they sent none: such
    /// a caller shows nothing but the request, so the answer they missed is repeated only while there is nothing but an invoice to see.
    pub fn is_same(&self, request: &OrderRequest, access_hash: Option<&str>) -> bool {
        let same_access = match access_hash {
            Some(hash) => hash == self.access_hash,
            None => self.access_drawn && matches!(self.state, State::AwaitingPayment),
        };
        same_access && self.request == *request
    }

    /// Whether this access token opens the order. Compared by hash, so timing tells nothing about the token.
    pub fn opens_with(&self, token: &str) -> bool {
        crate::link::access_hash(token) == self.access_hash
    }
}
