//! The classroom: what a class is made of, and how its network is laid out. The whole network follows from the options and one seed,
//! so that a lesson can be repeated.

mod deal;
mod graph;
mod names;

use crate::error::{ApiError, ErrorCode};
use crate::id::OrderId;
use crate::money::{Msats, Sats};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

/// The most hours that are sold at once: three weeks.
pub const MAX_HOURS: u32 = 504;
/// The most hours that are added to a class in all: its runes end 31 days after what was bought first.
pub const MAX_ADDED_HOURS: u32 = 30 * 24;
/// What each node has unless said otherwise: one bitcoin.
pub const SATS_PER_NODE: u64 = 100_000_000;
/// The least a node may have on average: every channel of a poor node is still worth its fees.
pub const MIN_SATS_PER_NODE: u64 = 10_000_000;
/// The most: 64 nodes of it can be paid from what a regtest chain mines at once.
pub const MAX_SATS_PER_NODE: u64 = 1_000_000_000;

/// How large a class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Plan {
    /// 8 nodes.
    A,
    /// 16 nodes.
    B,
    /// 32 nodes.
    C,
    /// 64 nodes.
    D,
}

impl Plan {
    /// All of them, smallest first.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        }
    }

    /// How many Lightning nodes it has.
    pub const fn nodes(self) -> u32 {
        match self {
            Self::A => 8,
            Self::B => 16,
            Self::C => 32,
            Self::D => 64,
        }
    }

    /// The plan of that many nodes.
    pub fn of_nodes(nodes: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.nodes() == nodes)
    }

    /// What a node costs for an hour unless the operator says otherwise.
    pub const fn msats_per_node_hour(self) -> Msats {
        Msats::from_msats(match self {
            Self::A => 200_000,
            Self::B => 220_000,
            Self::C => 240_000,
            Self::D => 260_000,
        })
    }

    /// The droplet whose memory the nodes fit into (docs/machine.md has the account).
    pub const fn size(self) -> &'static str {
        match self {
            Self::A => "s-2vcpu-4gb",
            Self::B => "s-4vcpu-8gb",
            Self::C | Self::D => "s-8vcpu-16gb",
        }
    }

    /// The graphs it is sold with: every channel costs memory at both ends, and a full graph of 32 nodes would have 496.
    pub const fn graphs(self) -> &'static [Graph] {
        match self {
            Self::A | Self::B => &Graph::ALL,
            Self::C | Self::D => &[Graph::Sparse],
        }
    }
}

/// Who has channels with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Graph {
    /// A ring through all nodes, and as many channels across it: four to a node on average.
    #[default]
    Sparse,
    /// Everybody with everybody.
    Full,
}

impl Graph {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Sparse, Self::Full];

    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sparse => "sparse",
            Self::Full => "full",
        }
    }
}

/// Who has how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// All the same.
    #[default]
    Egalitarian,
    /// An eighth of the nodes holds four fifths.
    Political,
    /// Coins fall on nodes at random: the counts are nearly Poisson's, with their sum given.
    Poisson,
    /// Each node does more or less work, and blocks fall to nodes by their share in it.
    ProofOfWork,
}

impl Distribution {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 4] = [
        Self::Egalitarian,
        Self::Political,
        Self::Poisson,
        Self::ProofOfWork,
    ];

    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Egalitarian => "egalitarian",
            Self::Political => "political",
            Self::Poisson => "poisson",
            Self::ProofOfWork => "proof_of_work",
        }
    }
}

/// A class as it is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Classroom {
    /// How many nodes.
    pub plan: Plan,
    /// For how many hours, from its delivery on.
    pub hours: u32,
    /// Who has channels with whom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub graph: Graph,
    /// Who has how much.
    #[serde(default, skip_serializing_if = "is_default")]
    pub distribution: Distribution,
    /// What all chance is drawn from; the order's id decides where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// What a node has on average, on chain and in channels together.
    #[serde(
        default = "sats_per_node",
        skip_serializing_if = "is_usual_sats_per_node"
    )]
    pub sats_per_node: u64,
}

/// Left out on the wire: the shortest body is the ordinary class.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const fn sats_per_node() -> u64 {
    SATS_PER_NODE
}

const fn is_usual_sats_per_node(sats: &u64) -> bool {
    *sats == SATS_PER_NODE
}

impl Classroom {
    /// An ordinary class.
    pub const fn new(plan: Plan, hours: u32) -> Self {
        Self {
            plan,
            hours,
            graph: Graph::Sparse,
            distribution: Distribution::Egalitarian,
            seed: None,
            sats_per_node: SATS_PER_NODE,
        }
    }

    /// Whether such a class is sold.
    ///
    /// # Errors
    /// `invalid_hours`, `unavailable_option`, `invalid_amount`.
    pub fn check(self) -> Result<(), ApiError> {
        if !(1..=MAX_HOURS).contains(&self.hours) {
            return Err(ErrorCode::InvalidHours.into());
        }
        if !self.plan.graphs().contains(&self.graph) {
            return Err(ErrorCode::UnavailableOption.into());
        }
        if !(MIN_SATS_PER_NODE..=MAX_SATS_PER_NODE).contains(&self.sats_per_node) {
            return Err(ErrorCode::InvalidAmount.into());
        }
        Ok(())
    }

    /// The seed that is in force in this order.
    pub fn seed_in(self, id: OrderId) -> u32 {
        let [a, b, c, d, ..] = *id.as_bytes();
        self.seed.unwrap_or(u32::from_be_bytes([a, b, c, d]))
    }

    /// What it costs, rounded up to a whole satoshi.
    pub fn price(self, per_node_hour: Msats) -> Sats {
        let node_hours = u64::from(self.plan.nodes()) * u64::from(self.hours);
        let msats = node_hours.saturating_mul(per_node_hour.msats());
        Sats::from_sats(msats.div_ceil(1000))
    }
}

/// How a class is reached: the operator's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reach {
    /// A domain under which every name such as `203-0-113-10` is that IPv4 address; empty for none. It is what a certificate can be for.
    pub domain: String,
    /// Where the wallet is that takes `/connect` links.
    pub connect_url: String,
    /// Where the wallet is that takes `/wallets/add` links.
    pub wallet_url: String,
}

/// One Lightning node of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePlan {
    /// What it is called.
    pub name: String,
    /// What it owns once all channels are open, but for their fees.
    pub wealth_sats: u64,
    /// What it is paid on chain before that.
    pub fund_sats: u64,
}

/// One channel of a class. Nodes are named by their place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelPlan {
    /// Who opens it.
    pub from: u32,
    /// With whom.
    pub to: u32,
    /// Its capacity.
    pub sats: u64,
    /// What of it belongs to `to` from the beginning.
    pub push_sats: u64,
}

/// The network of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The nodes.
    pub nodes: Vec<NodePlan>,
    /// The channels.
    pub channels: Vec<ChannelPlan>,
}

impl Network {
    /// Lays out the network of `class`: the same seed gives the same network for ever.
    ///
    /// Half of what a node owns is spread evenly over its channels, so that both ends of each can pay; the rest stays on chain.
    pub fn lay_out(class: Classroom, seed: u32) -> Self {
        let mut chance = Chance(ChaCha20Rng::seed_from_u64(seed.into()));
        let nodes = class.plan.nodes();
        let wealth = deal::deal(class.distribution, nodes, class.sats_per_node, &mut chance);
        let edges = graph::edges(class.graph, nodes, &mut chance);
        let of = |list: &[u64], node: u32| list.get(node as usize).copied().unwrap_or_default();
        let stake = |node: u32| {
            let degree = edges.iter().filter(|(a, b)| *a == node || *b == node);
            of(&wealth, node) / 2 / (degree.count() as u64).max(1) / 1000 * 1000
        };
        let stakes: Vec<u64> = (0..nodes).map(stake).collect();
        let channels: Vec<ChannelPlan> = edges
            .iter()
            .map(|&(from, to)| ChannelPlan {
                from,
                to,
                sats: of(&stakes, from) + of(&stakes, to),
                push_sats: of(&stakes, to),
            })
            .collect();
        let nodes = (0..nodes).zip(names::NAMES).map(|(node, name)| {
            let given: u64 = channels
                .iter()
                .filter(|channel| channel.from == node)
                .map(|channel| channel.push_sats)
                .sum();
            let got: u64 = channels
                .iter()
                .filter(|channel| channel.to == node)
                .map(|channel| channel.push_sats)
                .sum();
            NodePlan {
                name: name.to_owned(),
                wealth_sats: of(&wealth, node),
                // Never negative: what it gets is at most half of what it owns.
                fund_sats: (of(&wealth, node) + given).saturating_sub(got),
            }
        });
        Self {
            nodes: nodes.collect(),
            channels,
        }
    }
}

/// Numbers drawn from the seed.
struct Chance(ChaCha20Rng);

impl Chance {
    /// A number from 0 to `end` - 1, each as likely as the others.
    fn below(&mut self, end: u32) -> u32 {
        let end = end.max(1);
        // What lies above the last whole multiple would make small numbers likelier.
        let limit = u32::MAX - u32::MAX % end;
        loop {
            let drawn = self.0.next_u32();
            if drawn < limit {
                return drawn % end;
            }
        }
    }

    /// The numbers from 0 to `end` - 1 in some order (Fisher and Yates).
    fn order(&mut self, end: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..end).collect();
        for last in (1..end).rev() {
            order.swap(last as usize, self.below(last + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeSet, HashSet};

    fn any_class() -> impl Strategy<Value = Classroom> {
        (
            proptest::sample::select(Plan::ALL.to_vec()),
            proptest::sample::select(Graph::ALL.to_vec()),
            proptest::sample::select(Distribution::ALL.to_vec()),
            MIN_SATS_PER_NODE..=MAX_SATS_PER_NODE,
        )
            .prop_map(|(plan, graph, distribution, sats_per_node)| Classroom {
                graph,
                distribution,
                sats_per_node,
                ..Classroom::new(plan, 1)
            })
            .prop_filter("sold", |class| class.check().is_ok())
    }

    proptest! {
        /// Whatever is ordered: no satoshi is lost or made, everybody can pay what they are to pay, both ends of each channel have
        /// something, and all nodes are connected.
        #[test]
        fn a_network_can_be_built_as_laid_out(class in any_class(), seed: u32) {
            let network = Network::lay_out(class, seed);
            let count = class.plan.nodes();
            prop_assert_eq!(network.nodes.len(), count as usize);
            let all = u64::from(count) * class.sats_per_node;
            let wealth: u64 = network.nodes.iter().map(|node| node.wealth_sats).sum();
            let funds: u64 = network.nodes.iter().map(|node| node.fund_sats).sum();
            prop_assert_eq!((wealth, funds), (all, all));
            let mut pairs = HashSet::new();
            for channel in &network.channels {
                prop_assert!(channel.from < count && channel.to < count && channel.from != channel.to);
                let ends = (channel.from.min(channel.to), channel.from.max(channel.to));
                prop_assert!(pairs.insert(ends), "twice between {ends:?}");
                // Core Lightning's smallest channel is 10,000 sats, and 1 % of it is reserved.
                prop_assert!(channel.push_sats >= 10_000 && channel.sats - channel.push_sats >= 10_000, "{channel:?}");
            }
            for (number, node) in (0_u32..).zip(&network.nodes) {
                let opened: u64 = network.channels.iter().filter(|channel| channel.from == number).map(|channel| channel.sats).sum();
                prop_assert!(node.fund_sats >= opened + node.wealth_sats / 2, "{node:?}");
            }
            let mut reached = BTreeSet::from([0]);
            for _ in 0..count {
                for channel in &network.channels {
                    if reached.contains(&channel.from) || reached.contains(&channel.to) {
                        reached.extend([channel.from, channel.to]);
                    }
                }
            }
            prop_assert_eq!(reached.len(), count as usize);
        }

        #[test]
        fn the_seed_decides(class in any_class(), seed: u32, other: u32) {
            let network = Network::lay_out(class, seed);
            prop_assert_eq!(&network, &Network::lay_out(class, seed));
            let sparse = class.graph == Graph::Sparse && class.plan != Plan::A;
            if sparse && seed != other {
                prop_assert_ne!(&network.channels, &Network::lay_out(class, other).channels);
            }
        }
    }

    #[test]
    fn networks_look_like_their_names() {
        let wealth = |distribution| {
            let class = Classroom {
                distribution,
                ..Classroom::new(Plan::D, 1)
            };
            let mut wealth: Vec<u64> = Network::lay_out(class, 7)
                .nodes
                .iter()
                .map(|node| node.wealth_sats)
                .collect();
            wealth.sort_unstable();
            wealth
        };
        let equal = wealth(Distribution::Egalitarian);
        assert!(equal.iter().all(|sats| *sats == SATS_PER_NODE));
        let few: u64 = wealth(Distribution::Political)[56..].iter().sum();
        assert!(few * 4 > 64 * SATS_PER_NODE * 3, "8 of 64 hold {few}");
        for chance in [Distribution::Poisson, Distribution::ProofOfWork] {
            let drawn = wealth(chance);
            assert!(drawn[0] < SATS_PER_NODE && drawn[63] > SATS_PER_NODE);
        }
    }

    /// A lesson from last year must still come out the same.
    #[test]
    fn layouts_are_pinned() {
        let class = Classroom {
            distribution: Distribution::ProofOfWork,
            ..Classroom::new(Plan::A, 1)
        };
        let text = serde_json::to_string(&Network::lay_out(class, 42)).unwrap();
        assert_eq!(text, include_str!("../tests/data/class_42.json").trim());
    }

    #[test]
    fn names_are_short_and_different() {
        let different: HashSet<&str> = names::NAMES.into_iter().collect();
        assert_eq!(different.len(), 64);
        let good = |name: &&str| name.len() <= 12 && name.bytes().all(|b| b.is_ascii_alphabetic());
        assert!(names::NAMES.iter().all(good));
    }

    #[test]
    fn prices_are_rounded_up() {
        let price =
            |plan: Plan, hours| Classroom::new(plan, hours).price(plan.msats_per_node_hour());
        assert_eq!(price(Plan::A, 48).sats(), 76_800);
        assert_eq!(price(Plan::D, 504).sats(), 8_386_560);
        let odd = Classroom::new(Plan::A, 1).price(Msats::from_msats(200_001));
        assert_eq!(odd.sats(), 1601);
    }

    #[test]
    fn what_is_not_sold_is_refused() {
        let good = Classroom::new(Plan::A, 48);
        assert_eq!(good.check(), Ok(()));
        let refused = |class: Classroom| class.check().unwrap_err().code;
        for hours in [0, 505, u32::MAX] {
            assert_eq!(
                refused(Classroom { hours, ..good }),
                ErrorCode::InvalidHours
            );
        }
        let full = Classroom {
            plan: Plan::C,
            graph: Graph::Full,
            ..good
        };
        assert_eq!(refused(full), ErrorCode::UnavailableOption);
        for sats_per_node in [0, MIN_SATS_PER_NODE - 1, MAX_SATS_PER_NODE + 1] {
            let class = Classroom {
                sats_per_node,
                ..good
            };
            assert_eq!(refused(class), ErrorCode::InvalidAmount);
        }
    }
}
