//! The class as files: a table for the participants, and everything for the teacher.

use super::deck::{Card, Deck, Form, address};
use crate::announce::announcer;
use crate::components::download::hand_over;
use crate::components::field_error::FieldError;
use crate::pages::order::Order;
use crate::vault_client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The button for everything.
pub fn everything(order: Order, sealed: StoredValue<String>) -> AnyView {
    let announcer = announcer();
    let trouble = RwSignal::new(None::<String>);
    let save = move |_| {
        trouble.set(None);
        spawn_local(async move {
            let opened = vault_client::open_file(order.keys().fragment, sealed.get_value()).await;
            // Opened to become the file.
            let content = opened
                .map_err(|trouble| trouble.sentence())
                .and_then(|content| {
                    STANDARD
                        .decode(content.expose())
                        .map_err(|_| "The file came out damaged. Try again.".to_owned())
                });
            let file = format!("{}-class.json", order.file_name());
            match content {
                Ok(content) => hand_over(&file, &content, announcer, trouble),
                Err(sentence) => drop(trouble.try_set(Some(sentence))),
            }
        });
    };
    view! {
        <div class="row">
            <button type="button" class="button" on:click=save>"Download everything (JSON)"</button>
        </div>
        <FieldError id="everything-error" trouble=trouble/>
    }
    .into_any()
}

/// The table (RFC 4180). Nothing of the teacher's is in it.
pub fn csv(deck: Deck) -> String {
    let mut text = "number,name,public_key,address,connect,wallet,taken,note\r\n".to_owned();
    let row = |card: &Card| {
        let (name, public_key) = deck.node(card.index, |node| {
            (node.name.clone(), node.public_key.clone())
        })?;
        let address = deck.bundle.with_value(|bundle| {
            let node = bundle.classroom.nodes.get(card.index)?;
            Some(address(bundle, node))
        })?;
        // Opened because a table of connections is what the person downloads.
        let connect = deck.text(card.index, Form::Connect);
        let wallet = deck.text(card.index, Form::Wallet);
        let taken = if card.taken.get_untracked() {
            "yes"
        } else {
            "no"
        };
        let fields = [
            (card.index + 1).to_string(),
            name,
            public_key,
            address,
            connect.expose().to_owned(),
            wallet.expose().to_owned(),
            taken.to_owned(),
            harmless(card.note.get_untracked()),
        ];
        Some(fields.map(|field| quoted(&field)).join(","))
    };
    for row in deck.cards.get_value().iter().filter_map(row) {
        text.push_str(&row);
        text.push_str("\r\n");
    }
    text
}

/// What somebody typed must not become a formula in a spreadsheet, so what would begin one is led by an apostrophe.
fn harmless(text: String) -> String {
    if text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
