//! An object's one alarm. Setting it writes a row, so where it stands is remembered, and it is set only where that changes something.
//!
//! Invariant: an alarm never stands later than the last time that was asked for. It may stand earlier: an object that is woken for nothing
//! asks again.

use crate::clock::{self, now};
use kindling_domain::time::UnixMillis;
use std::cell::Cell;
use worker::{Date, Result, State};

/// Where the alarm stands, in milliseconds of the real clock: a test that moves the other one leaves alarms where they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Unknown,
    Nowhere,
    At(u64),
}

/// How late an alarm may be, in milliseconds. One that should have come before that may never come: the runtime gives up those that failed.
const PATIENCE_MILLIS: u64 = 2000;

/// The alarm of one object.
pub struct AlarmClock(Cell<Stands>);

/// What a time by the Worker's clock is by the real one.
fn real(at: UnixMillis) -> u64 {
    Date::now().as_millis().saturating_add(at.since(now()))
}

impl AlarmClock {
    /// Of an object that has just come to life.
    pub const fn new() -> Self {
        Self(Cell::new(Stands::Unknown))
    }

    /// Asks the runtime where the alarm stands, once. To be called before an order is read: it awaits.
    pub async fn learn(&self, state: &State) -> Result<()> {
        if self.0.get() == Stands::Unknown {
            let stands = state.storage().get_alarm().await?;
            // While that was asked it may have been set.
            if self.0.get() == Stands::Unknown {
                let at = stands.and_then(|at| u64::try_from(at).ok());
                self.0.set(at.map_or(Stands::Nowhere, Stands::At));
            }
        }
        Ok(())
    }

    /// The alarm has come, so none stands.
    pub fn rang(&self) {
        self.0.set(Stands::Nowhere);
    }

    /// What is remembered may be wrong.
    pub fn doubt(&self) {
        self.0.set(Stands::Unknown);
    }

    /// Has it come at `at`.
    pub async fn set(&self, state: &State, at: UnixMillis) -> Result<()> {
        let at_real = real(at);
        if self.0.get() == Stands::At(at_real) {
            return Ok(());
        }
        // Remembered in the same turn in which it is set.
        self.0.set(Stands::At(at_real));
        let done = clock::set_alarm(state, at).await;
        if done.is_err() {
            self.doubt();
        }
        done
    }

    /// Has it come at `at` or before.
    pub async fn set_by(&self, state: &State, at: UnixMillis) -> Result<()> {
        let is_coming = |stands| stands + PATIENCE_MILLIS > Date::now().as_millis();
        match self.0.get() {
            Stands::At(stands) if stands <= real(at) && is_coming(stands) => Ok(()),
            _ => self.set(state, at).await,
        }
    }

    /// Has it not come.
    pub async fn clear(&self, state: &State) -> Result<()> {
        match self.0.replace(Stands::Nowhere) {
            Stands::Nowhere => Ok(()),
            _ => state.storage().delete_alarm().await,
        }
    }
}
