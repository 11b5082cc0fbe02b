//! A link inside the app: an ordinary one, that does not load the page anew.

use crate::router::router;
use leptos::ev::MouseEvent;
use leptos::prelude::*;

/// A link to an address of the app.
#[component]
pub fn Link(
    href: String,
    #[prop(default = "")] class: &'static str,
    children: Children,
) -> impl IntoView {
    let router = router();
    let target = href.clone();
    let follow = move |event: MouseEvent| {
        // New tabs and windows are the browser's business.
        let plain =
            event.button() == 0 && !event.ctrl_key() && !event.meta_key() && !event.shift_key();
        if plain {
            event.prevent_default();
            router.go(&target);
        }
    };
    view! { <a href=href class=class on:click=follow>{children()}</a> }
}
