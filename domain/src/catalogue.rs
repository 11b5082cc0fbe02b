//! What can be bought, where, and for how much: products and prices in, a quote out.

use crate::error::{ApiError, ErrorCode};
use crate::money::Sats;
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
        }
    }

    /// Whether its options go together, and are sold here.
    ///
    /// # Errors
    /// `unavailable_option`.
    pub fn check(self, assumeutxo_sold: bool) -> Result<(), ApiError> {
        let Self::FullNode {
            network,
            assumeutxo,
            neutrino,
            ..
        } = self;
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
}

impl Prices {
    /// The price of `product` in `region`.
    ///
    /// # Errors
    /// `unknown_region` for a region that is not in [`regions`].
    pub fn quote(&self, product: Product, region: &str) -> Result<Sats, ApiError> {
        if !REGIONS.iter().any(|(slug, _)| *slug == region) {
            return Err(ErrorCode::UnknownRegion.into());
        }
        Ok(match product {
            Product::FullNode { .. } => self.full_node,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: Prices = Prices {
        full_node: Sats::from_sats(10_000),
    };
    const NODE: Product = Product::full_node(BitcoinImplementation::Knots);

    #[test]
    fn a_quote_needs_a_region_that_exists() {
        assert_eq!(PRICES.quote(NODE, "nyc3").unwrap().sats(), 10_000);
        for bad in ["", "NYC3", "mars1"] {
            assert_eq!(
                PRICES.quote(NODE, bad).unwrap_err().code,
                ErrorCode::UnknownRegion
            );
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
