//! The first page: what is sold, for how much, who holds the keys, what happens when it fails; and the order form.

mod class_form;
pub mod class_link;
mod number;
mod options;
mod order_form;

use crate::browser::{hours_text, sats, set_title};
use crate::components::heading::Heading;
use crate::components::notice::{Notice, Tone};
use crate::shop::{Shop, shop};
use leptos::prelude::*;
use order_form::OrderForm;

/// The page. Its head stands in `index.html` too, word for word, so that it is there before any code.
#[component]
pub fn Landing() -> impl IntoView {
    set_title("Kindling: your own Bitcoin node, or a classroom full");
    let shop = shop();
    let wants_class = RwSignal::new(false);
    view! {
        <div class="landing">
            <section class="hero">
                <Heading text="Your own Bitcoin node.\nOr a classroom full."/>
                <p class="lead">
                    "One Lightning invoice buys a server with Bitcoin, LND and LNbits, or a Lightning network for your class, by the hour. No
                    account, no e-mail address: your browser makes the keys, and they stay with you."
                </p>
            </section>
            {move || shop.catalogue().is_some_and(|catalogue| catalogue.stub_mode).then(|| view! {
                <Notice tone=Tone::Info title="This is a test site">
                    <p>"Invoices or machines here are make-believe. Try everything; nothing real is sold."</p>
                </Notice>
            })}
            <OrderForm wants_class=wants_class/>
            {about(shop, wants_class)}
        </div>
    }
    .into_any()
}

fn about(shop: Shop, wants_class: RwSignal<bool>) -> AnyView {
    let node_price = move || shop.full_node().map(|product| sats(product.amount_sats));
    let hours = move || shop.full_node()?.hours.map(hours_text);
    let class_price = move || shop.classroom().map(|product| sats(product.amount_sats));
    let price = |amount: Option<String>| {
        view! { <strong class="price">{amount.unwrap_or_else(|| "…".to_owned())}</strong> }
    };
    view! {
        <div class="about">
            <section>
                <h2>"A full node"</h2>
                <ul class="ticks">
                    <li>"A DigitalOcean server in the region you choose, with root access by SSH."</li>
                    <li>"Bitcoin Knots or Bitcoin Core, LND with a wallet of its own, and LNbits."</li>
                    <li>
                        "Everything set up for you. Bitcoin then checks the whole chain, which takes one to two weeks. With a shortcut
                        from “More choices” you can fund LND sooner. Your order page shows how far it is."
                    </li>
                    <li>
                        {move || price(node_price())}
                        {move || hours().map(|hours| format!(" for {hours}"))}
                        ", paid once."
                        {move || hours().map(|_| " You can buy more time while the machine runs.")}
                    </li>
                </ul>
            </section>
            {move || shop.sells_classes().then(|| view! {
                <section>
                    <h2>"A classroom"</h2>
                    <ul class="ticks">
                        <li>
                            "8 to 64 Lightning nodes on a test network of their own, with coins, open channels and a new block every five
                            seconds."
                        </li>
                        <li>
                            "A card with a QR code for each participant, printed or on a screen, that opens their wallet in the browser of
                            a phone."
                        </li>
                        <li>"A live picture for the teacher: who is connected, and where the money goes."</li>
                        <li>
                            "From "
                            {move || price(class_price())}
                            " an hour, for 1 hour to 3 weeks. Then it is gone, unless you buy more. "
                            // Where the address is this one already, following the link changes nothing that the form could hear.
                            <a href="#classroom" on:click=move |_| wants_class.set(true)>"Choose a class"</a>
                        </li>
                    </ul>
                </section>
            })}
            <section>
                <h2>"Who holds the keys"</h2>
                <ul class="points">
                    <li>"Your SSH key is made in this browser. Only its public half is sent."</li>
                    <li>
                        "The machine makes its own secrets (seed words, passwords, the cards of a class) and seals them to you. We pass
                        the sealed envelope on and cannot open it."
                    </li>
                    <li>"Your order link opens it all. Nobody can restore it for you, so you save it before you pay."</li>
                </ul>
            </section>
            <section>
                <h2>"If something goes wrong"</h2>
                <ul class="points">
                    <li>"You see the invoice before you pay, and this page checks it for you. You do not pay: it expires, and that is all."</li>
                    <li>
                        "You paid and the machine cannot be built: it is removed, your order page says why, and your payment is owed
                        back to you until it is returned."
                    </li>
                    <li>"You lose the connection: open your order link again, on any device."</li>
                </ul>
            </section>
        </div>
    }
    .into_any()
}
