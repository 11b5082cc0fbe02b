//! A button that hands over a file.

use crate::announce::announcer;
use crate::browser;
use kindling_domain::secret::Secret;
use leptos::prelude::*;

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
