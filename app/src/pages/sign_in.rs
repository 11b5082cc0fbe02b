//! The way back to an order without its whole link: a sign-in form that password managers fill.

use crate::browser::set_title;
use crate::components::heading::Heading;
use crate::components::notice::{Notice, Tone};
use crate::router::router;
use crate::vault_client;
use kindling_domain::secret::Secret;
use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The form. `id` is the order's, where the address has one; `trouble` is why a link did not open.
#[component]
pub fn SignIn(
    #[prop(default = None)] id: Option<String>,
    #[prop(default = None)] trouble: Option<String>,
) -> impl IntoView {
    set_title("Open an order · Kindling");
    let router = router();
    let secret = NodeRef::<Input>::new();
    let id_input = NodeRef::<Input>::new();
    let trouble = RwSignal::new(trouble);
    let open = move |event: SubmitEvent| {
        // Never a real submission: what is typed here must not reach a server.
        event.prevent_default();
        let (Some(secret), Some(id_input)) = (secret.get_untracked(), id_input.get_untracked())
        else {
            return;
        };
        let text = whole_link(&id_input.value(), &secret.value());
        spawn_local(async move {
            match vault_client::read_link(text).await {
                Ok(keys) => router.enter(&keys),
                Err(why) => trouble.set(Some(why.sentence())),
            }
        });
    };
    view! {
        <section class="narrow">
            <Heading text="Open your order"/>
            <p>
                "Your password manager can fill this in if you saved the order there. Otherwise paste your order link, or the
                part of it behind the "<code>"#"</code>"."
            </p>
            {move || trouble.get().map(|sentence| {
                view! { <Notice tone=Tone::Error title="That did not open"><p>{sentence}</p></Notice> }
            })}
            // Without names nothing of it could be sent even if the app failed to catch the submission.
            <form class="card stack" on:submit=open>
                <label class="field">
                    <span>"Order number"</span>
                    <input
                        node_ref=id_input
                        type="text"
                        autocomplete="username"
                        autocapitalize="none"
                        spellcheck="false"
                        prop:value=id.unwrap_or_default()
                    />
                    <small>"Not needed if you paste the whole link below."</small>
                </label>
                <label class="field">
                    <span>"Order link, or its part behind #"</span>
                    <input node_ref=secret type="password" autocomplete="current-password" required/>
                </label>
                <button type="submit" class="button primary">"Open the order"</button>
            </form>
        </section>
    }
    .into_any()
}

/// Puts the two halves together, so that the vault can tell whether they belong to each other.
fn whole_link(id: &str, secret: &str) -> Secret {
    let (id, secret) = (id.trim(), secret.trim());
    if secret.contains('#') || id.is_empty() {
        return Secret::new(secret);
    }
    Secret::new(["/orders/", id, "#", secret].concat())
}
