//! Something the person should know, told by words and shape before colour.

use leptos::prelude::*;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Info,
    /// Look twice.
    Warning,
    /// It did not work.
    Error,
}

/// A box with a title and text. Errors are announced at once.
#[component]
pub fn Notice(tone: Tone, #[prop(into)] title: String, children: Children) -> impl IntoView {
    let (class, role, mark) = match tone {
        Tone::Info => ("notice info", "note", "i"),
        Tone::Warning => ("notice warning", "note", "!"),
        Tone::Error => ("notice error", "alert", "×"),
    };
    view! {
        <div class=class role=role>
            <span class="mark" aria-hidden="true">{mark}</span>
            <div>
                <p class="title">{title}</p>
                {children()}
            </div>
        </div>
    }
    .into_any()
}

/// A warning of one sentence.
pub fn warning(title: String, sentence: String) -> AnyView {
    view! { <Notice tone=Tone::Warning title=title><p>{sentence}</p></Notice> }.into_any()
}

/// What a machine says by itself, which it says in English whatever the page speaks.
pub fn machine_says(title: &'static str, sentence: String) -> AnyView {
    view! {
        <Notice tone=Tone::Warning title=title><p><bdi lang="en">{sentence}</bdi></p></Notice>
    }
    .into_any()
}
