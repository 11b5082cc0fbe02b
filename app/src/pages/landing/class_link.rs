//! The address that opens the order form with a class chosen: its builder and its parser. Nothing in it is secret.

use kindling_domain::classroom::{Classroom, Distribution, Graph, Plan, SATS_PER_NODE};

const MARK: &str = "#classroom";

/// What such an address names. What it leaves out, or what cannot be read, is the form's to decide.
#[derive(Clone, Copy, Default)]
pub struct Preset {
    /// How many nodes.
    pub plan: Option<Plan>,
    /// For how long.
    pub hours: Option<u32>,
    /// Who has channels with whom.
    pub graph: Graph,
    /// Who has how much.
    pub distribution: Distribution,
    /// What all chance is drawn from.
    pub seed: Option<u32>,
    /// What a node has on average.
    pub sats_per_node: Option<u64>,
}

impl Preset {
    /// Whether something is named that the form shows folded away.
    pub fn has_more(self) -> bool {
        self.graph != Graph::default()
            || self.distribution != Distribution::default()
            || self.seed.is_some()
            || self.sats_per_node.is_some()
    }
}

/// The address of the form with this class chosen.
pub fn build(class: Classroom) -> String {
    let mut link = format!(
        "/{MARK}?plan={}&hours={}&graph={}&distribution={}",
        class.plan.as_str(),
        class.hours,
        class.graph.as_str(),
        class.distribution.as_str()
    );
    if let Some(seed) = class.seed {
        link.push_str(&format!("&seed={seed}"));
    }
    if class.sats_per_node != SATS_PER_NODE {
        link.push_str(&format!("&satsPerNode={}", class.sats_per_node));
    }
    link
}

/// What the part behind `#` names, where it is about a class.
pub fn read(fragment: &str) -> Option<Preset> {
    let rest = fragment.strip_prefix(MARK)?;
    let mut preset = Preset::default();
    for (name, value) in rest
        .trim_start_matches('?')
        .split('&')
        .filter_map(|pair| pair.split_once('='))
    {
        match name {
            "plan" => preset.plan = Plan::ALL.into_iter().find(|plan| plan.as_str() == value),
            "hours" => preset.hours = value.parse().ok(),
            "graph" => {
                let named = Graph::ALL.into_iter().find(|graph| graph.as_str() == value);
                preset.graph = named.unwrap_or_default();
            }
            "distribution" => {
                let mut all = Distribution::ALL.into_iter();
                preset.distribution = all.find(|one| one.as_str() == value).unwrap_or_default();
            }
            "seed" => preset.seed = value.parse().ok(),
            "satsPerNode" => preset.sats_per_node = value.parse().ok(),
            _ => {}
        }
    }
    Some(preset)
}
