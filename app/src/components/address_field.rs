//! Where a refund may go: a field that takes what wallets give out, and keeps what was typed when it is refused.

use crate::browser::unfold;
use crate::components::changing::{changing, flagged, follow, heard, text};
use crate::components::field_error::FieldError;
use crate::words::common;
use leptos::prelude::*;

const ID: &str = "refund-to";

/// The field with its label and hint. A new `trouble` takes the focus there; typing ends it.
#[component]
pub fn AddressField(
    label: &'static str,
    /// Whether it may stay empty.
    #[prop(default = false)]
    optional: bool,
    #[prop(into)] hint: Signal<String>,
    value: RwSignal<String>,
    trouble: RwSignal<Option<String>>,
) -> impl IntoView {
    follow(move || {
        if trouble.with(Option::is_some) {
            // What is folded away cannot take the focus.
            unfold(ID);
        }
    });
    let typed = move |typed: String| {
        value.set(typed);
        trouble.set(None);
    };
    view! {
        <div class="field">
            <label for=ID>{label}{optional.then(|| view! { " "<em>{common::optional()}</em> }.into_any())}</label>
            <input
                type="text"
                dir="ltr"
                id=ID
                inputmode="email"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                maxlength="2000"
                placeholder="you@wallet.example"
                aria-describedby="refund-to-error refund-to-hint"
                aria-invalid=flagged(move || trouble.with(Option::is_some))
                prop:value=changing(move || value.get())
                on:input=heard(move |event| typed(event_target_value(&event)))
            />
            <FieldError id="refund-to-error" trouble=trouble/>
            <small id="refund-to-hint">{text(move || hint.get())}</small>
        </div>
    }
    .into_any()
}
