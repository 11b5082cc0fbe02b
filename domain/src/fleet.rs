//! The places of one fleet: how many machines may stand in it, and which orders hold a place.
//!
//! Invariant: under unchanged limits, reservations that have not lapsed and paid places together are never more than the capacity.
//! Limits come with each call, because they are the operator's settings and may change at any time. Every call may be repeated.

use crate::error::ErrorCode;
use crate::id::OrderId;
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How an order holds its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Place {
    /// Kept while its invoice can be paid.
    Reserved {
        /// When it lapses.
        until: UnixMillis,
    },
    /// Kept until it is released.
    Paid,
}

impl Place {
    /// Whether it keeps others out.
    fn is_held(self, now: UnixMillis) -> bool {
        match self {
            Self::Reserved { until } => until > now,
            Self::Paid => true,
        }
    }
}

/// How full a fleet may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most places.
    pub capacity: u32,
    /// The most of them that may be reserved and not paid.
    pub unpaid: u32,
}

/// What is known of one order here. The stored row is this, as JSON; its spelling is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Row {
    /// Its place, if it holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What the operator should look at. It outlives the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The places of one fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fleet {
    rows: BTreeMap<OrderId, Row>,
    /// What is to be written.
    changed: BTreeSet<OrderId>,
}

impl Fleet {
    /// A fleet as it was stored.
    pub fn load(rows: impl IntoIterator<Item = (OrderId, Row)>) -> Self {
        Self {
            rows: rows.into_iter().collect(),
            changed: BTreeSet::new(),
        }
    }

    /// Which rows changed since the last call, for the store: each with what it is now, `None` where it is to be deleted.
    #[must_use]
    pub fn take_changes(&mut self) -> Vec<(OrderId, Option<&Row>)> {
        std::mem::take(&mut self.changed)
            .into_iter()
            .map(|id| (id, self.rows.get(&id)))
            .collect()
    }

    /// Keeps a place for an order while its invoice can be paid. For an order that has one it only ever moves the end later.
    ///
    /// # Errors
    /// `no_capacity` if there is no place, or too many of them wait for a payment.
    pub fn reserve(
        &mut self,
        id: OrderId,
        until: UnixMillis,
        limits: Limits,
        now: UnixMillis,
    ) -> Result<(), ErrorCode> {
        self.sweep(now);
        let until = match self.place(id) {
            Some(Place::Paid) => return Ok(()),
            Some(Place::Reserved { until: before }) => until.max(before),
            None if self.free(limits, now) == 0 => return Err(ErrorCode::NoCapacity),
            None => until,
        };
        self.put(id, Place::Reserved { until });
        Ok(())
    }

    /// The order is paid: gives it a place for good, and says whether there was one. A reservation that has not lapsed always is
    /// one, even if the operator made the fleet smaller; a payment that came later needs room.
    #[must_use]
    pub fn claim(&mut self, id: OrderId, limits: Limits, now: UnixMillis) -> bool {
        self.sweep(now);
        let has_place = self.place(id).is_some();
        if has_place || self.held(now) < limits.capacity {
            self.put(id, Place::Paid);
            return true;
        }
        false
    }

    /// Gives the order's place back.
    pub fn release(&mut self, id: OrderId) {
        self.edit(id, |row| row.place = None);
    }

    /// Says what the operator should look at, or that there is nothing any more.
    pub fn note(&mut self, id: OrderId, note: Option<String>) {
        self.edit(id, |row| row.note = note);
    }

    /// Drops the reservations that have lapsed.
    pub fn sweep(&mut self, now: UnixMillis) {
        let held = |row: &Row| row.place.is_none_or(|place| place.is_held(now));
        let lapsed: Vec<OrderId> = self
            .rows
            .iter()
            .filter(|(_, row)| !held(row))
            .map(|(id, _)| *id)
            .collect();
        for id in lapsed {
            self.release(id);
        }
    }

    /// How many more orders [`Fleet::reserve`] would take.
    pub fn free(&self, limits: Limits, now: UnixMillis) -> u32 {
        let unpaid = self.count(|place| place != Place::Paid && place.is_held(now));
        limits
            .capacity
            .saturating_sub(self.held(now))
            .min(limits.unpaid.saturating_sub(unpaid))
    }

    /// Every order that holds a place or has a note.
    pub fn list(&self, now: UnixMillis) -> Vec<(OrderId, Row)> {
        let mut seen = self.clone();
        seen.sweep(now);
        seen.rows.into_iter().collect()
    }

    fn place(&self, id: OrderId) -> Option<Place> {
        self.rows.get(&id).and_then(|row| row.place)
    }

    fn held(&self, now: UnixMillis) -> u32 {
        self.count(|place| place.is_held(now))
    }

    fn count(&self, which: impl Fn(Place) -> bool) -> u32 {
        let places = self.rows.values().filter_map(|row| row.place);
        u32::try_from(places.filter(|place| which(*place)).count()).unwrap_or(u32::MAX)
    }

    fn put(&mut self, id: OrderId, place: Place) {
        self.edit(id, |row| row.place = Some(place));
    }

    /// Changes a row; one that says nothing any more is dropped, and one that stays the same is not written.
    fn edit(&mut self, id: OrderId, change: impl FnOnce(&mut Row)) {
        let before = self.rows.remove(&id).unwrap_or_default();
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            self.changed.insert(id);
        }
        if after != Row::default() {
            self.rows.insert(id, after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const LATER: UnixMillis = UnixMillis(1_060_000);
    const TWO: Limits = Limits {
        capacity: 2,
        unpaid: 10,
    };

    fn id(n: u8) -> OrderId {
        OrderId::from_bytes([n; 16])
    }

    #[test]
    fn a_full_fleet_takes_no_more_until_a_reservation_lapses() {
        let mut fleet = Fleet::default();
        assert_eq!(fleet.reserve(id(1), LATER, TWO, NOW), Ok(()));
        assert_eq!(
            fleet.reserve(id(2), LATER.plus_seconds(1), TWO, NOW),
            Ok(())
        );
        assert_eq!(fleet.free(TWO, NOW), 0);
        let full = fleet.clone();
        assert_eq!(
            fleet.reserve(id(3), LATER, TWO, NOW),
            Err(ErrorCode::NoCapacity)
        );
        assert_eq!(fleet, full);
        assert_eq!(fleet.free(TWO, LATER), 1);
        assert_eq!(fleet.list(LATER).len(), 1);
        assert_eq!(
            fleet.reserve(id(3), LATER.plus_seconds(9), TWO, LATER),
            Ok(())
        );
    }

    #[test]
    fn the_same_order_again_only_moves_its_end_later() {
        let mut fleet = Fleet::default();
        assert_eq!(fleet.reserve(id(1), LATER, TWO, NOW), Ok(()));
        assert_eq!(fleet.take_changes().len(), 1);
        assert_eq!(fleet.reserve(id(1), NOW.plus_seconds(1), TWO, NOW), Ok(()));
        assert_eq!(fleet.take_changes(), []);
        let later = LATER.plus_seconds(1);
        assert_eq!(fleet.reserve(id(1), later, TWO, NOW), Ok(()));
        assert_eq!(
            fleet.list(NOW)[0].1.place,
            Some(Place::Reserved { until: later })
        );
        assert_eq!(fleet.free(TWO, NOW), 1);
    }

    #[test]
    fn a_reservation_is_honoured_though_the_fleet_shrank() {
        let none = Limits {
            capacity: 0,
            unpaid: 0,
        };
        let mut fleet = Fleet::default();
        assert_eq!(fleet.reserve(id(1), LATER, TWO, NOW), Ok(()));
        assert_eq!(fleet.reserve(id(1), LATER, none, NOW), Ok(()));
        assert!(fleet.claim(id(1), none, NOW));
        assert!(fleet.claim(id(1), none, LATER.plus_seconds(99)));
        assert!(!fleet.claim(id(2), none, NOW));
        assert_eq!(fleet.free(none, NOW), 0);
    }

    #[test]
    fn a_late_payment_needs_room() {
        let mut fleet = Fleet::default();
        for n in 1..=2 {
            assert_eq!(fleet.reserve(id(n), LATER, TWO, NOW), Ok(()));
        }
        assert!(fleet.claim(id(3), TWO, LATER));
        assert!(fleet.claim(id(1), TWO, LATER));
        assert!(!fleet.claim(id(2), TWO, LATER));
        fleet.release(id(3));
        fleet.release(id(3));
        assert!(fleet.claim(id(2), TWO, LATER));
    }

    #[test]
    fn a_paid_place_stays_paid() {
        let mut fleet = Fleet::default();
        assert!(fleet.claim(id(1), TWO, NOW));
        assert_eq!(fleet.reserve(id(1), LATER, TWO, NOW), Ok(()));
        assert_eq!(
            fleet.list(LATER.plus_seconds(1))[0].1.place,
            Some(Place::Paid)
        );
    }

    #[test]
    fn only_so_many_may_wait_for_a_payment() {
        let one = Limits {
            capacity: 9,
            unpaid: 1,
        };
        let mut fleet = Fleet::default();
        assert_eq!(fleet.reserve(id(1), LATER, one, NOW), Ok(()));
        assert_eq!(
            fleet.reserve(id(2), LATER, one, NOW),
            Err(ErrorCode::NoCapacity)
        );
        assert!(fleet.claim(id(1), one, NOW));
        assert_eq!(fleet.reserve(id(2), LATER, one, NOW), Ok(()));
    }

    #[test]
    fn a_note_survives_its_place() {
        let mut fleet = Fleet::default();
        assert!(fleet.claim(id(1), TWO, NOW));
        fleet.note(id(1), Some("look".to_owned()));
        fleet.release(id(1));
        let row = Row {
            place: None,
            note: Some("look".to_owned()),
        };
        assert_eq!(fleet.take_changes(), [(id(1), Some(&row))]);
        assert_eq!(fleet.free(TWO, NOW), 2);
        fleet.note(id(1), None);
        assert_eq!(fleet.take_changes(), [(id(1), None)]);
        assert_eq!(fleet.list(NOW), []);
    }

    #[test]
    fn stored_rows_are_spelt_like_this() {
        let paid = r#"{"place":{"name":"paid"},"note":"look"}"#;
        let reserved = r#"{"place":{"name":"reserved","until":1000000}}"#;
        for text in [paid, reserved, "{}"] {
            let row: Row = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&row).unwrap(), text);
        }
    }

    proptest! {
        /// Whatever is asked, in whatever order: no more places than the capacity, and the changes alone rebuild the fleet.
        #[test]
        fn never_more_places_than_the_capacity(
            capacity in 0_u32..6,
            unpaid in 0_u32..6,
            asks in proptest::collection::vec((0_u8..5, 0_u8..9, 0_u64..40, 0_u64..4), 1..120),
        ) {
            let limits = Limits { capacity, unpaid };
            let mut fleet = Fleet::default();
            let mut stored = BTreeMap::new();
            let mut now = NOW;
            for (what, order, seconds, passed) in asks {
                now = now.plus_seconds(passed);
                let (id, until) = (id(order), now.plus_seconds(seconds));
                let free = fleet.free(limits, now);
                let had = fleet.place(id).is_some_and(|place| place.is_held(now));
                match what {
                    0 => {
                        let taken = fleet.reserve(id, until, limits, now).is_ok();
                        prop_assert_eq!(taken, had || free > 0);
                        prop_assert!(!taken || seconds == 0 || fleet.place(id).is_some());
                    }
                    1 => {
                        let taken = fleet.claim(id, limits, now);
                        prop_assert!(taken || !had);
                        prop_assert_eq!(taken, fleet.place(id) == Some(Place::Paid));
                    }
                    2 => fleet.release(id),
                    3 => fleet.note(id, (seconds > 20).then(|| "look".to_owned())),
                    _ => fleet.sweep(now),
                }
                prop_assert!(fleet.held(now) <= capacity);
                let unpaid_now = fleet.count(|place| place != Place::Paid && place.is_held(now));
                prop_assert!(unpaid_now <= unpaid);
                for (id, row) in fleet.take_changes() {
                    match row {
                        Some(row) => stored.insert(id, row.clone()),
                        None => stored.remove(&id),
                    };
                }
                prop_assert_eq!(Fleet::load(stored.clone()), fleet.clone());
            }
        }
    }
}
