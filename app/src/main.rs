//! The page: mounts the app over the text that `index.html` brought along.

mod announce;
mod api;
mod app;
mod browser;
mod components;
mod keygen;
mod live;
mod pages;
mod router;
mod shop;
mod ssh_commands;
mod vault_client;
mod vault_protocol;
mod webln;
mod words;

use leptos::mount::mount_to;
use leptos::prelude::document;
use wasm_bindgen::JsCast;

fn main() {
    let Some(root) = document().get_element_by_id("root") else {
        return;
    };
    // The served text gives way to the same text, rendered: the first paint does not wait for wasm.
    root.set_inner_html("");
    mount_to(root.unchecked_into(), app::App).forget();
    browser::register_service_worker();
}
