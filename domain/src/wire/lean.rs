//! What the first page reads, from JSON that its browser has parsed already: the same names as the types' own, without the weight of a
//! parser for all that JSON may be. The tests hold both to the same text.

use super::{Catalogue, FiatPrice, PlanView, ProductView};
use crate::bolt11::Network;
use crate::catalogue::{BitcoinImplementation, BitcoinNetwork, Region};
use crate::classroom::{Graph, Plan};
use crate::error::{ApiError, ErrorBody, ErrorCode};
use crate::money::{Msats, Sats};
use crate::time::UnixMillis;

/// The largest whole number that JavaScript counts to without a gap.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// A value of JSON, parsed.
pub trait Json: Sized {
    /// A field of an object; `None` where it is missing or null.
    fn field(&self, name: &str) -> Option<Self>;
    /// A list's values.
    fn items(&self) -> Option<Vec<Self>>;
    /// A text.
    fn text(&self) -> Option<String>;
    /// A number.
    fn number(&self) -> Option<f64>;
    /// True or false.
    fn flag(&self) -> Option<bool>;
}

/// What can be read so. What is not as it should be is `None`, whatever it is.
pub trait Lean: Sized {
    /// Reads it.
    fn read(value: &impl Json) -> Option<Self>;
}

/// A field that has to be there.
pub fn field<T: Lean>(value: &impl Json, name: &str) -> Option<T> {
    T::read(&value.field(name)?)
}

/// A field that may be missing; one that cannot be read is no field that is missing.
fn optional<T: Lean>(value: &impl Json, name: &str) -> Option<Option<T>> {
    match value.field(name) {
        Some(found) => T::read(&found).map(Some),
        None => Some(None),
    }
}

/// A list that may be missing.
fn list<T: Lean>(value: &impl Json, name: &str) -> Option<Vec<T>> {
    Some(optional(value, name)?.unwrap_or_default())
}

impl Lean for String {
    fn read(value: &impl Json) -> Option<Self> {
        value.text()
    }
}

impl Lean for bool {
    fn read(value: &impl Json) -> Option<Self> {
        value.flag()
    }
}

impl Lean for u64 {
    fn read(value: &impl Json) -> Option<Self> {
        let number = value.number()?;
        let whole = (0.0..=MAX_SAFE_INTEGER).contains(&number) && number.trunc() == number;
        whole.then_some(number as u64)
    }
}

impl Lean for u32 {
    fn read(value: &impl Json) -> Option<Self> {
        u64::read(value)?.try_into().ok()
    }
}

impl Lean for Sats {
    fn read(value: &impl Json) -> Option<Self> {
        u64::read(value).map(Self::from_sats)
    }
}

impl Lean for Msats {
    fn read(value: &impl Json) -> Option<Self> {
        u64::read(value).map(Self::from_msats)
    }
}

impl Lean for UnixMillis {
    fn read(value: &impl Json) -> Option<Self> {
        u64::read(value).map(Self)
    }
}

impl<T: Lean> Lean for Vec<T> {
    fn read(value: &impl Json) -> Option<Self> {
        value.items()?.iter().map(T::read).collect()
    }
}

/// Enums, by their spelling on the wire.
macro_rules! words {
    ($($name:ty),+) => {
        $(impl Lean for $name {
            fn read(value: &impl Json) -> Option<Self> {
                let word = value.text()?;
                <$name>::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        })+
    };
}

words!(
    Network,
    BitcoinImplementation,
    BitcoinNetwork,
    Graph,
    Plan,
    ErrorCode
);

impl Lean for Region {
    fn read(value: &impl Json) -> Option<Self> {
        Some(Self {
            slug: field(value, "slug")?,
            name: field(value, "name")?,
            available: optional(value, "available")?.unwrap_or(true),
        })
    }
}

impl Lean for PlanView {
    fn read(value: &impl Json) -> Option<Self> {
        Some(Self {
            plan: field(value, "plan")?,
            nodes: field(value, "nodes")?,
            msat_per_node_hour: field(value, "msatPerNodeHour")?,
            graphs: field(value, "graphs")?,
        })
    }
}

impl Lean for ProductView {
    fn read(value: &impl Json) -> Option<Self> {
        Some(Self {
            kind: field(value, "kind")?,
            amount_sats: field(value, "amountSats")?,
            bitcoin: list(value, "bitcoin")?,
            networks: list(value, "networks")?,
            assumeutxo: optional(value, "assumeutxo")?.unwrap_or_default(),
            plans: list(value, "plans")?,
            max_hours: optional(value, "maxHours")?,
            hours: optional(value, "hours")?,
            available: field(value, "available")?,
        })
    }
}

impl Lean for FiatPrice {
    fn read(value: &impl Json) -> Option<Self> {
        Some(Self {
            currency: field(value, "currency")?,
            hundredths_per_bitcoin: field(value, "hundredthsPerBitcoin")?,
            at: field(value, "at")?,
        })
    }
}

impl Lean for Catalogue {
    fn read(value: &impl Json) -> Option<Self> {
        Some(Self {
            lightning_network: field(value, "lightningNetwork")?,
            stub_mode: field(value, "stubMode")?,
            products: field(value, "products")?,
            regions: field(value, "regions")?,
            default_region: field(value, "defaultRegion")?,
            fiat: optional(value, "fiat")?,
            push_key: optional(value, "pushKey")?,
        })
    }
}

impl Lean for ApiError {
    fn read(value: &impl Json) -> Option<Self> {
        Some(Self {
            code: field(value, "code")?,
            message: field(value, "message")?,
        })
    }
}

impl Lean for ErrorBody {
    fn read(value: &impl Json) -> Option<Self> {
        Some(Self {
            error: field(value, "error")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde_json::Value;

    impl Json for Value {
        fn field(&self, name: &str) -> Option<Self> {
            self.get(name).filter(|found| !found.is_null()).cloned()
        }
        fn items(&self) -> Option<Vec<Self>> {
            self.as_array().cloned()
        }
        fn text(&self) -> Option<String> {
            self.as_str().map(str::to_owned)
        }
        fn number(&self) -> Option<f64> {
            self.as_f64()
        }
        fn flag(&self) -> Option<bool> {
            self.as_bool()
        }
    }

    /// What was written by the type's own way is read the same.
    fn reads_back<T: Lean + Serialize + PartialEq>(value: &T) -> bool {
        T::read(&serde_json::to_value(value).unwrap()).as_ref() == Some(value)
    }

    fn full() -> Catalogue {
        let node = ProductView {
            kind: "full_node".to_owned(),
            amount_sats: Sats::from_sats(250_000),
            bitcoin: BitcoinImplementation::ALL.into(),
            networks: BitcoinNetwork::ALL.into(),
            assumeutxo: true,
            plans: Vec::new(),
            max_hours: None,
            hours: Some(72),
            available: false,
        };
        let plan = |plan: Plan| PlanView {
            plan,
            nodes: plan.nodes(),
            msat_per_node_hour: plan.msats_per_node_hour(),
            graphs: plan.graphs().to_vec(),
        };
        let class = ProductView {
            kind: "classroom".to_owned(),
            plans: Plan::ALL.map(plan).into(),
            max_hours: Some(504),
            hours: None,
            available: true,
            bitcoin: Vec::new(),
            networks: Vec::new(),
            assumeutxo: false,
            ..node.clone()
        };
        let mut regions = crate::catalogue::regions();
        regions[1].available = false;
        Catalogue {
            lightning_network: Network::Signet,
            stub_mode: true,
            products: vec![node, class],
            regions,
            default_region: "nyc3".to_owned(),
            fiat: Some(FiatPrice {
                currency: "EUR".to_owned(),
                hundredths_per_bitcoin: 9_123_457,
                at: UnixMillis(1_763_705_640_123),
            }),
            push_key: Some("BA".to_owned()),
        }
    }

    #[test]
    fn a_catalogue_is_read_as_it_was_written() {
        assert!(reads_back(&full()));
        let least = Catalogue {
            fiat: None,
            push_key: None,
            products: Vec::new(),
            regions: Vec::new(),
            ..full()
        };
        assert!(reads_back(&least));
        for network in Network::ALL {
            assert!(reads_back(&network));
        }
    }

    #[test]
    fn what_may_be_missing_means_what_it_means_to_the_types_own_way() {
        let mut shortest = serde_json::to_value(full()).unwrap();
        for product in shortest["products"].as_array_mut().unwrap() {
            let product = product.as_object_mut().unwrap();
            product.retain(|name, _| ["kind", "amountSats", "available"].contains(&name.as_str()));
        }
        for region in shortest["regions"].as_array_mut().unwrap() {
            region.as_object_mut().unwrap().remove("available");
        }
        let own: Catalogue = serde_json::from_value(shortest.clone()).unwrap();
        assert!(Catalogue::read(&shortest) == Some(own));
    }

    #[test]
    fn every_refusal_is_read_as_it_was_written() {
        for code in ErrorCode::ALL {
            let error = ApiError::from(*code);
            assert!(reads_back(&ErrorBody { error }), "{code:?}");
        }
    }

    #[test]
    fn what_is_not_as_it_should_be_is_not_read() {
        let good = serde_json::to_value(full()).unwrap();
        for (place, wrong) in [
            ("/stubMode", Value::from("yes")),
            ("/defaultRegion", Value::Null),
            ("/lightningNetwork", "moon".into()),
            ("/products", "none".into()),
            ("/products/0/amountSats", (-1).into()),
            ("/products/0/amountSats", 0.5.into()),
            ("/products/0/hours", 5_000_000_000_u64.into()),
            ("/products/0/hours", "3".into()),
            ("/products/1/plans/0/plan", "E".into()),
            ("/regions/0/available", 1.into()),
            ("/fiat/at", 1e17.into()),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(place).unwrap() = wrong;
            assert!(Catalogue::read(&bad).is_none(), "{place}");
        }
    }
}
