//! The way back to an order without its whole link: a sign-in form that password managers fill.

use crate::browser::set_title;
use crate::components::heading::Heading;
use crate::components::notice::{Notice, Tone};
use crate::components::rich::Rich;
use crate::passwords;
use crate::router::{Router, router};
use crate::vault_client;
use crate::words::order as words;
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
    set_title(words::sign_in_page());
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
        spawn_local(enter(router, trouble, text));
    };
    let use_saved = move |_| {
        spawn_local(async move {
            match passwords::saved().await {
                // Opened for the vault, which takes the link apart again.
                Some((id, secret)) => {
                    enter(router, trouble, whole_link(&id, secret.expose())).await;
                }
                // The person may have moved on meanwhile.
                None => drop(trouble.try_set(Some(words::none_saved().to_owned()))),
            }
        });
    };
    view! {
        <section class="narrow">
            <Heading text=words::sign_in_title()/>
            <p><Rich text=words::sign_in_lead()/></p>
            {move || trouble.get().map(|sentence| {
                view! { <Notice tone=Tone::Error title=words::sign_in_trouble()><p>{sentence}</p></Notice> }
            })}
            // Without names nothing of it could be sent even if the app failed to catch the submission.
            <form class="card stack" on:submit=open>
                <label class="field">
                    <span>{words::number()}</span>
                    <input
                        node_ref=id_input
                        type="text"
                        id="order-number"
                        autocomplete="username"
                        autocapitalize="none"
                        spellcheck="false"
                        prop:value=id.unwrap_or_default()
                    />
                    <small>{words::sign_in_number_hint()}</small>
                </label>
                <label class="field">
                    <span>{words::sign_in_secret()}</span>
                    <input node_ref=secret type="password" id="order-secret" autocomplete="current-password" required/>
                </label>
                <div class="row">
                    <button type="submit" class="button primary">{words::sign_in()}</button>
                    {passwords::present().then(|| view! {
                        <button type="button" class="button" on:click=use_saved>{words::use_saved()}</button>
                    })}
                </div>
            </form>
        </section>
    }
    .into_any()
}

/// Opens the order's page, or says why not.
async fn enter(router: Router, trouble: RwSignal<Option<String>>, link: Secret) {
    match vault_client::read_link(link).await {
        Ok(keys) => router.enter(&keys),
        // The person may have moved on meanwhile.
        Err(why) => drop(trouble.try_set(Some(why.sentence()))),
    }
}

/// Puts the two halves together, so that the vault can tell whether they belong to each other.
fn whole_link(id: &str, secret: &str) -> Secret {
    let (id, secret) = (id.trim(), secret.trim());
    if secret.contains('#') || id.is_empty() {
        return Secret::new(secret);
    }
    Secret::new(["/orders/", id, "#", secret].concat())
}
