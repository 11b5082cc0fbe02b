//! Step two: the invoice that the machine is paid with, checked against the price that was shown before ordering.

use super::bill::Bill;
use super::{Order, price_key, save};
use crate::browser::session_storage;
use crate::components::copy::CopyButton;
use crate::components::heading::Heading;
use crate::components::steps::Steps;
use crate::words::checkout as words;
use kindling_domain::money::Sats;
use kindling_domain::wire::InvoiceView;
use leptos::prelude::*;

/// The invoice, or why it is not shown.
#[component]
pub fn Pay(order: Order) -> impl IntoView {
    // The invoice alone, so that nothing is drawn anew when something else of the order changes.
    let invoice = Memo::new(move |_| order.feed.view.with(|view| view.as_ref()?.invoice.clone()));
    view! {
        <Steps current=1/>
        <section class="narrow">
            <Heading text=words::pay_title() always=true/>
            {move || invoice.get().map(|invoice| {
                let price = agreed_price(order, &invoice);
                view! { <Bill order=order invoice=invoice price=price class="card invoice"/> }
            })}
            // Whether a password manager has saved it nobody tells the page.
            <p class="onward">
                <CopyButton text=save::link(&order.keys()) what=words::the_link() label=words::copy_link() class="button small"/>
            </p>
        </section>
    }
    .into_any()
}

/// The price the person was shown before ordering. Where this browser did not order, the order's own.
fn agreed_price(order: Order, invoice: &InvoiceView) -> Sats {
    let shown =
        session_storage().and_then(|storage| storage.get_item(&price_key(&order.id())).ok()?);
    shown
        .and_then(|text| text.parse().ok())
        .map_or(invoice.amount_sats, Sats::from_sats)
}
