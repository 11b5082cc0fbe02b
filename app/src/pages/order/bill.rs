//! An invoice to pay: checked by the vault before anything of it is shown, then every way to pay it.

use super::Order;
use super::look_up::Help;
use crate::announce::announcer;
use crate::api;
use crate::browser::now_millis;
use crate::components::copy::CopyButton;
use crate::components::countdown::{Countdown, seconds_until};
use crate::components::notice::{Notice, Tone};
use crate::components::one_window::OneWindow;
use crate::components::qr::Qr;
use crate::figures::{CLOCK, fiat, local_parts, sats};
use crate::focus;
use crate::shop::shop;
use crate::vault_client;
use crate::vault_protocol::{QrCode, VaultTrouble};
use crate::webln;
use crate::words::{checkout as words, common};
use kindling_domain::money::Sats;
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::InvoiceView;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// In seconds.
const MINUTE: u64 = 60;
const FIVE_MINUTES: u64 = 5 * MINUTE;

/// The invoice as soon as the vault has found that it asks for `price`, or why it is not shown.
#[component]
pub fn Bill(order: Order, invoice: InvoiceView, price: Sats, class: &'static str) -> impl IntoView {
    let shop = shop();
    let verdict = RwSignal::new(None::<Result<QrCode, VaultTrouble>>);
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
            let _ = verdict.try_set(Some(answer));
        });
    });
    move || match (verdict.get(), shop.failure()) {
        (None, None) => {
            view! { <p class="muted" aria-busy="true">{words::checking()}</p> }.into_any()
        }
        (None, Some(failure)) => {
            focus::rescue(".notice");
            view! {
            <Notice tone=Tone::Error title=words::unchecked()>
                <p>{failure.sentence()}</p>
                <button type="button" class="button small" on:click=move |_| shop.ask()>{common::try_again()}</button>
            </Notice>
        }
        .into_any()
        }
        // Nothing is known against these.
        (Some(Err(trouble @ (VaultTrouble::Broken | VaultTrouble::InvoiceTooLong))), _) => view! {
            <Notice tone=Tone::Error title=words::unchecked()><p>{trouble.sentence()}</p></Notice>
        }
        .into_any(),
        (Some(Err(trouble)), _) => view! {
            <Notice tone=Tone::Error title=words::refused()>
                <p>{trouble.sentence()}</p>
                <p>{words::refused_means()}</p>
            </Notice>
        }
        .into_any(),
        (Some(Ok(code)), _) => {
            view! { <Payable order=order invoice=invoice.clone() code=code class=class/> }
                .into_any()
        }
    }
}

#[component]
fn Payable(order: Order, invoice: InvoiceView, code: QrCode, class: &'static str) -> impl IntoView {
    let seconds = seconds_until(invoice.expires_at.0);
    let has_time = Memo::new(move |_| seconds.get() > FIVE_MINUTES);
    let is_over = Memo::new(move |_| seconds.get() == 0);
    // Read again every second: extensions add their wallet when they are ready.
    let has_webln = Memo::new(move |_| {
        seconds.track();
        webln::present()
    });
    tell_the_end(seconds);
    let about = about_money(invoice.amount_sats);
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
            {about.map(|about| view! { <p class="about-money muted">{about}</p> })}
            <a class="qr-frame" href=uri.clone() aria-label=words::open_wallet_code()>
                <Qr code=code label=words::qr_code()/>
            </a>
            <p class="waiting">
                <span class="pulse" aria-hidden="true"></span>
                {move || if is_over.get() { words::time_over() } else { words::waiting() }}
                {move || (!is_over.get()).then(|| view! {
                    <span aria-hidden="true">"·"</span>
                    <Countdown seconds=seconds/>
                })}
            </p>
            // Its place is kept free, so that nothing moves from under a finger when it comes.
            <progress
                class="last-minutes"
                class:unseen=has_time
                max=FIVE_MINUTES.to_string()
                prop:value=move || seconds.get() as f64
                aria-hidden="true"
            ></progress>
            <div class="row halves">
                <a class="button primary" href=uri>{words::open_wallet()}</a>
                <CopyButton text=Secret::new(payment_request.clone()) what=words::the_invoice() label=words::copy_invoice() class="button"/>
                {move || has_webln.get().then(|| view! { <WeblnButton payment_request=for_webln.clone()/> })}
            </div>
            <details>
                <summary>{words::as_text()}</summary>
                <code class="long" dir="ltr">{payment_request}</code>
            </details>
            <p class="fine">
                <span aria-hidden="true">"✓ "</span>
                {words::checked()}
            </p>
            <Help order=order/>
        </div>
        {stub_hash.map(|hash| view! { <StubPayment order=order payment_hash=hash/> })}
    }
    .into_any()
}

/// What it is in the operator's currency, where the server knows a price. For orientation; what is paid is satoshis.
fn about_money(amount: Sats) -> Option<String> {
    let catalogue = shop().catalogue()?;
    let price = catalogue.fiat.as_ref()?;
    // A page may have been open for days: an hour beyond what the server still tells, a price is no news.
    if UnixMillis(now_millis()).since(price.at) > 2 * 3_600_000 {
        return None;
    }
    Some(words::about_money(
        &fiat(amount, price),
        &local_parts(price.at, CLOCK),
    ))
}

/// Says once each that the last five minutes and the last minute have begun; every second is on the screen.
fn tell_the_end(seconds: Signal<u64>) {
    let announcer = announcer();
    Effect::new(move |before: Option<u64>| {
        let now = seconds.get();
        let passed = |mark| before.is_some_and(|before| before > mark) && (1..=mark).contains(&now);
        if passed(MINUTE) {
            announcer.say(words::one_minute_left());
        } else if passed(FIVE_MINUTES) {
            announcer.say(words::five_minutes_left());
        }
        now
    });
}

#[component]
fn WeblnButton(payment_request: String) -> impl IntoView {
    let wallet = OneWindow::default();
    let refused = RwSignal::new(false);
    let pay = move |_| {
        // Asked twice, the wallet would refuse the second time what it pays the first.
        if !wallet.open() {
            return;
        }
        let payment_request = payment_request.clone();
        refused.set(false);
        spawn_local(async move {
            let paid = webln::pay(&payment_request).await;
            wallet.closed();
            // Gone when the payment has already moved the order on.
            let _ = refused.try_set(!paid);
        });
    };
    view! {
        <button type="button" class="button" aria-disabled=move || wallet.disabled() on:click=pay>{words::webln()}</button>
        {move || refused.get().then(|| view! { <p role="alert" class="fine">{words::webln_refused()}</p> })}
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
                    announcer.say(words::paid());
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
                <strong>{words::test_mode()}" "</strong>
                {words::test_payment()}
            </p>
            <button type="button" class="button" on:click=pay>{words::pay_test()}</button>
            {move || trouble.get().map(|sentence| view! { <p role="alert">{sentence}</p> })}
        </div>
    }
    .into_any()
}
