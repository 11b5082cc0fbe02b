//! Step one: the order link is saved before anything is paid, because nobody can restore it.

use super::Order;
use crate::browser::origin;
use crate::components::copy::CopyButton;
use crate::components::download::DownloadButton;
use crate::components::heading::Heading;
use crate::components::steps::Steps;
use crate::vault_protocol::OrderKeys;
use kindling_domain::secret::Secret;
use leptos::prelude::*;

/// Three ways to save the link, and a way on.
#[component]
pub fn Save(order: Order) -> impl IntoView {
    let keys = order.keys();
    let link = link(&keys);
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
            <Heading text="Save your order link" always=true/>
            <p class="lead">
                "It is the only key to your machine: it opens this order on any device, and it rebuilds your SSH key. Nobody can restore
                it, not even we. Keep it as you would keep a password."
            </p>
            <div class="card stack">
                <PasswordForm keys=keys.clone()/>
                <p class="or">"or"</p>
                <div class="row halves">
                    <CopyButton
                        text=link.clone()
                        what="the order link"
                        label="Copy the link"
                        class="button"
                        on_copied=keep
                    />
                    <DownloadButton
                        text=letter(&keys, &link)
                        file=format!("{}-order-link.txt", order.file_name())
                        label="Download the link"
                        on_done=keep
                    />
                </div>
            </div>
            <p class="onward">
                <button type="button" class:button=true class:primary=kept class:quiet=move || !kept.get() on:click=go_on>
                    {move || if kept.get() { "I have saved it: show the invoice" } else { "I will remember it myself" }}
                </button>
            </p>
        </section>
    }
    .into_any()
}

/// A form as browsers and password managers know it: a user name, a new password, and a real submission that leads to a new
/// page. What is secret stands in fields without a name, which are never sent, and behind the `#` of the address, which is
/// not sent either.
#[component]
fn PasswordForm(keys: OrderKeys) -> impl IntoView {
    let id = keys.order_id.to_string();
    // Opened for the two places a password manager saves: the page's address and the password.
    let fragment = keys.fragment.expose().to_owned();
    let action = format!("/orders/{id}#{fragment}");
    view! {
        <form method="get" action=action class="stack">
            <label class="field">
                <span>"Order number"</span>
                <input type="text" id="order-number" autocomplete="username" readonly value=id/>
            </label>
            <label class="field">
                <span>"Secret part of the link"</span>
                <input type="password" id="order-secret" autocomplete="new-password" value=fragment/>
            </label>
            <input type="hidden" name="saved" value="1"/>
            <button type="submit" class="button primary wide">"Save in my password manager"</button>
            <small>"Your browser or password manager will offer to save it. Then you see the invoice."</small>
        </form>
    }
    .into_any()
}

fn link(keys: &OrderKeys) -> Secret {
    // Opened to be put together; it stays a secret.
    Secret::new(format!(
        "{}/orders/{}#{}",
        origin(),
        keys.order_id,
        keys.fragment.expose()
    ))
}

/// The text file: a file found years later should say what it is.
fn letter(keys: &OrderKeys, link: &Secret) -> Secret {
    Secret::new(format!(
        "Kindling order {}\n\n{}\n\n\
         Whoever has this link has the machine: keep it as you would keep a password.\n\
         It opens the order's page on any device and rebuilds its SSH key.\n",
        keys.order_id,
        link.expose(),
    ))
}
