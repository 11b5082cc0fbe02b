//! What to do with a new node, in order, with the commands.

use super::claim::Claim;
use crate::browser::System;
use crate::components::command::Command;
use crate::ssh_commands::Target;
use kindling_domain::catalogue::{BitcoinNetwork, Product};
use kindling_domain::wire::Bundle;
use leptos::prelude::*;

/// The list.
#[component]
pub fn NextSteps(
    claim: Claim<Bundle>,
    system: RwSignal<System>,
    target: Memo<Option<Target>>,
    product: Memo<Option<Product>>,
    lnbits_url: Signal<String>,
) -> impl IntoView {
    let remote = move |command: &'static str, what: &'static str| {
        move || {
            let text = target.get()?.remote(system.get(), command);
            Some(view! { <Command text=text what=what/> })
        }
    };
    // LNbits listens on the machine itself unless Tailscale serves it.
    let needs_tunnel = move || lnbits_url.get().starts_with("http://127.0.0.1");
    let tunnel = move || {
        let text = target
            .get()
            .filter(|_| needs_tunnel())?
            .tunnel(system.get());
        Some(view! {
            <p>"Open a tunnel, leave it open, then visit the address:"</p>
            <Command text=text what="the tunnel command"/>
        })
    };
    view! {
        <section class="card stack" aria-labelledby="next-title">
            <h2 id="next-title">"Next steps"</h2>
            <ol class="how">
                <li>
                    <p><strong>"Log in"</strong>" with the commands above"{move || claim.bundle.with(Option::is_none).then_some(", and get your credentials")}"."</p>
                </li>
                <li>
                    <p><strong>"Read the credentials"</strong>" on the machine; they match the ones on this page."</p>
                    {remote("cat /root/node-credentials.txt", "the command that shows the credentials")}
                </li>
                <li>
                    <p><strong>"Watch the sync"</strong>" on this page, or on the machine. "{move || product.get().map(how_long)}</p>
                    {remote("/opt/kindling/ops.sh sync", "the command that shows the sync")}
                </li>
                <li>
                    <p>
                        <strong>"Fund LND"</strong>" as soon as “Usable now” says yes, not before: until then it cannot see its money."
                    </p>
                </li>
                <li>
                    <p>
                        <strong>"Open LNbits"</strong>" at "<code>{move || lnbits_url.get()}</code>". It connects to LND by itself."
                    </p>
                    {tunnel}
                </li>
            </ol>
        </section>
    }
    .into_any()
}

/// How long it takes until the node can be used, and until it has checked everything.
fn how_long(product: Product) -> &'static str {
    let Product::FullNode {
        network,
        assumeutxo,
        neutrino,
        ..
    } = product
    else {
        return "";
    };
    match (network, assumeutxo, neutrino) {
        (BitcoinNetwork::Regtest, ..) => "A chain of your own has nothing to download.",
        (BitcoinNetwork::Signet | BitcoinNetwork::Testnet4, ..) => {
            "Bitcoin needs some hours to download and check the chain."
        }
        (BitcoinNetwork::Mainnet, true, _) => {
            "With the snapshot it is usable within hours; the node then checks what is before the snapshot."
        }
        (BitcoinNetwork::Mainnet, false, true) => {
            "LND is usable soon, as a light client; Bitcoin needs one to two weeks to download and check the chain."
        }
        (BitcoinNetwork::Mainnet, false, false) => {
            "Bitcoin needs one to two weeks to download and check the chain."
        }
    }
}
