//! What may be chosen of a class: its size and its hours, with the price as it is chosen; and folded away what its network looks like.

use super::class_link::Preset;
use super::number::Number;
use crate::browser::{focus, unfold};
use crate::components::field_error::FieldError;
use crate::figures::{described_distribution, described_graph, hours_text, number, sats};
use crate::shop::Shop;
use kindling_domain::classroom::{
    Classroom, Distribution, Graph, MAX_HOURS, MAX_SATS_PER_NODE, MIN_SATS_PER_NODE, Plan,
    SATS_PER_NODE,
};
use kindling_domain::error::ErrorCode;
use kindling_domain::money::{Msats, Sats};
use leptos::prelude::*;

const PLANS: &str = "plans";
const PLAN_ERROR: &str = "plan-error";
const GRAPHS: &str = "graphs";
const GRAPH_ERROR: &str = "graph-error";
/// Long enough for an evening's course.
const FIRST_HOURS: u32 = 8;
const QUICK_HOURS: [(u32, &str); 5] = [
    (3, "3 h"),
    (8, "8 h"),
    (24, "24 h"),
    (48, "48 h"),
    (168, "1 week"),
];

/// A plan as it is sold; before the prices are here without its price.
#[derive(Clone, PartialEq, Eq)]
struct Offer {
    plan: Plan,
    graphs: Vec<Graph>,
    per_node_hour: Option<Msats>,
}

impl Offer {
    fn price(&self, hours: u32) -> Option<Sats> {
        Some(Classroom::new(self.plan, hours).price(self.per_node_hour?))
    }
}

/// The choices.
#[derive(Clone, Copy)]
pub struct ClassForm {
    shop: Shop,
    offers: Memo<Vec<Offer>>,
    max_hours: Memo<u32>,
    /// The person's choice, or else the first plan that is sold.
    plan: RwSignal<Option<Plan>>,
    plan_trouble: RwSignal<Option<String>>,
    hours: Number,
    graph: RwSignal<Graph>,
    graph_trouble: RwSignal<Option<String>>,
    distribution: RwSignal<Distribution>,
    seed: Number,
    sats: Number,
    is_unfolded: RwSignal<bool>,
}

impl ClassForm {
    /// The defaults.
    pub fn new(shop: Shop) -> Self {
        // What was known stays while the prices are asked for again.
        let offers = Memo::new(
            move |known: Option<&Vec<Offer>>| match (shop.classroom(), known) {
                (Some(product), _) => product
                    .plans
                    .into_iter()
                    .map(|plan| Offer {
                        plan: plan.plan,
                        graphs: plan.graphs,
                        per_node_hour: Some(plan.msat_per_node_hour),
                    })
                    .collect(),
                (None, Some(known)) => known.clone(),
                (None, None) => Plan::ALL
                    .map(|plan| Offer {
                        plan,
                        graphs: plan.graphs().to_vec(),
                        per_node_hour: None,
                    })
                    .to_vec(),
            },
        );
        let max_hours = Memo::new(move |known: Option<&u32>| {
            let told = shop.classroom().and_then(|product| product.max_hours);
            told.or(known.copied()).unwrap_or(MAX_HOURS)
        });
        Self {
            shop,
            offers,
            max_hours,
            plan: RwSignal::new(None),
            plan_trouble: RwSignal::new(None),
            hours: Number::new("class-hours", "class-hours-error", FIRST_HOURS),
            graph: RwSignal::default(),
            graph_trouble: RwSignal::new(None),
            distribution: RwSignal::default(),
            seed: Number::new("class-seed", "class-seed-error", ""),
            sats: Number::new("class-sats", "class-sats-error", SATS_PER_NODE),
            is_unfolded: RwSignal::new(false),
        }
    }

    /// Takes over what an address names.
    pub fn take(self, preset: Preset) {
        if preset.plan.is_some() {
            self.plan.set(preset.plan);
        }
        if let Some(hours) = preset.hours {
            self.hours.put(hours);
        }
        if preset.has_more() {
            self.graph.set(preset.graph);
            self.distribution.set(preset.distribution);
            let seed = preset.seed.map(|seed| seed.to_string());
            self.seed.put(seed.unwrap_or_default());
            self.sats.put(preset.sats_per_node.unwrap_or(SATS_PER_NODE));
            self.is_unfolded.set(true);
        }
    }

    /// What the class costs as it stands; `None` while that cannot be said.
    pub fn price(self) -> Option<Sats> {
        self.offer()?.price(self.hours()?)
    }

    /// The hours that are chosen, where they can be bought.
    pub fn hours(self) -> Option<u32> {
        let hours = self.hours.read(1..=self.max_hours.get().into())?;
        hours.try_into().ok()
    }

    /// The class that is ordered; where something is not to be had, says so at the first such field.
    pub fn read(self) -> Option<Classroom> {
        let Some(offer) = untrack(|| self.offer()) else {
            self.refuse_plan();
            return None;
        };
        let hours = untrack(|| self.hours());
        if hours.is_none() {
            self.refuse_hours();
        }
        let seed = untrack(|| match self.seed.is_empty() {
            true => Some(None),
            false => self.seed.read(0..=u32::MAX.into()).map(Some),
        });
        if seed.is_none() {
            let sentence = format!(
                "Enter a whole number from 0 to {}, or leave it empty.",
                number(u32::MAX.into())
            );
            self.refuse_folded(self.seed, sentence, hours.is_some());
        }
        let sats_per_node = untrack(|| self.sats.read(MIN_SATS_PER_NODE..=MAX_SATS_PER_NODE));
        if sats_per_node.is_none() {
            self.refuse_sats(hours.is_some() && seed.is_some());
        }
        Some(Classroom {
            plan: offer.plan,
            hours: hours?,
            graph: untrack(|| self.graph_with(&offer)),
            distribution: self.distribution.get_untracked(),
            seed: seed?.and_then(|seed| seed.try_into().ok()),
            sats_per_node: sats_per_node?,
        })
    }

    /// Forgets what was refused.
    pub fn forgive(self) {
        for trouble in [
            self.plan_trouble,
            self.graph_trouble,
            self.hours.trouble,
            self.seed.trouble,
            self.sats.trouble,
        ] {
            trouble.set(None);
        }
    }

    /// Says at its field what the server refused; `false` where that is no choice of these.
    pub fn refuse(self, code: ErrorCode) -> bool {
        match code {
            ErrorCode::InvalidHours => {
                self.hours.trouble.set(Some(
                    "So many hours are not sold right now; choose another number.".to_owned(),
                ));
                focus(self.hours.id);
            }
            ErrorCode::UnknownPlan => self.refuse_plan(),
            ErrorCode::UnavailableOption => {
                self.graph_trouble.set(Some(
                    "This graph is not sold with this size right now; choose another one."
                        .to_owned(),
                ));
                unfold(GRAPHS);
            }
            ErrorCode::InvalidAmount => self.refuse_sats(true),
            _ => return false,
        }
        // What is sold may have changed since this page has loaded.
        self.shop.refresh();
        true
    }

    fn refuse_plan(self) {
        let sentence = "This size is not sold right now; choose another one.";
        self.plan_trouble.set(Some(sentence.to_owned()));
        focus(PLANS);
    }

    fn refuse_hours(self) {
        let most = self.max_hours.get_untracked();
        let sentence = format!("Enter a whole number of hours from 1 to {most}.");
        self.hours.trouble.set(Some(sentence));
        focus(self.hours.id);
    }

    fn refuse_sats(self, is_first: bool) {
        let sentence = format!(
            "Enter a whole number from {} to {}, without separators.",
            number(MIN_SATS_PER_NODE),
            number(MAX_SATS_PER_NODE)
        );
        self.refuse_folded(self.sats, sentence, is_first);
    }

    fn refuse_folded(self, field: Number, sentence: String, is_first: bool) {
        field.trouble.set(Some(sentence));
        self.is_unfolded.set(true);
        if is_first {
            unfold(field.id);
        }
    }

    fn offer(self) -> Option<Offer> {
        let chosen = self.plan.get();
        self.offers.with(|offers| {
            let mut offers = offers.iter();
            match chosen {
                Some(plan) => offers.find(|offer| offer.plan == plan),
                None => offers.next(),
            }
            .cloned()
        })
    }

    /// The graph that is chosen, or else what there is of them in this size.
    fn graph_with(self, offer: &Offer) -> Graph {
        let chosen = self.graph.get();
        match offer.graphs.contains(&chosen) {
            true => chosen,
            false => offer.graphs.first().copied().unwrap_or_default(),
        }
    }

    /// Size, hours and price.
    pub fn fields(self) -> AnyView {
        view! {
            {self.plan_field()}
            {self.hours_field()}
            <output class="quote" for=self.hours.id>
                <strong class="price">{move || self.price().map_or_else(|| "…".to_owned(), sats)}</strong>
                <span class="muted">{move || self.hours().map(|hours| format!("for {}", hours_text(hours)))}</span>
                <small>"The hours count from when your class is ready; more can be bought while it runs."</small>
            </output>
        }
        .into_any()
    }

    fn plan_field(self) -> AnyView {
        let card = move |offer: Offer| {
            let plan = offer.plan;
            let price = offer.price(1).map(sats);
            let is_chosen = move || self.offer().is_some_and(|chosen| chosen.plan == plan);
            view! {
                <label class="choice plan">
                    <input
                        type="radio"
                        name="plan"
                        value=plan.as_str()
                        prop:checked=is_chosen
                        on:change=move |_| {
                            self.plan.set(Some(plan));
                            self.plan_trouble.set(None);
                            self.graph_trouble.set(None);
                        }
                    />
                    <span>
                        <strong>{format!("{} nodes", plan.nodes())}</strong>
                        <small>{format!("Plan {}", plan.as_str())}</small>
                        <small>{format!("{}/h", price.unwrap_or_else(|| "… sats".to_owned()))}</small>
                    </span>
                </label>
            }
            .into_any()
        };
        view! {
            <fieldset class="choices" id=PLANS tabindex="-1" aria-describedby=PLAN_ERROR>
                <legend>"Size"</legend>
                {move || self.offers.get().into_iter().map(card).collect_view()}
                <FieldError id=PLAN_ERROR trouble=self.plan_trouble/>
                <small>"One Lightning node for each participant, with coins and channels on a test network of their own."</small>
            </fieldset>
        }
        .into_any()
    }

    fn hours_field(self) -> AnyView {
        let quick = move |(hours, short): (u32, &'static str)| {
            let is_chosen = move || self.hours().is_some_and(|chosen| chosen == hours);
            view! {
                <button
                    type="button"
                    class="button small"
                    aria-label=hours_text(hours)
                    aria-pressed=move || if is_chosen() { "true" } else { "false" }
                    on:click=move |_| self.hours.put(hours)
                >
                    {short}
                </button>
            }
            .into_any()
        };
        view! {
            <div class="field">
                <label for=self.hours.id>"Hours"</label>
                {self.hours.input("class-hours-hint")}
                {self.hours.error()}
                <div class="quick" role="group" aria-label="Common choices">
                    {QUICK_HOURS.map(quick).into_iter().collect_view()}
                </div>
                <small id="class-hours-hint">{move || format!("1 to {}, in whole hours.", self.max_hours.get())}</small>
            </div>
        }
        .into_any()
    }

    /// What the network looks like, folded away: the defaults suit most.
    pub fn more(self) -> AnyView {
        view! {
            <details prop:open=self.is_unfolded>
                <summary>"More choices"</summary>
                <div class="stack">
                    {self.graph_field()}
                    {self.distribution_field()}
                    <div class="field">
                        <label for=self.seed.id>"Seed "<em>"optional"</em></label>
                        {self.seed.input("class-seed-hint")}
                        {self.seed.error()}
                        <small id="class-seed-hint">
                            "The same number makes the same network again, so that a lesson can be repeated. Empty: chosen for you, and
                            shown on your order's page."
                        </small>
                    </div>
                    <div class="field">
                        <label for=self.sats.id>"Sats per node"</label>
                        {self.sats.input("class-sats-hint")}
                        {self.sats.error()}
                        <small id="class-sats-hint">
                            {format!(
                                "What each has on average, half of it in channels: {} to {}. They are test coins.",
                                number(MIN_SATS_PER_NODE),
                                number(MAX_SATS_PER_NODE)
                            )}
                        </small>
                    </div>
                </div>
            </details>
        }
        .into_any()
    }

    fn graph_field(self) -> AnyView {
        let choice = move |graph: Graph| {
            let (name, what) = described_graph(graph);
            let offer = Memo::new(move |_| self.offer());
            let is_off = move || {
                offer.with(|offer| !offer.as_ref().is_some_and(|o| o.graphs.contains(&graph)))
            };
            let is_chosen = move || {
                offer.with(|offer| offer.as_ref().is_some_and(|o| self.graph_with(o) == graph))
            };
            view! {
                <label class="choice" class:off=is_off>
                    <input
                        type="radio"
                        name="graph"
                        value=graph.as_str()
                        disabled=is_off
                        prop:checked=is_chosen
                        on:change=move |_| {
                            self.graph.set(graph);
                            self.graph_trouble.set(None);
                        }
                    />
                    <span>
                        {name}
                        <small>
                            {move || if is_off() { "only with 8 or 16 nodes: each channel takes memory" } else { what }}
                        </small>
                    </span>
                </label>
            }
            .into_any()
        };
        view! {
            <fieldset class="choices" id=GRAPHS tabindex="-1" aria-describedby=GRAPH_ERROR>
                <legend>"Channels"</legend>
                {Graph::ALL.map(choice).into_iter().collect_view()}
                <FieldError id=GRAPH_ERROR trouble=self.graph_trouble/>
            </fieldset>
        }
        .into_any()
    }

    fn distribution_field(self) -> AnyView {
        let choice = move |distribution: Distribution| {
            let (name, what) = described_distribution(distribution);
            view! {
                <label class="choice">
                    <input
                        type="radio"
                        name="distribution"
                        value=distribution.as_str()
                        prop:checked=move || self.distribution.get() == distribution
                        on:change=move |_| self.distribution.set(distribution)
                    />
                    <span>{name}<small>{what}</small></span>
                </label>
            }
            .into_any()
        };
        view! {
            <fieldset class="choices">
                <legend>"Who has how much"</legend>
                {Distribution::ALL.map(choice).into_iter().collect_view()}
            </fieldset>
        }
        .into_any()
    }
}
