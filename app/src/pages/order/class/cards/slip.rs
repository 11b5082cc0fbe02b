//! One card, on the screen and on paper.

use super::deck::{Card, Deck, Form, grouped_hex};
use crate::components::copy::CopyButton;
use crate::components::qr::Qr;
use kindling_domain::secret::Secret;
use leptos::html::Dialog;
use leptos::prelude::*;

/// The card. On paper stand the branding, the name, the code and what to do with it; the rest is for the teacher.
pub fn view(
    deck: Deck,
    card: Card,
    is_folded: impl Fn() -> bool + Send + Sync + 'static,
) -> AnyView {
    let index = card.index;
    let name = deck
        .node(index, |node| node.name.clone())
        .unwrap_or_default();
    let label = format!("QR code of {name}");
    let strip = move || {
        let url = deck.brand.strip.get();
        url.map(|url| view! { <img class="slip-strip" src=url alt=""/> })
    };
    let code = move || match card.code.get() {
        Some(code) => view! { <Qr code=code label=label.clone()/> }.into_any(),
        None => view! { <span class="slip-drawing"></span> }.into_any(),
    };
    let note = {
        let label = format!("Who has {name}");
        move || {
            let label = label.clone();
            card.taken.get().then(|| {
                view! {
                    <input
                        type="text"
                        class="slip-note"
                        aria-label=label
                        placeholder="By whom"
                        autocomplete="off"
                        maxlength="80"
                        prop:value=card.note
                        on:input:target=move |event| card.note.set(event.target().value())
                    />
                }
            })
        }
    };
    let pinned = deck.pinned(index).map(|(address, fingerprint)| {
        let link = address.clone();
        view! {
            <p class="slip-address">
                <span>"First open and accept"</span>
                <a href=link target="_blank" rel="noopener noreferrer">{address}</a>
                <span class="on-paper">"SHA-256"</span>
                <code class="on-paper">{grouped_hex(&fingerprint)}</code>
            </p>
        }
    });
    let copy = move || {
        // Wallets take what the code holds.
        let what = match deck.form.get() {
            Form::Connect | Form::Wallet => "link",
            Form::Plain => "address and rune",
        };
        let name = deck
            .node(index, |node| node.name.clone())
            .unwrap_or_default();
        copy_button(
            deck.text(index, deck.form.get()),
            format!("the {what} of {name}"),
        )
    };
    view! {
        <li class="slip" class:taken=card.taken class:unwanted=move || !card.is_wanted.get() class:folded=is_folded>
            {strip}
            <p class="slip-head">
                <span class="slip-number"><span class="on-paper">"Node "</span>{index + 1}</span>
                <strong class="slip-name">{name.clone()}</strong>
            </p>
            <button
                type="button"
                class="slip-code"
                aria-label=format!("Enlarge the QR code of {name}")
                on:click=move |_| deck.enlarged.set(Some(index))
            >
                {code}
            </button>
            <p class="slip-hint on-paper">{move || deck.form.get().hint()}</p>
            {pinned}
            <div class="slip-teacher">
                <label class="check">
                    <input
                        type="checkbox"
                        aria-label=format!("{name} is taken")
                        prop:checked=card.taken
                        on:change:target=move |event| card.taken.set(event.target().checked())
                    />
                    <span>"Taken"</span>
                </label>
                {copy}
                {note}
            </div>
        </li>
    }
    .into_any()
}

fn copy_button(text: Secret, what: String) -> AnyView {
    view! { <CopyButton text=text what=what/> }.into_any()
}

/// One card's code as large as the screen, for the wall.
pub fn enlarged(deck: Deck) -> AnyView {
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move || {
        if deck.enlarged.get().is_some()
            && let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            // Fails only where it is shown already.
            let _ = dialog.show_modal();
        }
    });
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let content = move || {
        let index = deck.enlarged.get()?;
        let name = deck.node(index, |node| node.name.clone())?;
        let card = deck.cards.with_value(|cards| cards.get(index).copied())?;
        let label = format!("QR code of {name}");
        let code = move || {
            let label = label.clone();
            card.code
                .get()
                .map(|code| view! { <Qr code=code label=label/> })
        };
        Some(view! {
            <p class="slip-head">
                <span class="slip-number">{index + 1}</span>
                <strong class="slip-name">{name}</strong>
            </p>
            <div class="beamer-code">{code}</div>
        })
    };
    view! {
        <dialog node_ref=dialog class="beamer" aria-label="QR code, enlarged" on:close=move |_| deck.enlarged.set(None)>
            {content}
            <button type="button" class="button" on:click=close>"Close"</button>
        </dialog>
    }
    .into_any()
}
