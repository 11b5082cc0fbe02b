//! Step four of a class: the cards that are handed out, the class as it lives, more time, and its end.

mod cards;
mod live;

pub use cards::kept_cards;

use super::Order;
use super::access::Access;
use super::claim::Claim;
use super::destroy::EndNow;
use super::ends::{EndsRow, EndsSoon};
use super::extend::Extend;
use super::refund::Refund;
use super::voice::voice;
use crate::browser;
use crate::components::heading::Heading;
use crate::components::rich::Rich;
use crate::components::steps::Steps;
use crate::components::value::{Fact, Value};
use crate::figures::{described_distribution, described_graph, number};
use crate::words::class as words;
use kindling_domain::classroom::Classroom;
use leptos::prelude::*;

/// Everything the teacher needs from here on.
pub fn ready(order: Order, class: Classroom) -> AnyView {
    let system = RwSignal::new(browser::system());
    let claim = Claim::new(order);
    let credentials = order.credentials();
    let target = order.target(credentials);
    let ends_at = order.ends_at();
    view! {
        <Steps current=3/>
        <section class="narrow wide-cards">
            <Heading text=words::ready() always=true/>
            {order.test_notice()}
            {move || ends_at.get().map(|at| view! { <EndsSoon order=order at=at/> })}
            <Refund order=order why=words::refund_why()/>
            {cards::cards(order, claim, class, false)}
            {live::live(order, class)}
            <dl class="card facts">
                {move || credentials.get().map(|credentials| view! { <Value name=words::address() value=credentials.node_ip/> })}
                {network(class)}
                {move || ends_at.get().map(|at| view! { <EndsRow at=at/> })}
            </dl>
            <Extend order=order ends_at=ends_at/>
            <Access order=order system=system target=target/>
            {voice(order, system, target)}
            <EndNow order=order/>
            <p class="fine"><Rich text=words::order_number(&order.id().to_string())/></p>
        </section>
    }
    .into_any()
}

/// All that the network is made from, for a list of facts.
pub fn network(class: Classroom) -> AnyView {
    let plan = class.plan;
    let described = |(name, meaning): (&str, &str)| words::choice(name, meaning);
    view! {
        <Fact name=words::size() value=words::nodes_of_plan(plan.nodes().into(), plan.as_str())/>
        <Fact name=words::channels() value=described(described_graph(class.graph))/>
        <Fact name=words::distribution() value=described(described_distribution(class.distribution))/>
        <Fact name=words::sats_per_node() value=number(class.sats_per_node)/>
        {class.seed.map(|seed| view! { <Value name=words::seed() value=seed.to_string()/> })}
    }
    .into_any()
}
