//! A page's first heading. It takes the focus when its page appears, so that screen readers and keyboards start there.

use crate::router::router;
use leptos::html::H1;
use leptos::prelude::*;

/// The `h1` of a page or of an order's state.
#[component]
pub fn Heading(
    #[prop(into)] text: String,
    /// Take the focus even where nothing was left behind for this page: the state changed by itself.
    #[prop(default = false)]
    always: bool,
) -> impl IntoView {
    let node = NodeRef::<H1>::new();
    let moved = always || router().moved();
    Effect::new(move || {
        if moved && let Some(heading) = node.get() {
            // Fails for nothing that matters.
            let _ = heading.focus();
        }
    });
    view! { <h1 tabindex="-1" node_ref=node>{text}</h1> }.into_any()
}
