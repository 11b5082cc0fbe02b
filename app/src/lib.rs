//! The pages, as two programs over the same pieces: `shop` is the order form of the first page, whose text stands in `index.html`;
//! `order` is every other address. Between them one navigates as between any two pages.

mod announce;
mod api;
mod browser;
mod components;
mod device;
mod figures;
mod focus;
mod frame;
mod json;
mod keygen;
mod live;
mod pages;
mod passwords;
mod refusals;
mod router;
mod shop;
mod ssh_commands;
mod vault_client;
mod vault_protocol;
mod webln;
mod win_ansi;
mod words;

use leptos::prelude::IntoAny;

/// The program of the first page.
pub fn shop() {
    frame::start(frame::SHOP_SLOT, || pages::landing::Landing().into_any());
}

/// The program of all other pages.
pub fn order() {
    frame::start(frame::ORDER_SLOT, pages::routed);
}
