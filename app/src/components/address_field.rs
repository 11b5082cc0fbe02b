//! Where a refund may go: a field that takes what wallets give out, and keeps what was typed when it is refused.

use crate::components::field_error::FieldError;
use crate::words::common;
use leptos::html::Input;
use leptos::prelude::*;

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
    let node = NodeRef::<Input>::new();
    Effect::new(move || {
        if trouble.with(Option::is_some)
            && let Some(input) = node.get()
        {
            // What is folded away cannot take the focus.
            if let Ok(Some(folded)) = input.closest("details") {
                let _ = folded.set_attribute("open", "");
            }
            let _ = input.focus();
        }
    });
    let typed = move |text: String| {
        value.set(text);
        trouble.set(None);
    };
    view! {
        <div class="field">
            <label for="refund-to">{label}{optional.then(|| view! { " "<em>{common::optional()}</em> })}</label>
            <input
                type="text"
                dir="ltr"
                id="refund-to"
                node_ref=node
                inputmode="email"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                maxlength="2000"
                placeholder="you@wallet.example"
                aria-describedby="refund-to-error refund-to-hint"
                aria-invalid=move || trouble.with(Option::is_some).then_some("true")
                prop:value=value
                on:input:target=move |event| typed(event.target().value())
            />
            <FieldError id="refund-to-error" trouble=trouble/>
            <small id="refund-to-hint">{hint}</small>
        </div>
    }
    .into_any()
}
