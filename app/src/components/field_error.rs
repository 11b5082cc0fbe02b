//! Why what stands in a field was refused, beside that field and said at once.

use crate::components::changing::part;
use leptos::prelude::*;

/// Nothing, or one sentence. The field names it by `id` in its `aria-describedby`.
#[component]
pub fn FieldError(id: &'static str, trouble: RwSignal<Option<String>>) -> impl IntoView {
    let said = move || {
        let sentence = trouble.get()?;
        Some(view! { <p class="field-error" id=id role="alert">{sentence}</p> }.into_any())
    };
    part(said)
}
