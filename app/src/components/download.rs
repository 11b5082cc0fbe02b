//! A button that hands over a file.

use crate::announce::{Announcer, announcer};
use crate::browser;
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
        announcer.say(format!("Downloading {file}"));
    } else {
        // The person may have moved on meanwhile.
        let _ = trouble.try_set(Some("This browser does not save files.".to_owned()));
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
    let save = move |_| {
        // Opened because the person asked for it.
        if browser::download(&file, text.expose().as_bytes()) {
            announcer.say(format!("Downloading {file}"));
            if let Some(tell) = on_done {
                tell.run(());
            }
        }
    };
    view! { <button type="button" class=class on:click=save>{label}</button> }.into_any()
}
