//! The class as files: a table for the participants, and everything for the teacher.

use super::deck::{Card, Deck, Form, address};
use crate::announce::announcer;
use crate::browser::download;
use leptos::prelude::*;

/// The button for everything.
pub fn everything(deck: Deck) -> AnyView {
    let announcer = announcer();
    let file = format!("{}-class.json", deck.order.file_name());
    let save = move |_| {
        // Opened because that is what the person downloads.
        let text = deck.bundle.with_value(serde_json::to_string_pretty);
        if let Ok(text) = text
            && download(&file, text.as_bytes())
        {
            announcer.say(format!("Downloading {file}"));
        }
    };
    view! {
        <div class="row">
            <button type="button" class="button" on:click=save>"Download everything (JSON)"</button>
        </div>
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
