//! Step one: the order link is saved before anything is paid, because nobody can restore it.

use super::Order;
use crate::browser::origin;
use crate::components::copy::CopyButton;
use crate::components::download::DownloadButton;
use crate::components::heading::Heading;
use crate::components::share::{Shared, share_button};
use crate::components::steps::Steps;
use crate::passwords;
use crate::router::address;
use crate::vault_protocol::OrderKeys;
use crate::words::{checkout as words, order};
use kindling_domain::secret::Secret;
use leptos::ev::SubmitEvent;
use leptos::html::Form;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Three ways to save the link, and a way on.
#[component]
pub fn Save(order: Order) -> impl IntoView {
    let keys = order.keys();
    let link = link(&keys);
    let shared = link.clone();
    let kept = RwSignal::new(false);
    let keep = Callback::new(move |()| {
        order.mark_saved();
        kept.set(true);
    });
    let go_on = move |_| {
        order.mark_saved();
        order.saved.set(true);
    };
    view! {
        <Steps current=0/>
        <section class="narrow">
            <Heading text=words::save_title() always=true/>
            <p class="lead">{words::save_lead()}</p>
            <div class="card stack">
                <PasswordForm keys=keys.clone()/>
                <p class="or">{words::or()}</p>
                <div class="row halves">
                    <CopyButton
                        text=link.clone()
                        what=words::the_link()
                        label=words::copy_link()
                        class="button"
                        on_copied=keep
                    />
                    <DownloadButton
                        text=letter(&keys, &link)
                        file=format!("{}-order-link.txt", order.file_name())
                        label=words::download_link()
                        on_done=keep
                    />
                    {share_button(words::share_link(), &Shared::Text(link.clone()), Some(keep), move || {
                        let text = Shared::Text(shared.clone());
                        async { Ok(text) }
                    })}
                </div>
            </div>
            <p class="onward">
                <button type="button" class:button=true class:primary=kept class:quiet=move || !kept.get() on:click=go_on>
                    {move || if kept.get() { words::go_on() } else { words::remember() }}
                </button>
            </p>
        </section>
    }
    .into_any()
}

/// A form as browsers and password managers know it: a user name, a new password, and a real submission that leads to a new
/// page. What is secret stands in fields without a name, which are never sent, and behind the `#` of the address, which is
/// not sent either.
///
/// Managers find the fields by their `autocomplete` and tell them apart by `id`; none of them needs a name. Chromium's own is
/// also asked in words ([`passwords`]), since a field that nobody has typed into may be nothing to it.
#[component]
fn PasswordForm(keys: OrderKeys) -> impl IntoView {
    let id = keys.order_id.to_string();
    // Opened for the two places a password manager saves: the page's address and the password.
    let fragment = keys.fragment.expose().to_owned();
    let action = address(&keys.order_id, &keys.fragment);
    let form = NodeRef::<Form>::new();
    let is_offered = StoredValue::new(false);
    let save = move |event: SubmitEvent| {
        // The second time, or where the browser has no such thing, it goes its native way.
        if is_offered.get_value() || !passwords::present() {
            return;
        }
        event.prevent_default();
        is_offered.set_value(true);
        let keys = keys.clone();
        spawn_local(async move {
            let id = keys.order_id.to_string();
            passwords::store(&id, &words::saved_name(&id[..8]), &keys.fragment).await;
            if let Some(form) = form.get_untracked() {
                // Fails only where the form is no longer in the page.
                let _ = form.request_submit();
            }
        });
    };
    view! {
        <form node_ref=form method="get" action=action class="stack" on:submit=save>
            <label class="field">
                <span>{order::number()}</span>
                <input type="text" id="order-number" autocomplete="username" readonly value=id/>
            </label>
            <label class="field">
                <span>{words::secret_part()}</span>
                <input type="password" id="order-secret" autocomplete="new-password" value=fragment/>
            </label>
            <input type="hidden" name="saved" value="1"/>
            <button type="submit" class="button primary wide">{words::save_password()}</button>
            <small>{words::save_password_hint()}</small>
        </form>
    }
    .into_any()
}

/// The order link.
pub fn link(keys: &OrderKeys) -> Secret {
    Secret::new([origin(), address(&keys.order_id, &keys.fragment)].concat())
}

/// The text file: a file found years later should say what it is.
fn letter(keys: &OrderKeys, link: &Secret) -> Secret {
    let id = keys.order_id.to_string();
    Secret::new(
        [
            &words::letter_title(&id),
            "\n\n",
            // Opened to be written down, as the person asked.
            link.expose(),
            "\n\n",
            words::letter_keep(),
            "\n",
            words::letter_opens(),
            "\n",
        ]
        .concat(),
    )
}
