//! A button that copies, and says so.

use crate::announce::announcer;
use crate::browser;
use crate::words::copy as words;
use kindling_domain::secret::Secret;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;

const FEEDBACK: Duration = Duration::from_secs(2);

/// Copies `text`, which is `what`, as in "Copied the invoice".
#[component]
pub fn CopyButton(
    text: Secret,
    #[prop(into)] what: String,
    /// The words on the button; "Copy" where there is no need for more.
    #[prop(optional)]
    label: Option<&'static str>,
    #[prop(default = "button small")] class: &'static str,
    #[prop(optional)] on_copied: Option<Callback<()>>,
) -> impl IntoView {
    let copied = RwSignal::new(None::<bool>);
    let announcer = announcer();
    // Words that say it all need no other name.
    let name = label.is_none().then(|| words::copy_what(&what));
    let copy = move |_| {
        let text = text.clone();
        let what = what.clone();
        spawn_local(async move {
            // Opened because the person asked for it.
            let done = browser::copy(text.expose()).await;
            announcer.say(if done {
                words::copied_what(&what)
            } else {
                words::copy_failed().to_owned()
            });
            if done && let Some(tell) = on_copied {
                tell.run(());
            }
            // The button may be gone by now, and with it the signal.
            let _ = copied.try_set(Some(done));
            set_timeout(
                move || {
                    let _ = copied.try_set(None);
                },
                FEEDBACK,
            );
        });
    };
    view! {
        <button type="button" class=class aria-label=name on:click=copy>
            {move || match copied.get() {
                None => label.unwrap_or(words::copy()),
                Some(true) => words::copied(),
                Some(false) => words::copy_by_hand(),
            }}
        </button>
    }
    .into_any()
}
