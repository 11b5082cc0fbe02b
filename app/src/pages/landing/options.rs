//! What may be chosen of a full node beyond the software: its chain, and the two shortcuts to a usable node. Folded away, because
//! the defaults suit most; what is ticked outlives a change of the chain that it does not go with.

use super::parts::{Choice, Pick, cards, fields};
use crate::browser::unfold;
use crate::components::changing::{changing, heard, part, text};
use crate::components::field_error::FieldError;
use crate::shop::Shop;
use crate::words::shop as words;
use kindling_domain::catalogue::{BitcoinImplementation, BitcoinNetwork, Product};
use leptos::prelude::*;

const DISCLOSURE: &str = "more-choices";
const ERROR: &str = "more-choices-error";

/// The choices.
#[derive(Clone, Copy)]
pub struct Options {
    shop: Shop,
    network: Pick<BitcoinNetwork>,
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
            network: Pick::of(&BitcoinNetwork::ALL),
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
        self.trouble.set(Some(words::options_gone().to_owned()));
        unfold(DISCLOSURE);
    }

    fn sells_snapshots(self) -> bool {
        self.shop
            .full_node()
            .is_some_and(|product| product.assumeutxo)
    }

    /// The fields.
    pub fn fields(self) -> AnyView {
        let networks = part(move || {
            let sold = self.shop.full_node()?.networks;
            let list = sold.iter().map(|network| {
                let (name, what) = described(*network);
                Choice::noted(network.as_str(), name, what)
            });
            let list = list.collect();
            let place = sold.clone();
            Some(cards(
                "network",
                list,
                move || {
                    let chosen = self.network.get();
                    place.iter().position(|network| *network == chosen)
                },
                move |at| {
                    self.network.set(sold[at]);
                    self.trouble.set(None);
                },
            ))
        });
        let snapshot = move || {
            let (name, title, what) = ("assumeutxo", words::snapshot(), words::snapshot_means());
            self.sells_snapshots()
                .then(|| self.shortcut(self.assumeutxo, name, title, what))
        };
        view! {
            <details>
                <summary id=DISCLOSURE aria-describedby=ERROR>{words::more()}</summary>
                <div class="stack tight">
                    {fields(words::network(), networks)}
                    {part(snapshot)}
                    {self.shortcut(self.neutrino, "neutrino", words::neutrino(), words::neutrino_means())}
                    <FieldError id=ERROR trouble=self.trouble/>
                </div>
            </details>
        }
        .into_any()
    }

    fn shortcut(
        self,
        ticked: RwSignal<bool>,
        name: &'static str,
        title: &'static str,
        what: &'static str,
    ) -> AnyView {
        let elsewhere = move || self.network.get() != BitcoinNetwork::Mainnet;
        let hint = [name, "-hint"].concat();
        let meaning = move || {
            if elsewhere() {
                words::mainnet_only()
            } else {
                what
            }
        };
        view! {
            <label class="check shortcut" class:off=changing(elsewhere)>
                <input
                    type="checkbox"
                    name=name
                    aria-describedby=hint.clone()
                    disabled=changing(elsewhere)
                    prop:checked=changing(move || ticked.get() && !elsewhere())
                    on:change=heard(move |event| {
                        ticked.set(event_target_checked(&event));
                        self.trouble.set(None);
                    })
                />
                <span>{title}</span>
            </label>
            <small id=hint class="under-check">{text(move || meaning().to_owned())}</small>
        }
        .into_any()
    }
}

/// The chains' names are the same in every language.
fn described(network: BitcoinNetwork) -> (&'static str, &'static str) {
    match network {
        BitcoinNetwork::Mainnet => ("Mainnet", words::mainnet()),
        BitcoinNetwork::Signet => ("Signet", words::signet()),
        BitcoinNetwork::Testnet4 => ("Testnet4", words::testnet4()),
        BitcoinNetwork::Regtest => ("Regtest", words::regtest()),
    }
}
