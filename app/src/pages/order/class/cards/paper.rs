//! The cards on paper: printed by the browser, as a PDF made here, or as a table.

use super::deck::{Card, Deck, Form, grouped_hex};
use super::files;
use crate::announce::announcer;
use crate::browser::location;
use crate::components::download::hand_over;
use crate::components::field_error::FieldError;
use crate::pages::order::Order;
use crate::vault_client;
use crate::vault_protocol::{Paper, Sheet, SheetCard};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;

/// Where Letter is what lies in printers.
const LETTER_REGIONS: [&str; 11] = [
    "US", "CA", "MX", "PH", "CL", "CO", "CR", "GT", "PA", "SV", "VE",
];

/// A guess from the browser's language; the person can choose the other.
fn usual_paper() -> Paper {
    let language = window().navigator().language().unwrap_or_default();
    let region = language.rsplit('-').next().unwrap_or_default();
    if LETTER_REGIONS.contains(&region.to_ascii_uppercase().as_str()) {
        Paper::Letter
    } else {
        Paper::A4
    }
}

/// How many cards, in words.
fn cards_text(count: usize) -> String {
    match count {
        1 => "1 card".to_owned(),
        _ => format!("{count} cards"),
    }
}

/// What is made of the cards that are looked for, or of all.
pub fn buttons(deck: Deck) -> AnyView {
    hide_link_from_paper(deck.order);
    let announcer = announcer();
    let chosen = RwSignal::new(usual_paper());
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None::<String>);
    let count = Memo::new(move |_| deck.wanted().len());
    let is_ready = Memo::new(move |_| deck.is_drawn() && count.get() > 0);
    let print = move |_| {
        if deck.brand.is_good() {
            // Refused only by pages in a sandbox.
            let _ = window().print();
        }
    };
    let pdf = move |_| {
        if busy.get_untracked() || !deck.brand.is_good() {
            return;
        }
        trouble.set(None);
        let strip = match deck.brand.pixels() {
            Ok(strip) => strip,
            Err(sentence) => return trouble.set(Some(sentence)),
        };
        busy.set(true);
        let file = format!("{}-cards.pdf", deck.order.file_name());
        let form = deck.form.get_untracked();
        let sheet = Sheet {
            paper: chosen.get_untracked(),
            strip,
            cards: deck
                .wanted()
                .iter()
                .map(|card| sheet_card(deck, card, form))
                .collect(),
        };
        spawn_local(async move {
            let made = vault_client::make_pdf(sheet).await;
            // The person may have moved on meanwhile.
            if busy.try_set(false).is_some() {
                return;
            }
            // Opened to become the file.
            let content = made.map_err(|trouble| trouble.sentence()).and_then(|made| {
                STANDARD
                    .decode(made.expose())
                    .map_err(|_| "The PDF came out damaged. Try again.".to_owned())
            });
            match content {
                Ok(content) => hand_over(&file, &content, announcer, trouble),
                Err(sentence) => trouble.set(Some(sentence)),
            }
        });
    };
    let table = move |_| {
        trouble.set(None);
        let file = format!("{}-cards.csv", deck.order.file_name());
        hand_over(&file, files::csv(deck).as_bytes(), announcer, trouble);
    };
    view! {
        <div class="row">
            <button type="button" class="button primary" disabled=move || !is_ready.get() on:click=print>
                {move || format!("Print {}", cards_text(count.get()))}
            </button>
            <button
                type="button"
                class="button"
                disabled=move || !is_ready.get()
                aria-disabled=move || busy.get().then_some("true")
                on:click=pdf
            >
                {move || if busy.get() { "Making the PDF…".to_owned() } else { format!("PDF of {}", cards_text(count.get())) }}
            </button>
            <fieldset class="segments">
                <legend class="visually-hidden">"Paper of the PDF"</legend>
                {[(Paper::A4, "A4"), (Paper::Letter, "Letter")]
                    .map(|(paper, name)| view! {
                        <label>
                            <input
                                type="radio"
                                name="paper"
                                prop:checked=move || chosen.get() == paper
                                on:change=move |_| chosen.set(paper)
                            />
                            <span>{name}</span>
                        </label>
                    })
                    .into_iter()
                    .collect_view()}
            </fieldset>
            <button type="button" class="button" on:click=table>"Table (CSV)"</button>
        </div>
        <FieldError id="paper-error" trouble=trouble/>
    }
    .into_any()
}

fn sheet_card(deck: Deck, card: &Card, form: Form) -> SheetCard {
    let small = deck.pinned(card.index).map(|(address, fingerprint)| {
        vec![
            ("First open and accept".to_owned(), address),
            ("SHA-256".to_owned(), grouped_hex(&fingerprint)),
        ]
    });
    SheetCard {
        number: u32::try_from(card.index + 1).unwrap_or_default(),
        name: deck
            .node(card.index, |node| node.name.clone())
            .unwrap_or_default(),
        hint: form.hint().to_owned(),
        small: small.unwrap_or_default(),
        code: deck.text(card.index, form),
    }
}

/// Browsers may print the page's address in the margin, and this page's has the order link's secret: it is out of the address bar for
/// as long as they print.
fn hide_link_from_paper(order: Order) {
    let write = |address: &str| {
        if let Ok(history) = window().history() {
            let state = history.state().unwrap_or(JsValue::NULL);
            // Refused only for addresses of another origin.
            let _ = history.replace_state_with_url(&state, "", Some(address));
        }
    };
    let before = window_event_listener_untyped("beforeprint", move |_| {
        let (path, query, _) = location();
        write(&[path, query].concat());
    });
    let after = window_event_listener_untyped("afterprint", move |_| {
        let (path, query, _) = location();
        // Opened for the address bar, which is where an order link lives.
        let fragment = order.keys().fragment;
        write(&[path.as_str(), query.as_str(), "#", fragment.expose()].concat());
    });
    on_cleanup(move || {
        before.remove();
        after.remove();
    });
}
