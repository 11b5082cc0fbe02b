//! What to do with a new node, in order, with the commands.

use super::claim::Claim;
use crate::browser::System;
use crate::components::command::Command;
use crate::components::rich::Rich;
use crate::ssh_commands::Target;
use crate::words::access_next as words;
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
            <p>{words::tunnel()}</p>
            <Command text=text what=words::tunnel_command()/>
        })
    };
    let login = move || match claim.bundle.with(Option::is_none) {
        true => view! { <Rich text=words::login_and_claim()/> },
        false => view! { <Rich text=words::login()/> },
    };
    view! {
        <section class="card stack" aria-labelledby="next-title">
            <h2 id="next-title">{words::title()}</h2>
            <ol class="how">
                <li><p>{login}</p></li>
                <li>
                    <p><Rich text=words::credentials()/></p>
                    {remote("cat /root/node-credentials.txt", words::credentials_command())}
                </li>
                <li>
                    <p><Rich text=words::sync()/>" "{move || product.get().map(how_long)}</p>
                    {remote("/opt/kindling/ops.sh sync", words::sync_command())}
                </li>
                <li><p><Rich text=words::fund()/></p></li>
                <li>
                    <p>{move || view! { <Rich text=words::lnbits(&lnbits_url.get())/> }}</p>
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
        (BitcoinNetwork::Regtest, ..) => words::own_chain(),
        (BitcoinNetwork::Signet | BitcoinNetwork::Testnet4, ..) => words::test_chain(),
        (BitcoinNetwork::Mainnet, true, _) => words::snapshot(),
        (BitcoinNetwork::Mainnet, false, true) => words::light(),
        (BitcoinNetwork::Mainnet, false, false) => words::whole_chain(),
    }
}
