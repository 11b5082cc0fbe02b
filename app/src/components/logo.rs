//! The flame.

use leptos::prelude::*;

/// Decoration: the name stands beside it.
#[component]
pub fn Logo() -> impl IntoView {
    view! { <img class="logo" src="/icon.svg" width="28" height="28" alt=""/> }
}
