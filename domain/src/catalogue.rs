//! What can be bought, where, and for how much: products and prices in, a quote out.

use crate::classroom::{Classroom, Plan};
use crate::error::{ApiError, ErrorCode};
use crate::id::OrderId;
use crate::money::{Msats, Sats};
use serde::{Deserialize, Serialize};

/// Which node software validates the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum BitcoinImplementation {
    /// Bitcoin Knots.
    #[default]
    Knots,
    /// Bitcoin Core.
    Core,
}

impl BitcoinImplementation {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::Knots, Self::Core];

    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Knots => "knots",
            Self::Core => "core",
        }
    }

    /// The name people know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Knots => "Bitcoin Knots",
            Self::Core => "Bitcoin Core",
        }
    }
}

/// Which chain a node follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum BitcoinNetwork {
    /// Real money.
    #[default]
    Mainnet,
    /// The test network whose blocks are signed (BIP 325).
    Signet,
    /// The fourth test network (BIP 94).
    Testnet4,
    /// A chain of the node's own.
    Regtest,
}

impl BitcoinNetwork {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::Mainnet, Self::Signet, Self::Testnet4, Self::Regtest];

    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Signet => "signet",
            Self::Testnet4 => "testnet4",
            Self::Regtest => "regtest",
        }
    }
}

/// What one order buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Product {
    /// Bitcoin + LND + LNbits on one droplet.
    FullNode {
        /// Bitcoin Knots unless said otherwise.
        #[serde(default)]
        bitcoin: BitcoinImplementation,
        /// Mainnet unless said otherwise.
        #[serde(default, skip_serializing_if = "is_default")]
        network: BitcoinNetwork,
        /// Start from a snapshot of the UTXO set, and validate what is before it afterwards. Mainnet only.
        #[serde(default, skip_serializing_if = "is_default")]
        assumeutxo: bool,
        /// LND starts as a light client, until the node itself is ready. Mainnet only.
        #[serde(default, skip_serializing_if = "is_default")]
        neutrino: bool,
    },
    /// A regtest network of Core Lightning nodes, by the hour.
    Classroom(Classroom),
}

/// Left out on the wire, so that an order without the option reads as it did before there was one.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Product {
    /// A full node without any of the options.
    pub const fn full_node(bitcoin: BitcoinImplementation) -> Self {
        Self::FullNode {
            bitcoin,
            network: BitcoinNetwork::Mainnet,
            assumeutxo: false,
            neutrino: false,
        }
    }

    /// The word in `kind`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::FullNode { .. } => "full_node",
            Self::Classroom(_) => "classroom",
        }
    }

    /// The same with what the order's own id decides.
    pub fn settled(self, id: OrderId) -> Self {
        match self {
            Self::Classroom(class) => Self::Classroom(Classroom {
                seed: Some(class.seed_in(id)),
                ..class
            }),
            Self::FullNode { .. } => self,
        }
    }

    /// Whether its options go together, and are sold here.
    ///
    /// # Errors
    /// `unavailable_option`; of a classroom also `invalid_hours` and `invalid_amount`.
    pub fn check(self, assumeutxo_sold: bool) -> Result<(), ApiError> {
        let (network, assumeutxo, neutrino) = match self {
            Self::FullNode {
                network,
                assumeutxo,
                neutrino,
                ..
            } => (network, assumeutxo, neutrino),
            Self::Classroom(class) => return class.check(),
        };
        // The other chains are synced within hours, and there is no snapshot of them.
        let shortcut = assumeutxo || neutrino;
        if (shortcut && network != BitcoinNetwork::Mainnet) || (assumeutxo && !assumeutxo_sold) {
            return Err(ErrorCode::UnavailableOption.into());
        }
        Ok(())
    }
}

/// A place a machine can stand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// DigitalOcean's slug, such as `nyc3`.
    pub slug: String,
    /// What people read.
    pub name: String,
    /// Whether there is room for another machine.
    #[serde(default = "available")]
    pub available: bool,
}

/// What a catalogue means that says nothing of it.
const fn available() -> bool {
    true
}

/// DigitalOcean's regions that have both droplets and block volumes (its regional availability page).
const REGIONS: [(&str, &str); 11] = [
    ("nyc1", "New York 1"),
    ("nyc2", "New York 2"),
    ("nyc3", "New York 3"),
    ("sfo2", "San Francisco 2"),
    ("sfo3", "San Francisco 3"),
    ("tor1", "Toronto 1"),
    ("lon1", "London 1"),
    ("ams3", "Amsterdam 3"),
    ("fra1", "Frankfurt 1"),
    ("blr1", "Bangalore 1"),
    ("sgp1", "Singapore 1"),
];

/// Every region that can be ordered.
pub fn regions() -> Vec<Region> {
    REGIONS
        .iter()
        .map(|(slug, name)| Region {
            slug: (*slug).to_owned(),
            name: (*name).to_owned(),
            available: available(),
        })
        .collect()
}

/// What the operator charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// A full node (`BOOTSTRAP_FEE_SATS`).
    pub full_node: Sats,
    /// A classroom's node for an hour (`CLASSROOM_PRICES`).
    pub classroom: PlanPrices,
}

/// What a node of each plan costs for an hour; 0 for a plan that is not sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanPrices([Msats; Plan::ALL.len()]);

impl Default for PlanPrices {
    fn default() -> Self {
        Self(Plan::ALL.map(Plan::msats_per_node_hour))
    }
}

impl PlanPrices {
    /// Reads a setting such as `A=200000 B=220000 C=0`: millisatoshis per node and hour. What it does not name keeps its usual price,
    /// and what cannot be read comes back, by its place in the text.
    pub fn parse(text: &str) -> (Self, Vec<usize>) {
        let mut prices = Self::default();
        let mut bad = Vec::new();
        for (number, entry) in (1..).zip(text.split_whitespace()) {
            let read = entry.split_once('=').and_then(|(name, msats)| {
                let at = Plan::ALL.iter().position(|plan| plan.as_str() == name)?;
                Some((at, Msats::from_msats(msats.parse::<u32>().ok()?.into())))
            });
            match read.and_then(|(at, msats)| Some((prices.0.get_mut(at)?, msats))) {
                Some((price, msats)) => *price = msats,
                None => bad.push(number),
            }
        }
        (prices, bad)
    }

    /// The price of a plan that is sold.
    pub fn of(&self, plan: Plan) -> Option<Msats> {
        let mut plans = Plan::ALL.into_iter().zip(self.0);
        let (_, price) = plans.find(|(other, _)| *other == plan)?;
        (price.msats() > 0).then_some(price)
    }
}

impl Prices {
    /// The price of `product` in `region`.
    ///
    /// # Errors
    /// `unknown_region` for a region that is not in [`regions`]; `unknown_plan`.
    pub fn quote(&self, product: Product, region: &str) -> Result<Sats, ApiError> {
        if !REGIONS.iter().any(|(slug, _)| *slug == region) {
            return Err(ErrorCode::UnknownRegion.into());
        }
        Ok(match product {
            Product::FullNode { .. } => self.full_node,
            Product::Classroom(class) => class.price(
                self.classroom
                    .of(class.plan)
                    .ok_or(ErrorCode::UnknownPlan)?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(classroom: &str) -> Prices {
        Prices {
            full_node: Sats::from_sats(10_000),
            classroom: PlanPrices::parse(classroom).0,
        }
    }
    const NODE: Product = Product::full_node(BitcoinImplementation::Knots);

    #[test]
    fn a_quote_needs_a_region_that_exists() {
        assert_eq!(prices("").quote(NODE, "nyc3").unwrap().sats(), 10_000);
        for bad in ["", "NYC3", "mars1"] {
            assert_eq!(
                prices("").quote(NODE, bad).unwrap_err().code,
                ErrorCode::UnknownRegion
            );
        }
    }

    #[test]
    fn a_class_costs_its_node_hours() {
        let quote = |classroom: &str, plan| {
            let class = Product::Classroom(Classroom::new(plan, 48));
            prices(classroom).quote(class, "nyc3")
        };
        assert_eq!(quote("", Plan::A).unwrap().sats(), 76_800);
        assert_eq!(quote("A=1", Plan::A).unwrap().sats(), 1);
        assert_eq!(quote("A=1", Plan::B).unwrap().sats(), 168_960);
        let none = quote("B=0", Plan::B).unwrap_err();
        assert_eq!(none.code, ErrorCode::UnknownPlan);
        let (read, bad) = PlanPrices::parse("E=1 A=x A D=-1 C=7");
        assert_eq!(bad, [1, 2, 3, 4]);
        assert_eq!(read.of(Plan::C), Some(Msats::from_msats(7)));
        assert_eq!(read.of(Plan::A), Some(Plan::A.msats_per_node_hour()));
    }

    #[test]
    fn classes_on_the_wire() {
        let plain = r#"{"kind":"classroom","plan":"A","hours":48}"#;
        let class: Product = serde_json::from_str(plain).unwrap();
        assert_eq!(class, Product::Classroom(Classroom::new(Plan::A, 48)));
        assert_eq!(serde_json::to_string(&class).unwrap(), plain);
        let all = r#"{"kind":"classroom","plan":"B","hours":1,"graph":"full","distribution":"proof_of_work","seed":7,"satsPerNode":10000000}"#;
        let class: Product = serde_json::from_str(all).unwrap();
        assert_eq!(serde_json::to_string(&class).unwrap(), all);
        for bad in [
            r#""hours":"1""#,
            r#""hours":1,"bitcoin":"core""#,
            r#""hours":1,"seed":4294967296"#,
        ] {
            let body = format!(r#"{{"kind":"classroom","plan":"A",{bad}}}"#);
            assert!(serde_json::from_str::<Product>(&body).is_err(), "{bad}");
        }
    }

    #[test]
    fn products_on_the_wire() {
        let product: Product = serde_json::from_str(r#"{"kind":"full_node"}"#).unwrap();
        assert_eq!(product, NODE);
        let core = Product::full_node(BitcoinImplementation::Core);
        assert_eq!(
            serde_json::to_string(&core).unwrap(),
            r#"{"kind":"full_node","bitcoin":"core"}"#
        );
        assert!(
            serde_json::from_str::<Product>(r#"{"kind":"full_node","bitcon":"core"}"#).is_err()
        );
        assert!(serde_json::from_str::<Product>(r#"{"kind":"yacht"}"#).is_err());
    }
}
