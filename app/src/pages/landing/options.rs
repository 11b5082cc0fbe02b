//! What may be chosen of a full node beyond the software: its chain, and the two shortcuts to a usable node. Folded away, because
//! the defaults suit most; what is ticked outlives a change of the chain that it does not go with.

use crate::browser::unfold;
use crate::components::field_error::FieldError;
use crate::shop::Shop;
use kindling_domain::catalogue::{BitcoinImplementation, BitcoinNetwork, Product};
use leptos::prelude::*;

const DISCLOSURE: &str = "more-choices";
const ERROR: &str = "more-choices-error";

/// The choices.
#[derive(Clone, Copy)]
pub struct Options {
    shop: Shop,
    network: RwSignal<BitcoinNetwork>,
    assumeutxo: RwSignal<bool>,
    neutrino: RwSignal<bool>,
    /// Why they were refused.
    pub trouble: RwSignal<Option<String>>,
}

impl Options {
    /// The defaults.
    pub fn new(shop: Shop) -> Self {
        Self {
            shop,
            network: RwSignal::default(),
            assumeutxo: RwSignal::default(),
            neutrino: RwSignal::default(),
            trouble: RwSignal::default(),
        }
    }

    /// The node that is ordered. A shortcut that does not go with the chain, or is not sold any more, is left out.
    pub fn product(self, bitcoin: BitcoinImplementation) -> Product {
        let network = self.network.get_untracked();
        let mainnet = network == BitcoinNetwork::Mainnet;
        let sold = untrack(|| self.sells_snapshots());
        Product::FullNode {
            bitcoin,
            network,
            assumeutxo: mainnet && sold && self.assumeutxo.get_untracked(),
            neutrino: mainnet && self.neutrino.get_untracked(),
        }
    }

    /// The server sells none of this combination any more: says so here, unfolded and in focus.
    pub fn refuse(self) {
        let sentence = "One of these choices is not sold here right now. Look at them again; nothing was ordered.";
        self.trouble.set(Some(sentence.to_owned()));
        unfold(DISCLOSURE);
    }

    fn sells_snapshots(self) -> bool {
        self.shop
            .full_node()
            .is_some_and(|product| product.assumeutxo)
    }

    /// The fields.
    pub fn fields(self) -> AnyView {
        let networks = move || self.shop.full_node().map(|product| product.networks);
        let choice = move |network: BitcoinNetwork| {
            let (name, what) = described(network);
            view! {
                <label class="choice">
                    <input
                        type="radio"
                        name="network"
                        value=network.as_str()
                        prop:checked=move || self.network.get() == network
                        on:change=move |_| self.choose(network)
                    />
                    <span>{name}<small>{what}</small></span>
                </label>
            }
            .into_any()
        };
        view! {
            <details>
                <summary id=DISCLOSURE aria-describedby=ERROR>"More choices"</summary>
                <div class="stack tight">
                    <fieldset class="choices">
                        <legend>"Network"</legend>
                        {move || networks().unwrap_or_default().into_iter().map(choice).collect_view()}
                    </fieldset>
                    {move || self.sells_snapshots().then(|| self.shortcut(
                        self.assumeutxo,
                        "assumeutxo",
                        "Start from a snapshot (assumeutxo)",
                        "Usable within hours. What is before the snapshot is checked afterwards; until then you trust the snapshot that \
                         the Bitcoin software itself names by its hash.",
                    ))}
                    {self.shortcut(
                        self.neutrino,
                        "neutrino",
                        "Start LND as a light client (Neutrino)",
                        "LND is usable sooner. Until your node is ready, LND trusts what other nodes filter for it, and its fee rates come \
                         from a public server. It switches to your own node by itself.",
                    )}
                    <FieldError id=ERROR trouble=self.trouble/>
                </div>
            </details>
        }
        .into_any()
    }

    fn choose(self, network: BitcoinNetwork) {
        self.network.set(network);
        self.trouble.set(None);
    }

    fn shortcut(
        self,
        ticked: RwSignal<bool>,
        name: &'static str,
        title: &'static str,
        what: &'static str,
    ) -> AnyView {
        let elsewhere = move || self.network.get() != BitcoinNetwork::Mainnet;
        let hint = format!("{name}-hint");
        view! {
            <label class="check shortcut" class:off=elsewhere>
                <input
                    type="checkbox"
                    name=name
                    aria-describedby=hint.clone()
                    disabled=elsewhere
                    prop:checked=move || ticked.get() && !elsewhere()
                    on:change:target=move |event| {
                        ticked.set(event.target().checked());
                        self.trouble.set(None);
                    }
                />
                <span>{title}</span>
            </label>
            <small id=hint class="under-check">
                {move || if elsewhere() { "Only with Mainnet: the other chains are here within hours." } else { what }}
            </small>
        }
        .into_any()
    }
}

fn described(network: BitcoinNetwork) -> (&'static str, &'static str) {
    match network {
        BitcoinNetwork::Mainnet => ("Mainnet", "real money"),
        BitcoinNetwork::Signet => ("Signet", "test coins, signed blocks"),
        BitcoinNetwork::Testnet4 => ("Testnet4", "test coins, mined blocks"),
        BitcoinNetwork::Regtest => ("Regtest", "your own empty chain"),
    }
}
