//! Who is told by a notification that the order is ready, or has failed: once each, and of nothing else.
//!
//! It stands beside the order's own timers, so that nothing here delays or moves them. A try is saved together with the time of the next
//! one before it is made, and only its answer takes that back: whatever is cut in between is tried again, a few times in all.

use super::{Order, State};
use crate::error::{ApiError, ErrorCode};
use crate::secret::Secret;
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// The most devices that one order tells.
const MAX_SUBSCRIPTIONS: usize = 5;
/// How often one of them is tried.
const MAX_TRIES: u32 = 6;
/// The pause after the first try, in seconds; each one after it is twice as long.
const PAUSE_SECONDS: u64 = 30;
/// A service that asks to be left alone for longer is not asked again, in seconds.
const MAX_PAUSE_SECONDS: u64 = 24 * 3600;

/// A device that wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Where its push service takes messages for it. Whoever knows it can send there.
    endpoint: Secret,
    /// Since there is something to tell: how it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ringing: Option<Ringing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Ringing {
    /// How often it was tried.
    tries: u32,
    /// When it is tried next.
    next: UnixMillis,
}

/// Everybody who wants to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bell(Vec<Subscription>);

/// What a push service made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It took it.
    Taken,
    /// There is no such subscription any more.
    Gone,
    /// It never will take it.
    Refused,
    /// Perhaps later; or it gave no answer.
    Later {
        /// What it asked for, in seconds.
        retry_after: Option<u64>,
    },
}

impl Told {
    /// Reads an answer's status (RFC 8030).
    pub const fn of(status: u16, retry_after: Option<u64>) -> Self {
        match status {
            200..=299 => Self::Taken,
            404 | 410 => Self::Gone,
            429 | 500..=599 => Self::Later { retry_after },
            _ => Self::Refused,
        }
    }

    /// For the journal.
    const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Gone => "unknown there",
            Self::Refused => "refused",
            Self::Later { .. } => "not taken",
        }
    }
}

impl Bell {
    /// Nobody wants to be told.
    pub fn is_silent(&self) -> bool {
        self.0.is_empty()
    }

    /// There is something to tell everybody.
    pub(super) fn ring(&mut self, now: UnixMillis) {
        for subscription in &mut self.0 {
            subscription.ringing = Some(Ringing {
                tries: 0,
                next: now,
            });
        }
    }

    /// There is nothing more to tell.
    pub(super) fn silence(&mut self) {
        self.0.clear();
    }

    fn ringing(&self) -> impl Iterator<Item = Ringing> {
        self.0.iter().filter_map(|one| one.ringing)
    }
}

impl Order {
    /// Has this device told when the order is ready, or has failed. The same one twice is one; where there is nothing to wait for any
    /// more, it is not kept.
    ///
    /// # Errors
    /// `too_many_subscriptions`.
    pub fn subscribe(&mut self, endpoint: Secret) -> Result<(), ApiError> {
        let waits = matches!(
            self.state,
            State::AwaitingPayment | State::Expired | State::Provisioning { .. }
        );
        let subscribed = &mut self.bell.0;
        if !waits || subscribed.iter().any(|one| one.endpoint == endpoint) {
            return Ok(());
        }
        if subscribed.len() >= MAX_SUBSCRIPTIONS {
            return Err(ErrorCode::TooManySubscriptions.into());
        }
        subscribed.push(Subscription {
            endpoint,
            ringing: None,
        });
        Ok(())
    }

    /// Forgets this device, or every one.
    pub fn unsubscribe(&mut self, endpoint: Option<&Secret>) {
        self.bell
            .0
            .retain(|one| endpoint.is_some_and(|endpoint| one.endpoint != *endpoint));
    }

    /// When somebody is to be told next.
    pub fn next_ring(&self) -> Option<UnixMillis> {
        self.bell.ringing().map(|ringing| ringing.next).min()
    }

    /// Whom to tell now. They count as tried; to be saved before they are.
    pub fn ring_begins(&mut self, now: UnixMillis) -> Vec<Secret> {
        // The answer to the last try never came.
        let spent = |ringing: Ringing| ringing.next <= now && ringing.tries >= MAX_TRIES;
        self.bell.0.retain(|one| !one.ringing.is_some_and(spent));
        let mut due = Vec::new();
        for Subscription { endpoint, ringing } in &mut self.bell.0 {
            if let Some(ringing) = ringing.as_mut().filter(|ringing| ringing.next <= now) {
                ringing.next = now.plus_seconds(PAUSE_SECONDS << ringing.tries);
                ringing.tries += 1;
                due.push(endpoint.clone());
            }
        }
        due
    }

    /// A push service has answered, or has not.
    pub fn told(&mut self, endpoint: &Secret, told: Told, now: UnixMillis) {
        let mut subscribed = self.bell.0.iter_mut();
        let Some(ringing) = subscribed
            .find(|one| one.endpoint == *endpoint)
            .and_then(|one| one.ringing.as_mut())
        else {
            return;
        };
        let again = match told {
            Told::Later { retry_after } if ringing.tries < MAX_TRIES => {
                let pause = retry_after.unwrap_or(0);
                ringing.next = ringing.next.max(now.plus_seconds(pause));
                pause <= MAX_PAUSE_SECONDS
            }
            _ => false,
        };
        self.note(now, "notification", told.word());
        if !again {
            self.unsubscribe(Some(endpoint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::FailureReason;
    use rand_chacha::ChaCha8Rng;
    use rand_core::{RngCore, SeedableRng};

    const START: UnixMillis = UnixMillis(1_763_705_640_000);
    const STATES: [&str; 2] = [
        r#"{"name":"awaiting_payment"}"#,
        r#"{"name":"provisioning","step":"await_machine","phase":"booting","attempt":{"since":0,"failures":0,"not_before":0,"in_flight":false}}"#,
    ];

    fn order(state: &str) -> Order {
        let row = include_str!("../../tests/data/order_v2.json");
        let mut row: serde_json::Value = serde_json::from_str(row).unwrap();
        row["state"] = serde_json::from_str(state).unwrap();
        Order::read(&row.to_string()).unwrap()
    }

    fn device(number: usize) -> Secret {
        Secret::new(format!("https://push.example/{number}"))
    }

    fn failing(devices: usize) -> Order {
        let mut order = order(STATES[1]);
        for number in 0..devices {
            order.subscribe(device(number)).unwrap();
        }
        order.fail(FailureReason::MachineSilent, START);
        order
    }

    #[test]
    fn five_devices_are_told_and_one_twice_is_one() {
        for state in STATES {
            let mut order = order(state);
            for number in [0, 1, 2, 3, 4, 0, 4] {
                order.subscribe(device(number)).unwrap();
            }
            let refused = order.subscribe(device(5)).unwrap_err();
            assert_eq!(refused.code, ErrorCode::TooManySubscriptions);
            assert_eq!(order.next_ring(), None, "there is nothing to tell");
            order.unsubscribe(Some(&device(2)));
            order.unsubscribe(Some(&device(9)));
            order.subscribe(device(5)).unwrap();
            assert_eq!(order.bell.0.len(), 5);
            order.unsubscribe(None);
            assert!(order.bell.is_silent());
        }
    }

    #[test]
    fn nothing_is_kept_where_there_is_nothing_to_wait_for() {
        let mut order = failing(0);
        order.subscribe(device(0)).unwrap();
        assert!(order.bell.is_silent());
    }

    #[test]
    fn an_answer_ends_it_or_puts_it_off() {
        let now = START;
        for ends in [Told::Taken, Told::Gone, Told::Refused] {
            let mut order = failing(2);
            assert_eq!(order.ring_begins(now), [device(0), device(1)]);
            order.told(&device(0), ends, now);
            assert_eq!(order.bell.0.len(), 1, "{ends:?}");
            assert_eq!(order.next_ring(), Some(now.plus_seconds(30)));
        }
        let later = |seconds| {
            let mut order = failing(1);
            order.ring_begins(now);
            let retry_after = Some(seconds);
            order.told(&device(0), Told::Later { retry_after }, now);
            order.next_ring()
        };
        assert_eq!(later(1), Some(now.plus_seconds(30)));
        assert_eq!(later(4711), Some(now.plus_seconds(4711)));
        assert_eq!(later(u64::MAX), None);
    }

    #[test]
    fn a_service_that_never_answers_is_tried_six_times() {
        let mut order = failing(1);
        let mut pauses = Vec::new();
        let mut now = START;
        let mut tries = 0;
        while let Some(next) = order.next_ring() {
            pauses.push(next.since(now) / 1000);
            now = next;
            tries += order.ring_begins(now).len();
        }
        assert_eq!(tries, 6);
        assert_eq!(pauses, [0, 30, 60, 120, 240, 480, 960]);
    }

    #[test]
    fn statuses_are_read_as_the_standard_has_them() {
        let retry_after = Some(7);
        for (status, told) in [
            (201, Told::Taken),
            (202, Told::Taken),
            (404, Told::Gone),
            (410, Told::Gone),
            (429, Told::Later { retry_after }),
            (503, Told::Later { retry_after }),
            (400, Told::Refused),
            (403, Told::Refused),
            (301, Told::Refused),
        ] {
            assert_eq!(Told::of(status, retry_after), told, "{status}");
        }
    }

    #[test]
    fn a_device_prints_nowhere() {
        let mut order = failing(1);
        order.ring_begins(START);
        order.told(&device(0), Told::Later { retry_after: None }, START);
        let shown = serde_json::to_string(&order.view()).unwrap();
        let printed = format!(
            "{order:?} {:?} {shown} {}",
            order.take_journal(),
            order.for_operator()
        );
        assert!(!printed.contains("push.example"), "{printed}");
    }

    /// Services that fail in every way, and an object that dies before or after any call: nobody is told more often than the cuts
    /// explain, nobody is forgotten in silence, and the order's own timers never notice.
    #[test]
    fn whatever_is_cut_the_bell_falls_silent_and_the_order_is_as_without_it() {
        for seed in 0..2000 {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            let mut below = |end: u32| dice.next_u32() % end;
            let devices = 1 + below(5) as usize;
            let mut order = failing(devices);
            let mut plain = failing(0);
            let mut now = START;
            let mut sent = [0_u32; MAX_SUBSCRIPTIONS];
            let mut taken = [0_u32; MAX_SUBSCRIPTIONS];
            let mut cuts = [0_u32; MAX_SUBSCRIPTIONS];
            let mut over = [false; MAX_SUBSCRIPTIONS];
            while let Some(next) = order.next_ring() {
                now = now.max(next).plus_millis(u64::from(below(90_000)));
                let due = order.ring_begins(now);
                // Another object takes over: only what is stored is left.
                order = Order::read(&serde_json::to_string(&order).unwrap()).unwrap();
                for endpoint in due {
                    let number = (0..devices).find(|it| device(*it) == endpoint).unwrap();
                    assert!(!over[number], "seed {seed}: told again after its end");
                    if below(4) == 0 {
                        cuts[number] += 1;
                        // Before the call, or after it.
                        let reached = below(2);
                        sent[number] += reached;
                        taken[number] += reached;
                        continue;
                    }
                    sent[number] += 1;
                    let told = match below(6) {
                        0 => Told::Gone,
                        1 => Told::Taken,
                        2 => Told::Refused,
                        _ => Told::Later {
                            retry_after: Some(u64::from(below(200))).filter(|it| it % 2 == 0),
                        },
                    };
                    taken[number] += u32::from(told == Told::Taken);
                    over[number] = !matches!(told, Told::Later { .. });
                    order.told(&endpoint, told, now);
                }
                order.take_journal();
                plain.take_journal();
                assert_eq!(order.due(now), plain.due(now), "seed {seed}");
            }
            assert!(order.bell.is_silent(), "seed {seed}");
            for number in 0..devices {
                assert!(sent[number] <= MAX_TRIES, "seed {seed}");
                assert!(taken[number] <= 1 + cuts[number], "seed {seed}");
                assert!(sent[number] + cuts[number] > 0, "seed {seed}: forgotten");
            }
        }
    }
}
