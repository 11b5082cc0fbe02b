//! What happened to an order, line by line, for the operator.
//!
//! Invariant: a line is made of fixed words, codes, numbers, ids and hashes. Nothing that opens anything is ever put in.

use super::Order;
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// One line of an order's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: UnixMillis,
    /// A stable word for what happened.
    pub event: String,
    /// More about it; may be empty.
    pub detail: String,
}

impl Order {
    /// Adds a line, to be stored with the order.
    pub(super) fn note(&mut self, at: UnixMillis, event: &str, detail: impl Into<String>) {
        self.journal.push(Entry {
            at,
            event: event.to_owned(),
            detail: detail.into(),
        });
    }

    /// The lines since the last call, to be stored.
    pub fn take_journal(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.journal)
    }
}
