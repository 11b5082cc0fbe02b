//! What may be chosen of a class: its size and its hours, with the price as it is chosen; and folded away what its network looks like.

use super::class_link::Preset;
use super::number::Number;
use super::parts::{Choice, Pick, cards, fields, fields_with_error, picked};
use crate::browser::{focus, unfold};
use crate::components::changing::{changing, part, pressed, text};
use crate::components::field_error::FieldError;
use crate::figures::{described_distribution, described_graph, hours_text, number, sats};
use crate::shop::Shop;
use crate::words::{common, shop as words};
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
const FIRST_HOURS: &str = "8";
const QUICK_HOURS: [u32; 5] = [3, 8, 24, 48, 168];

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

/// What is sold of classes.
#[derive(Clone, PartialEq, Eq)]
struct Sold {
    offers: Vec<Offer>,
    max_hours: u32,
}

/// The choices.
#[derive(Clone, Copy)]
pub struct ClassForm {
    shop: Shop,
    sold: Memo<Sold>,
    /// The person's choice, or else the first plan that is sold.
    plan: RwSignal<Option<Plan>>,
    plan_trouble: RwSignal<Option<String>>,
    hours: Number,
    graph: Pick<Graph>,
    graph_trouble: RwSignal<Option<String>>,
    distribution: Pick<Distribution>,
    seed: Number,
    sats: Number,
    is_unfolded: RwSignal<bool>,
}

impl ClassForm {
    /// The defaults.
    pub fn new(shop: Shop) -> Self {
        // What was known stays while the prices are asked for again.
        let sold = move |known: Option<&Sold>| match (shop.classroom(), known) {
            (Some(product), _) => Sold {
                max_hours: product.max_hours.unwrap_or(MAX_HOURS),
                offers: product
                    .plans
                    .into_iter()
                    .map(|plan| Offer {
                        plan: plan.plan,
                        graphs: plan.graphs,
                        per_node_hour: Some(plan.msat_per_node_hour),
                    })
                    .collect(),
            },
            (None, Some(known)) => known.clone(),
            (None, None) => Sold {
                max_hours: MAX_HOURS,
                offers: Plan::ALL
                    .map(|plan| Offer {
                        plan,
                        graphs: plan.graphs().to_vec(),
                        per_node_hour: None,
                    })
                    .to_vec(),
            },
        };
        Self {
            shop,
            sold: Memo::new(sold),
            plan: RwSignal::new(None),
            plan_trouble: RwSignal::new(None),
            hours: Number::new("class-hours", "class-hours-error", FIRST_HOURS),
            graph: Pick::of(&Graph::ALL),
            graph_trouble: RwSignal::new(None),
            distribution: Pick::of(&Distribution::ALL),
            seed: Number::new("class-seed", "class-seed-error", ""),
            sats: Number::new("class-sats", "class-sats-error", &SATS_PER_NODE.to_string()),
            is_unfolded: RwSignal::new(false),
        }
    }

    /// Takes over what an address names.
    pub fn take(self, preset: Preset) {
        if preset.plan.is_some() {
            self.plan.set(preset.plan);
        }
        if let Some(hours) = preset.hours {
            self.hours.put(hours.to_string());
        }
        if preset.has_more() {
            self.graph.set(preset.graph);
            self.distribution.set(preset.distribution);
            let seed = preset.seed.map(|seed| seed.to_string());
            self.seed.put(seed.unwrap_or_default());
            let sats = preset.sats_per_node.unwrap_or(SATS_PER_NODE);
            self.sats.put(sats.to_string());
            self.is_unfolded.set(true);
        }
    }

    /// What the class costs as it stands; `None` while that cannot be said.
    pub fn price(self) -> Option<Sats> {
        self.offer()?.price(self.hours()?)
    }

    /// The hours that are chosen, where they can be bought.
    fn hours(self) -> Option<u32> {
        let hours = self.hours.read(1..=self.max_hours().into())?;
        hours.try_into().ok()
    }

    fn max_hours(self) -> u32 {
        self.sold.with(|sold| sold.max_hours)
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
            let sentence = words::seed_wrong(&number(u32::MAX.into()));
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
                let sentence = words::hours_gone().to_owned();
                self.hours.trouble.set(Some(sentence));
                focus(self.hours.id);
            }
            ErrorCode::UnknownPlan => self.refuse_plan(),
            ErrorCode::UnavailableOption => {
                let sentence = words::graph_gone().to_owned();
                self.graph_trouble.set(Some(sentence));
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
        self.plan_trouble.set(Some(words::plan_gone().to_owned()));
        focus(PLANS);
    }

    fn refuse_hours(self) {
        let most = untrack(|| self.max_hours());
        let sentence = words::hours_wrong(&number(most.into()));
        self.hours.trouble.set(Some(sentence));
        focus(self.hours.id);
    }

    fn refuse_sats(self, is_first: bool) {
        let least = number(MIN_SATS_PER_NODE);
        let sentence = words::sats_wrong(&least, &number(MAX_SATS_PER_NODE));
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
        self.sold.with(|sold| {
            let mut offers = sold.offers.iter();
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
                <strong class="price">{text(move || self.price().map_or_else(|| "…".to_owned(), sats))}</strong>
                <span class="muted">
                    {text(move || self.hours().map(|hours| words::for_hours(&hours_text(hours))).unwrap_or_default())}
                </span>
                <small>{words::hours_count()}</small>
            </output>
        }
        .into_any()
    }

    fn plan_field(self) -> AnyView {
        let card = |offer: &Offer| {
            let letter = offer.plan.as_str();
            let hourly = match offer.price(1) {
                Some(price) => words::per_hour(&sats(price)),
                None => words::per_hour_unknown().to_owned(),
            };
            Choice {
                notes: vec![words::plan(letter), hourly],
                ..Choice::new(letter, words::nodes(offer.plan.nodes().into()))
            }
        };
        let list = part(move || {
            let offers = self.sold.get().offers;
            let plans: Vec<Plan> = offers.iter().map(|offer| offer.plan).collect();
            let place = plans.clone();
            Some(cards(
                "plan",
                offers.iter().map(card).collect(),
                move || {
                    let chosen = self.offer()?.plan;
                    place.iter().position(|plan| *plan == chosen)
                },
                move |at| {
                    self.plan.set(Some(plans[at]));
                    self.plan_trouble.set(None);
                    self.graph_trouble.set(None);
                },
            ))
        });
        let content = view! {
            {list}
            <FieldError id=PLAN_ERROR trouble=self.plan_trouble/>
            <small>{words::size_means()}</small>
        };
        fields_with_error(PLANS, words::size(), PLAN_ERROR, content.into_any())
    }

    fn hours_field(self) -> AnyView {
        let quick = move |hours: u32| {
            view! {
                <button
                    type="button"
                    class="button small"
                    aria-pressed=changing(move || Some(if self.hours() == Some(hours) { "true" } else { "false" }))
                    on:click=pressed(move || self.hours.put(hours.to_string()))
                >
                    {hours_text(hours)}
                </button>
            }
            .into_any()
        };
        let between = view! {
            <div class="quick" role="group" aria-label=words::hours_quick()>
                {QUICK_HOURS.map(quick).into_iter().collect_view()}
            </div>
        };
        self.hours.field(
            words::hours().into_any(),
            "class-hours-hint",
            text(move || words::hours_hint(&number(self.max_hours().into()))),
            Some(between.into_any()),
        )
    }

    /// What the network looks like, folded away: the defaults suit most.
    pub fn more(self) -> AnyView {
        let optional = view! { {words::seed()}" "<em>{common::optional()}</em> };
        let range = words::sats_means(&number(MIN_SATS_PER_NODE), &number(MAX_SATS_PER_NODE));
        view! {
            <details prop:open=changing(move || self.is_unfolded.get())>
                <summary>{words::more()}</summary>
                <div class="stack">
                    {self.graph_field()}
                    {self.distribution_field()}
                    {self.seed.field(optional.into_any(), "class-seed-hint", words::seed_means().into_any(), None)}
                    {self.sats.field(words::sats_per_node().into_any(), "class-sats-hint", range.into_any(), None)}
                </div>
            </details>
        }
        .into_any()
    }

    fn graph_field(self) -> AnyView {
        let list = part(move || {
            let sold = self.offer().map(|offer| offer.graphs).unwrap_or_default();
            let card = |graph: Graph| {
                let (name, what) = described_graph(graph);
                let off = !sold.contains(&graph);
                let note = if off { words::graph_small() } else { what };
                Choice {
                    off,
                    ..Choice::noted(graph.as_str(), name, note)
                }
            };
            Some(cards(
                "graph",
                Graph::ALL.map(card).into(),
                move || {
                    let chosen = self.graph_with(&self.offer()?);
                    Graph::ALL.iter().position(|graph| *graph == chosen)
                },
                move |at| {
                    self.graph.at.set(at);
                    self.graph_trouble.set(None);
                },
            ))
        });
        let content =
            view! { {list}<FieldError id=GRAPH_ERROR trouble=self.graph_trouble/> }.into_any();
        fields_with_error(GRAPHS, words::graph(), GRAPH_ERROR, content)
    }

    fn distribution_field(self) -> AnyView {
        let card = |distribution: Distribution| {
            let (name, what) = described_distribution(distribution);
            Choice::noted(distribution.as_str(), name, what)
        };
        let list = Distribution::ALL.map(card).into();
        fields(
            words::distribution(),
            picked("distribution", list, self.distribution.at),
        )
    }
}
