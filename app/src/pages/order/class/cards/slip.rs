//! One card, on the screen and on paper.

use super::deck::{Card, Deck, Form, grouped_hex};
use crate::browser::focus;
use crate::components::copy::CopyButton;
use crate::components::qr::Qr;
use crate::figures::number;
use crate::words::class_cards as words;
use kindling_domain::secret::Secret;
use leptos::html::Dialog;
use leptos::prelude::*;

/// The button that a card's code is, by the card's place in the list.
pub fn code_id(index: usize) -> String {
    format!("card-code-{index}")
}

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
    let place = number(index as u64 + 1);
    let label = words::code(&name);
    let strip = move || {
        let url = deck.brand.strip.get();
        url.map(|url| view! { <img class="slip-strip" src=url alt=""/> })
    };
    let code = move || match card.code.get() {
        Some(code) => view! { <Qr code=code label=label.clone()/> }.into_any(),
        None => view! { <span class="slip-drawing"></span> }.into_any(),
    };
    let note = {
        let label = words::who_has(&name);
        move || {
            let label = label.clone();
            card.taken.get().then(|| {
                view! {
                    <input
                        type="text"
                        class="slip-note"
                        aria-label=label
                        placeholder=words::by_whom()
                        dir="auto"
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
                <span>{words::accept_first()}</span>
                <a href=link target="_blank" rel="noopener noreferrer" dir="ltr">{address}</a>
                <span class="on-paper">"SHA-256"</span>
                <code class="on-paper" dir="ltr">{grouped_hex(&fingerprint)}</code>
            </p>
        }
    });
    let copy = move || {
        let name = deck
            .node(index, |node| node.name.clone())
            .unwrap_or_default();
        // Wallets take what the code holds.
        let what = match deck.form.get() {
            Form::Connect | Form::Wallet => words::what_link(&name),
            Form::Plain => words::what_plain(&name),
        };
        copy_button(deck.text(index, deck.form.get()), what)
    };
    view! {
        <li class="slip" class:taken=card.taken class:unwanted=move || !card.is_wanted.get() class:folded=is_folded>
            {strip}
            <p class="slip-head">
                <span class="slip-number">
                    <span class="on-paper">{words::number(&place)}</span>
                    <span class="on-screen">{place.clone()}</span>
                </span>
                <strong class="slip-name"><bdi>{name.clone()}</bdi></strong>
            </p>
            <button
                type="button"
                class="slip-code"
                id=code_id(index)
                aria-label=words::enlarge(&name)
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
                        aria-label=words::is_taken(&name)
                        prop:checked=card.taken
                        on:change:target=move |event| card.taken.set(event.target().checked())
                    />
                    <span>{words::taken()}</span>
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

/// One card's code as large as the screen, for the wall. Closed, it gives the focus back to the card that opened it: browsers do that
/// only for what had the focus, which a button that was clicked has not everywhere.
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
    let closed = move |_| {
        if let Some(index) = deck.enlarged.try_update(Option::take).flatten() {
            focus(&code_id(index));
        }
    };
    let content = move || {
        let index = deck.enlarged.get()?;
        let name = deck.node(index, |node| node.name.clone())?;
        let card = deck.cards.with_value(|cards| cards.get(index).copied())?;
        let label = words::code(&name);
        let code = move || {
            let label = label.clone();
            card.code
                .get()
                .map(|code| view! { <Qr code=code label=label/> })
        };
        Some(view! {
            <p class="slip-head">
                <span class="slip-number">{number(index as u64 + 1)}</span>
                <strong class="slip-name"><bdi>{name}</bdi></strong>
            </p>
            <div class="beamer-code">{code}</div>
        })
    };
    view! {
        <dialog node_ref=dialog class="beamer" aria-label=words::enlarged() on:close=closed>
            {content}
            <button type="button" class="button" on:click=close>{words::close()}</button>
        </dialog>
    }
    .into_any()
}
