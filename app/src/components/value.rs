//! A named value with its copy button, for `<dl>` lists.

use crate::components::copy::CopyButton;
use crate::components::reveal::Reveal;
use kindling_domain::secret::Secret;
use leptos::prelude::*;

/// A value anybody may see.
#[component]
pub fn Value(name: &'static str, #[prop(into)] value: String) -> impl IntoView {
    view! {
        <div class="value">
            <dt>{name}</dt>
            <dd>
                <code dir="ltr">{value.clone()}</code>
                <CopyButton text=Secret::new(value) what=name/>
            </dd>
        </div>
    }
    .into_any()
}

/// A value nobody needs to copy.
#[component]
pub fn Fact(name: &'static str, #[prop(into)] value: String) -> impl IntoView {
    view! {
        <div class="value">
            <dt>{name}</dt>
            <dd><bdi>{value}</bdi></dd>
        </div>
    }
    .into_any()
}

/// A value that is shown on demand and can be copied unseen.
#[component]
pub fn SecretValue(name: &'static str, value: Secret) -> impl IntoView {
    let shown = value.clone();
    view! {
        <div class="value">
            <dt>{name}</dt>
            <dd>
                <Reveal what=name>
                    // Opened because the person asked to see it.
                    <code dir="ltr">{shown.expose().to_owned()}</code>
                </Reveal>
                <CopyButton text=value what=name/>
            </dd>
        </div>
    }
    .into_any()
}
