//! The teacher's own way into each node. Apart from the cards, and never on paper.

use super::deck::Deck;
use crate::components::copy::CopyButton;
use crate::components::value::{SecretValue, Value};
use leptos::prelude::*;

/// Folded away; what is folded away is not in the document at all.
pub fn access(deck: Deck) -> AnyView {
    let is_open = RwSignal::new(false);
    let rows = move || {
        is_open.get().then(|| {
            let (bitcoin, nodes) = deck
                .bundle
                .with_value(|bundle| (bundle.bitcoin.clone(), bundle.classroom.nodes.clone()));
            let rows = nodes.into_iter().map(|node| {
                let what = format!("the teacher's link of {}", node.name);
                view! {
                    <div class="value">
                        <dt>{node.name}</dt>
                        <dd>
                            <code class="node-key">{node.public_key}</code>
                            <CopyButton text=node.admin_connect what=what/>
                        </dd>
                    </div>
                }
                .into_any()
            });
            view! {
                <p class="muted">
                    "These links may do everything on their node. Open them in Clams on your own device, and keep them off the wall."
                </p>
                <dl>
                    {rows.collect_view()}
                    <Value name="Bitcoin RPC user" value=bitcoin.rpc_user/>
                    <SecretValue name="Bitcoin RPC password" value=bitcoin.rpc_password/>
                </dl>
            }
            .into_any()
        })
    };
    view! {
        <details on:toggle:target=move |event| is_open.set(event.target().open())>
            <summary>"Teacher's access"</summary>
            <div class="stack tight">{rows}</div>
        </details>
    }
    .into_any()
}
