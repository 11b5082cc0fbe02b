//! Step four: the machine is ready. SSH stands here for whoever has the link; the sealed credentials wait for a click. Below
//! them is what there is to do later: more time, or an early end.

use super::Order;
use super::access::Access;
use super::claim::Claim;
use super::credentials::Handover;
use super::destroy::EndNow;
use super::ends::{EndsRow, EndsSoon};
use super::extend::Extend;
use super::next_steps::NextSteps;
use super::refund::Refund;
use crate::browser;
use crate::components::heading::Heading;
use crate::components::notice::{Notice, Tone};
use crate::components::steps::Steps;
use crate::components::value::Value;
use crate::ssh_commands::Target;
use leptos::prelude::*;

/// Everything the person needs from here on.
#[component]
pub fn Ready(order: Order) -> impl IntoView {
    let system = RwSignal::new(browser::system());
    let claim = Claim::new(order);
    let credentials = Memo::new(move |_| {
        order
            .feed
            .view
            .with(|view| view.as_ref()?.credentials.clone())
    });
    let target = Memo::new(move |_| {
        let credentials = credentials.get()?;
        Target::new(
            &order.file_name(),
            &credentials.node_ip,
            &credentials.host_keys,
        )
    });
    let ends_at = Memo::new(move |_| order.feed.view.with(|view| Some(view.as_ref()?.ends_at?.0)));
    let stub_mode = move || {
        order
            .feed
            .view
            .with(|view| view.as_ref().is_some_and(|view| view.stub_mode))
    };
    view! {
        <Steps current=3/>
        <section class="narrow wide-cards">
            <Heading text="Your machine is ready" always=true/>
            {move || stub_mode().then(|| view! {
                <Notice tone=Tone::Warning title="Test mode">
                    <p>"Payment or machine of this order are make-believe. What you see is how the real thing looks."</p>
                </Notice>
            })}
            {move || ends_at.get().map(|at| view! { <EndsSoon order=order at=at/> })}
            <Refund order=order why="Money came in that this machine did not need, such as an invoice that was paid twice."/>
            <dl class="card facts">
                {move || credentials.get().map(|credentials| view! {
                    <Value name="Address" value=credentials.node_ip/>
                    {credentials.tailscale_hostname.map(|host| view! { <Value name="Tailscale name" value=host/> })}
                    <Value name="LNbits" value=credentials.lnbits_url/>
                })}
                {move || ends_at.get().map(|at| view! { <EndsRow at=at/> })}
            </dl>
            <Handover order=order claim=claim/>
            <Access order=order system=system target=target/>
            <NextSteps claim=claim system=system target=target lnbits_url=Signal::derive(move || {
                credentials.get().map(|credentials| credentials.lnbits_url).unwrap_or_default()
            })/>
            <Extend order=order ends_at=ends_at/>
            <EndNow order=order/>
            <p class="fine">"Order number "<code>{order.id().to_string()}</code></p>
        </section>
    }
    .into_any()
}
