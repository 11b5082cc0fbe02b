//! Handing over files: what was handed over is said, and why nothing was.

use crate::announce::{Announcer, announcer};
use crate::browser;
use crate::words::copy as words;
use kindling_domain::secret::Secret;
use leptos::prelude::*;

/// Hands over `file`, and says so; where that is not to be had, the `trouble` says it instead.
pub fn hand_over(
    file: &str,
    content: &[u8],
    announcer: Announcer,
    trouble: RwSignal<Option<String>>,
) {
    if browser::download(file, content) {
        announcer.say(words::downloading(file));
    } else {
        // The person may have moved on meanwhile.
        let _ = trouble.try_set(Some(words::no_files().to_owned()));
    }
}

/// Why nothing was handed over, on a line of its own below the buttons around it.
#[component]
pub fn Trouble(of: RwSignal<Option<String>>) -> impl IntoView {
    move || {
        let sentence = of.get()?;
        Some(view! { <p class="field-error own-line" role="alert">{sentence}</p> })
    }
}

/// Saves `text` as `file`.
#[component]
pub fn DownloadButton(
    text: Secret,
    #[prop(into)] file: String,
    #[prop(into)] label: String,
    #[prop(default = "button")] class: &'static str,
    #[prop(optional)] on_done: Option<Callback<()>>,
) -> impl IntoView {
    let announcer = announcer();
    let trouble = RwSignal::new(None::<String>);
    let save = move |_| {
        trouble.set(None);
        // Opened because the person asked for it.
        hand_over(&file, text.expose().as_bytes(), announcer, trouble);
        if let (None, Some(tell)) = (trouble.get_untracked(), on_done) {
            tell.run(());
        }
    };
    view! {
        <button type="button" class=class on:click=save>{label}</button>
        <Trouble of=trouble/>
    }
    .into_any()
}
