//! The keys of an order that is about to be made: the secret and its Ed25519 key at once, the RSA key as soon as found.

use crate::vault_client;
use crate::vault_protocol::OrderKeys;
use kindling_domain::keys::KeyType;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Keys in the making. Both belong to the same secret, so the choice between them is free until the order is made.
#[derive(Clone, Copy, Default)]
pub struct Keygen {
    ed25519: RwSignal<Option<OrderKeys>>,
    rsa: RwSignal<Option<OrderKeys>>,
    percent: RwSignal<u8>,
    trouble: RwSignal<Option<String>>,
    /// Counts the starts, so that an abandoned search cannot deliver into the next one.
    round: StoredValue<u32>,
}

impl Keygen {
    /// Draws a new secret and begins again.
    pub fn restart(self) {
        vault_client::end();
        self.ed25519.set(None);
        self.rsa.set(None);
        self.percent.set(0);
        self.trouble.set(None);
        self.start();
    }

    /// The keys for a choice once they are there.
    pub fn keys(self, choice: KeyType) -> Option<OrderKeys> {
        match choice {
            KeyType::Rsa4096 => self.rsa.get(),
            KeyType::Ed25519 => self.ed25519.get(),
        }
    }

    /// How far the search of the RSA key is.
    pub fn percent(self) -> u8 {
        self.percent.get()
    }

    /// Why there are no keys.
    pub fn trouble(self) -> Option<String> {
        self.trouble.get()
    }

    /// Gives up a search that is still running: the page goes on with the other key.
    pub fn abandon_search(self) {
        if self.rsa.with_untracked(Option::is_none) {
            self.round.update_value(|round| *round += 1);
            vault_client::end();
        }
    }

    /// Draws a secret and begins.
    pub fn start(self) {
        self.round.update_value(|round| *round += 1);
        let round = self.round.get_value();
        // `try_…` because the page, and these signals with it, may be gone by the time the vault answers.
        let current = move || self.round.try_get_value() == Some(round);
        spawn_local(async move {
            let result = async {
                let first = vault_client::new_order().await?;
                let fragment = first.fragment.clone();
                if current() {
                    self.ed25519.set(Some(first));
                }
                let on_progress = move |percent| {
                    if current() {
                        self.percent.set(percent);
                    }
                };
                vault_client::search_rsa(fragment, on_progress).await
            };
            let result = result.await;
            if current() {
                match result {
                    Ok(keys) => self.rsa.set(Some(keys)),
                    Err(trouble) => self.trouble.set(Some(trouble.sentence())),
                }
            }
        });
    }
}
