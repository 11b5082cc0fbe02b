//! Step four: the machine is ready. What it says of itself comes first, unless the sealed credentials still wait for their click. SSH
//! stands here for whoever has the link. Below is what there is to do later: backup, pairing, more time, or an early end.

use super::Order;
use super::access::Access;
use super::backup::backup;
use super::claim::Claim;
use super::credentials::Handover;
use super::destroy::EndNow;
use super::ends::{EndsRow, EndsSoon};
use super::extend::Extend;
use super::next_steps::NextSteps;
use super::node::node;
use super::refund::Refund;
use super::voice::voice;
use crate::browser;
use crate::components::heading::Heading;
use crate::components::rich::Rich;
use crate::components::steps::Steps;
use crate::components::value::Value;
use crate::words::access as words;
use kindling_domain::wire::Delivery;
use leptos::prelude::*;

/// Everything the person needs from here on.
#[component]
pub fn Ready(order: Order) -> impl IntoView {
    let system = RwSignal::new(browser::system());
    let claim = Claim::new(order);
    let credentials = order.credentials();
    let target = order.target(credentials);
    let ends_at = order.ends_at();
    let product = Memo::new(move |_| order.feed.view.with(|view| Some(view.as_ref()?.product)));
    // Settled when the page comes: nothing moves away from under a finger.
    let is_new = untrack(|| claim.delivery()) == Some(Delivery::Sealed);
    let node = move |here: bool| here.then(|| node(order, system, target));
    view! {
        <Steps current=3/>
        <section class="narrow wide-cards">
            <Heading text=words::heading() always=true/>
            {order.test_notice()}
            {move || ends_at.get().map(|at| view! { <EndsSoon order=order at=at/> })}
            <Refund order=order why=words::refund_why()/>
            {node(!is_new)}
            <dl class="card facts">
                {move || credentials.get().map(|credentials| view! {
                    <Value name=words::address() value=credentials.node_ip/>
                    {credentials.tailscale_hostname.map(|host| view! { <Value name=words::tailscale_name() value=host/> })}
                    {credentials.lnbits_url.map(|url| view! { <Value name="LNbits" value=url/> })}
                })}
                {move || ends_at.get().map(|at| view! { <EndsRow at=at/> })}
            </dl>
            <Handover order=order claim=claim/>
            {node(is_new)}
            <Access order=order system=system target=target/>
            <NextSteps claim=claim system=system target=target product=product lnbits_url=Signal::derive(move || {
                credentials.get().and_then(|credentials| credentials.lnbits_url).unwrap_or_default()
            })/>
            {backup(order, system, target)}
            {voice(order, system, target)}
            <Extend order=order ends_at=ends_at/>
            <EndNow order=order/>
            <p class="fine"><Rich text=words::order_number(&order.id().to_string())/></p>
        </section>
    }
    .into_any()
}
