//! An invoice to pay: checked by the vault before anything of it is shown, then every way to pay it.

use super::Order;
use crate::announce::announcer;
use crate::api;
use crate::browser::now_millis;
use crate::components::copy::CopyButton;
use crate::components::countdown::{Countdown, seconds_until};
use crate::components::notice::{Notice, Tone};
use crate::components::qr::Qr;
use crate::figures::sats;
use crate::shop::shop;
use crate::vault_client;
use crate::vault_protocol::QrCode;
use crate::webln;
use kindling_domain::money::Sats;
use kindling_domain::secret::Secret;
use kindling_domain::wire::InvoiceView;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The invoice as soon as the vault has found that it asks for `price`, or why it is not shown.
#[component]
pub fn Bill(order: Order, invoice: InvoiceView, price: Sats, class: &'static str) -> impl IntoView {
    let shop = shop();
    let verdict = RwSignal::new(None::<Result<QrCode, String>>);
    let payment_request = invoice.payment_request.clone();
    // Runs when the catalogue has told the network.
    Effect::new(move || {
        let Some(catalogue) = shop.catalogue() else {
            return;
        };
        let payment_request = payment_request.clone();
        spawn_local(async move {
            let now = now_millis() / 1000;
            let answer = vault_client::check_invoice(
                payment_request,
                catalogue.lightning_network,
                price,
                now,
            )
            .await;
            // The person may have moved on meanwhile.
            let _ = verdict.try_set(Some(answer.map_err(|trouble| trouble.sentence())));
        });
    });
    move || {
        match (verdict.get(), shop.failure()) {
        (None, None) => view! { <p class="muted" aria-busy="true">"Checking the invoice…"</p> }.into_any(),
        (None, Some(failure)) => view! {
            <Notice tone=Tone::Error title="The invoice could not be checked">
                <p>{failure.sentence()}</p>
                <button type="button" class="button small" on:click=move |_| shop.ask()>"Try again"</button>
            </Notice>
        }
        .into_any(),
        (Some(Err(reason)), _) => view! {
            <Notice tone=Tone::Error title="Do not pay: this invoice is not what was agreed">
                <p>{reason}</p>
                <p>"It is not shown, so that it cannot be paid by mistake. Nothing was charged."</p>
            </Notice>
        }
        .into_any(),
        (Some(Ok(code)), _) => view! { <Payable order=order invoice=invoice.clone() code=code class=class/> }.into_any(),
    }
    }
}

#[component]
fn Payable(order: Order, invoice: InvoiceView, code: QrCode, class: &'static str) -> impl IntoView {
    let seconds = seconds_until(invoice.expires_at.0);
    // Read again every second: extensions add their wallet when they are ready.
    let has_webln = Memo::new(move |_| {
        seconds.track();
        webln::present()
    });
    let payment_request = invoice.payment_request.clone();
    let uri = format!("lightning:{payment_request}");
    let for_webln = payment_request.clone();
    let stub_hash = order
        .feed
        .view
        .with_untracked(|view| view.as_ref().is_some_and(|view| view.stub_mode));
    let stub_hash = invoice.payment_hash.clone().filter(|_| stub_hash);
    view! {
        <div class=class>
            <p class="amount">{sats(invoice.amount_sats)}</p>
            <a class="qr-frame" href=uri.clone() aria-label="Open the invoice in a Lightning wallet">
                <Qr code=code label="QR code of the Lightning invoice"/>
            </a>
            <p class="waiting">
                <span class="pulse" aria-hidden="true"></span>
                {move || if seconds.get() > 0 { "Waiting for your payment · " } else { "The time is over; asking the server…" }}
                {move || (seconds.get() > 0).then(|| view! { <Countdown seconds=seconds/> })}
            </p>
            <div class="row halves">
                <a class="button primary" href=uri>"Open in a wallet"</a>
                <CopyButton text=Secret::new(payment_request.clone()) what="the invoice" label="Copy the invoice" class="button"/>
                {move || has_webln.get().then(|| view! { <WeblnButton payment_request=for_webln.clone()/> })}
            </div>
            <details>
                <summary>"Show the invoice as text"</summary>
                <code class="long">{payment_request}</code>
            </details>
            <p class="fine">
                <span aria-hidden="true">"✓ "</span>
                "Checked in this browser: amount, network, signature and expiry are as agreed."
            </p>
        </div>
        {stub_hash.map(|hash| view! { <StubPayment order=order payment_hash=hash/> })}
    }
    .into_any()
}

#[component]
fn WeblnButton(payment_request: String) -> impl IntoView {
    let refused = RwSignal::new(false);
    let pay = move |_| {
        let payment_request = payment_request.clone();
        refused.set(false);
        spawn_local(async move {
            let paid = webln::pay(&payment_request).await;
            // Gone when the payment has already moved the order on.
            let _ = refused.try_set(!paid);
        });
    };
    view! {
        <button type="button" class="button" on:click=pay>"Pay with the browser's wallet"</button>
        {move || refused.get().then(|| view! { <p role="alert" class="fine">"The wallet did not pay."</p> })}
    }
    .into_any()
}

/// Stub Lightning only: there is no other way to pay these invoices.
#[component]
fn StubPayment(order: Order, payment_hash: String) -> impl IntoView {
    let trouble = RwSignal::new(None::<String>);
    let announcer = announcer();
    let pay = move |_| {
        let payment_hash = payment_hash.clone();
        trouble.set(None);
        spawn_local(async move {
            match api::pay_stub(&payment_hash).await {
                Ok(view) => {
                    announcer.say("Paid.");
                    order.feed.accept(view);
                }
                // Gone where the person has moved on.
                Err(failure) => drop(trouble.try_set(Some(failure.sentence()))),
            }
        });
    };
    view! {
        <div class="card stub">
            <p>
                <strong>"Test mode. "</strong>
                "This invoice is make-believe and no wallet can pay it; this button does."
            </p>
            <button type="button" class="button" on:click=pay>"Pay this test invoice"</button>
            {move || trouble.get().map(|sentence| view! { <p role="alert">{sentence}</p> })}
        </div>
    }
    .into_any()
}
