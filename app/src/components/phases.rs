//! The machine's bring-up as a list: what is done, what is going on, what is to come.

use kindling_domain::catalogue::Product;
use kindling_domain::wire::Phase;
use leptos::prelude::*;

/// Phases the person sees as one step, each with its last one; optional ones (disk, Tailscale) stand beside the step they belong to.
type Groups = [(&'static str, Phase); 10];

const FULL_NODE: Groups = [
    ("Payment", Phase::PaymentReceived),
    ("Order to the data centre", Phase::Droplet),
    ("Start of the machine", Phase::Booting),
    ("Packages and firewall", Phase::Firewall),
    ("Docker and disk", Phase::Volume),
    ("Bitcoin", Phase::Bitcoin),
    ("LND", Phase::Lnd),
    ("Lightning wallet", Phase::Wallet),
    ("LNbits", Phase::Lnbits),
    ("Sealed credentials", Phase::Sealed),
];

const CLASSROOM: Groups = [
    ("Payment", Phase::PaymentReceived),
    ("Order to the data centre", Phase::Droplet),
    ("Start of the machine", Phase::Booting),
    ("Packages and firewall", Phase::Firewall),
    ("Docker", Phase::Tailscale),
    ("Bitcoin", Phase::Bitcoin),
    ("Lightning nodes", Phase::Nodes),
    ("Certificate", Phase::Certificate),
    ("Channels", Phase::Channels),
    ("Sealed cards", Phase::Sealed),
];

/// The list; `phase` is the one going on.
#[component]
pub fn Phases(product: Product, phase: Signal<Option<Phase>>) -> impl IntoView {
    let groups = match product {
        Product::FullNode { .. } => FULL_NODE,
        Product::Classroom(_) => CLASSROOM,
    };
    // The current step is the first one whose last phase is not over yet.
    let current = move || {
        phase
            .get()
            .and_then(|phase| groups.iter().position(|(_, last)| phase <= *last))
            .unwrap_or(0)
    };
    let row = move |at: usize, name: &'static str| {
        let class = move || match at.cmp(&current()) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "current",
            std::cmp::Ordering::Greater => "",
        };
        let mark = move || if at < current() { "✓" } else { "" };
        let note = move || match at.cmp(&current()) {
            std::cmp::Ordering::Less => " (done)",
            std::cmp::Ordering::Equal => " (now)",
            std::cmp::Ordering::Greater => "",
        };
        view! {
            <li class=class>
                <span class="dot" aria-hidden="true">{mark}</span>
                <span>{name}<span class="visually-hidden">{note}</span></span>
            </li>
        }
    };
    view! {
        <ol class="phases">
            {groups.into_iter().enumerate().map(|(at, (name, _))| row(at, name)).collect_view()}
        </ol>
    }
    .into_any()
}
