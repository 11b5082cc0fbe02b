//! The teacher's own way into each node. Apart from the cards, and never on paper.

use super::deck::Deck;
use crate::components::copy::CopyButton;
use crate::components::value::{SecretValue, Value};
use crate::words::class_cards as words;
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
                let what = words::what_teacher(&node.name);
                view! {
                    <div class="value">
                        <dt>{node.name}</dt>
                        <dd>
                            <code class="node-key" dir="ltr">{node.public_key}</code>
                            <CopyButton text=node.admin_connect what=what/>
                        </dd>
                    </div>
                }
                .into_any()
            });
            view! {
                <p class="muted">{words::teacher_means()}</p>
                <dl>
                    {rows.collect_view()}
                    <Value name=words::rpc_user() value=bitcoin.rpc_user/>
                    <SecretValue name=words::rpc_password() value=bitcoin.rpc_password/>
                </dl>
            }
            .into_any()
        })
    };
    view! {
        <details on:toggle:target=move |event| is_open.set(event.target().open())>
            <summary>{words::teacher()}</summary>
            <div class="stack tight">{rows}</div>
        </details>
    }
    .into_any()
}
