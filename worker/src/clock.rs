//! The Worker's one clock: the real one, or one that a test moves.
//!
//! Invariant: nothing else here asks what time it is, so whoever moves this clock moves every deadline.

use kindling_domain::time::UnixMillis;
use std::cell::Cell;
use worker::{Date, Env, Result, State};

thread_local! {
    /// How far ahead of the real clock this one is, in milliseconds.
    static AHEAD: Cell<u64> = const { Cell::new(0) };
    /// Whether it can be moved; `None` until the setting was read.
    static MOVABLE: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Reads `DEV_CLOCK`, once per isolate: unset is the real clock, a number is one that can be moved and starts that many seconds
/// ahead. Every entry point calls this first, because any of them may be an isolate's first.
pub fn configure(env: &Env) {
    if MOVABLE.get().is_some() {
        return;
    }
    let ahead = env
        .var("DEV_CLOCK")
        .ok()
        .and_then(|text| text.to_string().parse().ok());
    MOVABLE.set(Some(ahead.is_some()));
    advance(ahead.unwrap_or(0));
}

/// The time.
pub fn now() -> UnixMillis {
    UnixMillis(Date::now().as_millis()).plus_millis(AHEAD.get())
}

/// Whether [`advance`] may be called from outside.
pub fn is_movable() -> bool {
    MOVABLE.get() == Some(true)
}

/// Moves the clock of this isolate on. Alarms that were set before still come at their real time.
pub fn advance(seconds: u64) {
    AHEAD.set(AHEAD.get().saturating_add(seconds.saturating_mul(1000)));
}

/// Has an object's alarm come at `at` by this clock, at once if that is over.
pub async fn set_alarm(state: &State, at: UnixMillis) -> Result<()> {
    // An offset from now, at least 1 ms, because the binding takes 0 for "no offset".
    let offset = i64::try_from(at.since(now()).max(1)).unwrap_or(i64::MAX);
    state.storage().set_alarm(offset).await
}
