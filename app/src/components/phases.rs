//! The machine's bring-up as a list: what is done, what is going on, what is to come.

use crate::words::{checkout, phases as words};
use kindling_domain::catalogue::Product;
use kindling_domain::wire::Phase;
use leptos::prelude::*;

/// Phases the person sees as one step, each with its last one; optional ones (disk, Tailscale) stand beside the step they belong to.
type Groups = [(fn() -> &'static str, Phase); 10];

const FULL_NODE: Groups = [
    (words::step_payment, Phase::PaymentReceived),
    (words::step_order, Phase::Droplet),
    (words::step_start, Phase::Booting),
    (words::step_packages, Phase::Firewall),
    (words::step_docker_disk, Phase::Volume),
    (words::step_bitcoin, Phase::Bitcoin),
    (words::step_lnd, Phase::Lnd),
    (words::step_wallet, Phase::Wallet),
    (words::step_lnbits, Phase::Lnbits),
    (words::step_credentials, Phase::Sealed),
];

const CLASSROOM: Groups = [
    (words::step_payment, Phase::PaymentReceived),
    (words::step_order, Phase::Droplet),
    (words::step_start, Phase::Booting),
    (words::step_packages, Phase::Firewall),
    (words::step_docker, Phase::Tailscale),
    (words::step_bitcoin, Phase::Bitcoin),
    (words::step_nodes, Phase::Nodes),
    (words::step_certificate, Phase::Certificate),
    (words::step_channels, Phase::Channels),
    (words::step_cards, Phase::Sealed),
];

/// What is going on in a phase.
pub fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::PaymentReceived => words::payment_received(),
        Phase::SshKey => words::ssh_key(),
        Phase::VolumeCreated => words::volume_created(),
        Phase::TailscaleKey => words::tailscale_key(),
        Phase::Droplet => words::droplet(),
        Phase::Booting => words::booting(),
        Phase::Packages => words::packages(),
        Phase::System => words::system(),
        Phase::Firewall => words::firewall(),
        Phase::Docker => words::docker(),
        Phase::Tailscale => words::tailscale(),
        Phase::Volume => words::volume(),
        Phase::Bitcoin => words::bitcoin(),
        Phase::Nodes => words::nodes(),
        Phase::Certificate => words::certificate(),
        Phase::Channels => words::channels(),
        Phase::Lnd => words::lnd(),
        Phase::Wallet => words::wallet(),
        Phase::Lnbits => words::lnbits(),
        Phase::Sealed => words::sealed(),
    }
}

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
            std::cmp::Ordering::Less => checkout::done(),
            std::cmp::Ordering::Equal => checkout::now(),
            std::cmp::Ordering::Greater => "",
        };
        view! {
            <li class=class>
                <span class="dot" aria-hidden="true">{mark}</span>
                <span>{name}<span class="visually-hidden">" "{note}</span></span>
            </li>
        }
    };
    view! {
        <ol class="phases">
            {groups.into_iter().enumerate().map(|(at, (name, _))| row(at, name())).collect_view()}
        </ol>
    }
    .into_any()
}
