//! Amounts of bitcoin, with their unit in the type; there is no conversion that does not say it.

use serde::{Deserialize, Serialize};

/// Whole satoshis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sats(u64);

/// Millisatoshis, the unit of BOLT11 and of LNbits' answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Msats(u64);

impl Sats {
    /// An amount in satoshis.
    pub const fn from_sats(sats: u64) -> Self {
        Self(sats)
    }

    /// The number of satoshis.
    pub const fn sats(self) -> u64 {
        self.0
    }

    /// The same amount in millisatoshis; 21 million bitcoin fit with room to spare.
    pub const fn msats(self) -> Msats {
        Msats(self.0.saturating_mul(1000))
    }
}

impl Msats {
    /// An amount in millisatoshis.
    pub const fn from_msats(msats: u64) -> Self {
        Self(msats)
    }

    /// The number of millisatoshis.
    pub const fn msats(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sat_is_a_thousand_msats() {
        assert_eq!(
            Sats::from_sats(10_000).msats(),
            Msats::from_msats(10_000_000)
        );
    }
}
