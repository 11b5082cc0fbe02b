//! The orders that came from one network address: how many of them are unpaid, and how many came within the last minute.
//!
//! Invariant: what is refused changes nothing, and what is known empties itself; no address is kept, only a hash of it for as long
//! as it matters.

use crate::error::ErrorCode;
use crate::id::OrderId;
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// How long a new order counts against `per_minute`, in milliseconds.
const MINUTE: u64 = 60_000;

/// The name of an address's door: 32 hex digits. All of an IPv6 /64 is one address, because one customer has at least that much.
/// `None` for what is no address.
pub fn visitor(address: &str) -> Option<String> {
    let prefix = match address.trim().parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                format!("{}/64", Ipv6Addr::from(network))
            }
        },
    };
    let hash = Sha256::digest(["kindling/v1/door", &prefix].concat());
    Some(hex::encode(&hash[..16]))
}

/// How many orders one address may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most that wait for their payment at a time.
    pub unpaid: u32,
    /// The most new ones within a minute, paid or not.
    pub per_minute: u32,
}

/// One order that came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Visit {
    /// When it came.
    since: UnixMillis,
    /// Until when it counts as unpaid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<UnixMillis>,
}

impl Visit {
    fn is_unpaid(&self, now: UnixMillis) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    fn is_new(&self, now: UnixMillis) -> bool {
        self.since.plus_millis(MINUTE) > now
    }

    /// When it stops to matter.
    fn over(&self) -> UnixMillis {
        let new = self.since.plus_millis(MINUTE);
        self.until.map_or(new, |until| until.max(new))
    }
}

/// One address's orders. The stored row is this, as JSON; its spelling is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Door {
    visits: BTreeMap<OrderId, Visit>,
}

impl Door {
    /// Lets an order in that can be paid until `until`. One that is in already only moves its end later.
    ///
    /// # Errors
    /// `too_many_orders` if too many wait for their payment, `too_many_requests` if too many came within the last minute.
    pub fn admit(
        &mut self,
        id: OrderId,
        until: UnixMillis,
        limits: Limits,
        now: UnixMillis,
    ) -> Result<(), ErrorCode> {
        let before = self.visits.get(&id).copied();
        let is_unpaid = before.is_some_and(|visit| visit.is_unpaid(now));
        let is_new = before.is_some_and(|visit| visit.is_new(now));
        if !is_unpaid && self.count(|visit| visit.is_unpaid(now)) >= limits.unpaid {
            return Err(ErrorCode::TooManyOrders);
        }
        if !is_unpaid && !is_new && self.count(|visit| visit.is_new(now)) >= limits.per_minute {
            return Err(ErrorCode::TooManyRequests);
        }
        let visit = match before {
            Some(visit) if is_unpaid || is_new => Visit {
                since: visit.since,
                until: visit.until.max(Some(until)),
            },
            _ => Visit {
                since: now,
                until: Some(until),
            },
        };
        self.visits.retain(|_, visit| visit.over() > now);
        self.visits.insert(id, visit);
        Ok(())
    }

    /// The order was paid: it is no longer unpaid, but came within the minute all the same.
    pub fn leave(&mut self, id: OrderId) {
        if let Some(visit) = self.visits.get_mut(&id) {
            visit.until = None;
        }
    }

    /// When nothing here matters any more; `None` if nothing is here.
    pub fn empties_at(&self) -> Option<UnixMillis> {
        self.visits.values().map(Visit::over).max()
    }

    fn count(&self, which: impl Fn(&Visit) -> bool) -> u32 {
        let visits = self.visits.values().filter(|visit| which(visit));
        u32::try_from(visits.count()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const LIMITS: Limits = Limits {
        unpaid: 2,
        per_minute: 3,
    };

    fn id(n: u8) -> OrderId {
        OrderId::from_bytes([n; 16])
    }

    fn hour(from: UnixMillis) -> UnixMillis {
        from.plus_seconds(3600)
    }

    #[test]
    fn a_visitor_is_an_ipv4_address_or_an_ipv6_network() {
        let name = |address: &str| visitor(address).unwrap();
        // printf %s kindling/v1/door192.0.2.1 | sha256sum
        assert_eq!(name("192.0.2.1"), "7f91424ab529cccba76e903229359ced");
        // printf %s kindling/v1/door2001:db8:1:2::/64 | sha256sum
        assert_eq!(
            name("2001:db8:1:2:3:4:5:6"),
            "3834f4591b3a17ea552dac55d8ca563d"
        );
        assert_eq!(name("2001:db8:1:2::"), name("2001:DB8:1:2:ffff::1"));
        assert_ne!(name("2001:db8:1:2::1"), name("2001:db8:1:3::1"));
        assert_eq!(name("::ffff:192.0.2.1"), name("192.0.2.1"));
        assert_ne!(name("192.0.2.1"), name("192.0.2.2"));
        for bad in [
            "",
            "localhost",
            "192.0.2",
            "192.0.2.1:80",
            "[::1]",
            "fe80::1%eth0",
        ] {
            assert_eq!(visitor(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_so_many_unpaid_orders_get_in_and_a_refusal_changes_nothing() {
        let mut door = Door::default();
        assert_eq!(door.admit(id(1), hour(NOW), LIMITS, NOW), Ok(()));
        assert_eq!(door.admit(id(2), hour(NOW), LIMITS, NOW), Ok(()));
        let before = door.clone();
        for n in 3..=9 {
            assert_eq!(
                door.admit(id(n), hour(NOW), LIMITS, NOW),
                Err(ErrorCode::TooManyOrders)
            );
        }
        assert_eq!(door, before);
        door.leave(id(1));
        assert_eq!(door.admit(id(3), hour(NOW), LIMITS, NOW), Ok(()));
        let late = hour(NOW);
        assert_eq!(door.admit(id(4), hour(late), LIMITS, late), Ok(()));
        assert_eq!(door.visits.len(), 1);
    }

    #[test]
    fn only_so_many_orders_get_in_within_a_minute_paid_or_not() {
        let mut door = Door::default();
        for n in 1..=3 {
            assert_eq!(door.admit(id(n), hour(NOW), LIMITS, NOW), Ok(()));
            door.leave(id(n));
        }
        let before = door.clone();
        assert_eq!(
            door.admit(id(4), hour(NOW), LIMITS, NOW.plus_seconds(59)),
            Err(ErrorCode::TooManyRequests)
        );
        assert_eq!(door, before);
        let later = NOW.plus_seconds(60);
        assert_eq!(door.admit(id(4), hour(NOW), LIMITS, later), Ok(()));
    }

    #[test]
    fn the_same_order_again_gets_in_and_counts_once() {
        let mut door = Door::default();
        for n in [1, 2, 1, 2, 1, 2, 1] {
            assert_eq!(door.admit(id(n), hour(NOW), LIMITS, NOW), Ok(()));
        }
        let later = NOW.plus_seconds(600);
        assert_eq!(door.admit(id(1), NOW, LIMITS, later), Ok(()));
        assert_eq!(door.empties_at(), Some(hour(NOW)));
        assert_eq!(door.admit(id(1), hour(later), LIMITS, later), Ok(()));
        assert_eq!(door.empties_at(), Some(hour(later)));
    }

    #[test]
    fn an_order_that_ran_out_comes_back_like_a_new_one() {
        let mut door = Door::default();
        let soon = NOW.plus_seconds(90);
        assert_eq!(door.admit(id(1), soon, LIMITS, NOW), Ok(()));
        assert_eq!(door.admit(id(2), hour(NOW), LIMITS, soon), Ok(()));
        assert_eq!(door.admit(id(3), hour(NOW), LIMITS, soon), Ok(()));
        assert_eq!(
            door.admit(id(1), hour(NOW), LIMITS, soon),
            Err(ErrorCode::TooManyOrders)
        );
    }

    #[test]
    fn a_door_empties_itself() {
        let mut door = Door::default();
        assert_eq!(door.empties_at(), None);
        door.leave(id(1));
        assert_eq!(door, Door::default());
        assert_eq!(door.admit(id(1), hour(NOW), LIMITS, NOW), Ok(()));
        assert_eq!(door.empties_at(), Some(hour(NOW)));
        door.leave(id(1));
        assert_eq!(door.empties_at(), Some(NOW.plus_seconds(60)));
    }

    #[test]
    fn a_stored_door_is_spelt_like_this() {
        let text = r#"{"visits":{"01010101010101010101010101010101":{"since":1000000,"until":4600000},"02020202020202020202020202020202":{"since":1000000}}}"#;
        let mut door = Door::default();
        for n in 1..=2 {
            assert_eq!(door.admit(id(n), hour(NOW), LIMITS, NOW), Ok(()));
        }
        door.leave(id(2));
        assert_eq!(serde_json::to_string(&door).unwrap(), text);
        assert_eq!(serde_json::from_str::<Door>(text).unwrap(), door);
    }
}
