//! The one hand-over of the sealed credentials to this browser. Its nonce is kept before it is used, so that a lost answer or a
//! closed tab loses nothing: the same nonce gets the same credentials again. What is inside depends on what was bought.

use super::Order;
use crate::api::{self, Failure};
use crate::browser::local_storage;
use crate::vault_client;
use crate::words::order as words;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kindling_domain::error::ErrorCode;
use kindling_domain::id::OrderId;
use kindling_domain::secret::Secret;
use kindling_domain::wire::{Bundle, Delivery};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// What a product's machine seals to its customer.
pub trait Contents: Clone + Send + Sync + Sized + 'static {
    /// Opens it, or says why it does not open.
    fn open(fragment: Secret, sealed: String) -> impl Future<Output = Result<Self, String>>;

    /// Keeps it on this device as it came, which nobody can open without the order link; most products keep nothing.
    fn keep(_id: &OrderId, _sealed: &str) {}
}

impl Contents for Bundle {
    async fn open(fragment: Secret, sealed: String) -> Result<Self, String> {
        vault_client::open_bundle(fragment, sealed)
            .await
            .map_err(|trouble| trouble.sentence())
    }
}

/// What came of trying.
#[derive(Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Another nonce was first.
    Elsewhere,
    /// Anything else, as a sentence.
    Sentence(String),
}

/// The hand-over as it stands in this tab.
pub struct Claim<T: Contents> {
    order: Order,
    /// The opened credentials; never stored.
    pub bundle: RwSignal<Option<T>>,
    /// Why the last attempt did not work.
    pub trouble: RwSignal<Option<Trouble>>,
    /// An attempt is under way.
    pub busy: RwSignal<bool>,
    erased: RwSignal<bool>,
}

impl<T: Contents> Clone for Claim<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Contents> Copy for Claim<T> {}

impl<T: Contents> Claim<T> {
    /// Nothing is claimed by looking.
    pub fn new(order: Order) -> Self {
        Self {
            order,
            bundle: RwSignal::new(None),
            trouble: RwSignal::new(None),
            busy: RwSignal::new(false),
            erased: RwSignal::new(false),
        }
    }

    /// Where the sealed copy is.
    pub fn delivery(self) -> Option<Delivery> {
        if self.erased.get() {
            return Some(Delivery::Erased);
        }
        self.order
            .feed
            .view
            .with(|view| Some(view.as_ref()?.credentials.as_ref()?.delivery))
    }

    /// Whether this browser may claim (again).
    pub fn is_ours(self) -> bool {
        self.kept_nonce().is_some()
    }

    /// Claims and opens.
    pub fn take(self) {
        self.attempt(self.try_take());
    }

    /// Opens what was kept here.
    pub fn open_kept(self, sealed: String) {
        let fragment = self.order.keys().fragment;
        self.attempt(async move { T::open(fragment, sealed).await.map_err(Trouble::Sentence) });
    }

    fn attempt(self, what: impl Future<Output = Result<T, Trouble>> + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.trouble.set(None);
        spawn_local(async move {
            let taken = what.await;
            // The person may have moved on meanwhile; then it can be claimed again with the kept nonce.
            if self.busy.try_set(false).is_some() {
                return;
            }
            match taken {
                Ok(bundle) => self.bundle.set(Some(bundle)),
                Err(trouble) => {
                    self.trouble.set(Some(trouble));
                    self.order.feed.refresh();
                }
            }
        });
    }

    /// Has the sealed copy erased.
    pub fn acknowledge(self) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.trouble.set(None);
        spawn_local(async move {
            let keys = self.order.keys();
            let Some(nonce) = self.kept_nonce() else {
                return self.busy.set(false);
            };
            let answer = api::acknowledge(&keys.order_id, &keys.access_token, nonce).await;
            if self.busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(_) => {
                    self.forget_nonce();
                    self.erased.set(true);
                }
                Err(failure) => self
                    .trouble
                    .set(Some(Trouble::Sentence(failure.sentence()))),
            }
        });
    }

    async fn try_take(self) -> Result<T, Trouble> {
        let keys = self.order.keys();
        let nonce = self
            .nonce()
            .ok_or_else(|| Trouble::Sentence(words::keeps_nothing().to_owned()))?;
        let answer = api::claim(&keys.order_id, &keys.access_token, nonce)
            .await
            .map_err(|failure| match failure {
                Failure::Refused(error) if error.code == ErrorCode::ClaimedElsewhere => {
                    self.forget_nonce();
                    Trouble::Elsewhere
                }
                failure => Trouble::Sentence(failure.sentence()),
            })?;
        T::keep(&keys.order_id, &answer.sealed);
        T::open(keys.fragment, answer.sealed)
            .await
            .map_err(Trouble::Sentence)
    }

    fn storage_key(self) -> String {
        format!("kindling.claim.{}", self.order.id())
    }

    fn kept_nonce(self) -> Option<String> {
        local_storage()?.get_item(&self.storage_key()).ok()?
    }

    /// The kept nonce, or a new one that is kept before anybody uses it.
    fn nonce(self) -> Option<String> {
        if let Some(nonce) = self.kept_nonce() {
            return Some(nonce);
        }
        let mut bytes = [0; 16];
        getrandom04::fill(&mut bytes).ok()?;
        let nonce = URL_SAFE_NO_PAD.encode(bytes);
        local_storage()?
            .set_item(&self.storage_key(), &nonce)
            .ok()?;
        Some(nonce)
    }

    fn forget_nonce(self) {
        if let Some(storage) = local_storage() {
            // A nonce that stays behind opens nothing any more.
            let _ = storage.remove_item(&self.storage_key());
        }
    }
}
