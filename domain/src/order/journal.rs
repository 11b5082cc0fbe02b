//! What happened to an order, line by line, for the operator.
//!
//! The newest lines are a part of the order's own row, so that a line costs no write of its own; once they are many, the older half goes
//! to a place of its own.
//!
//! Invariant: a line is made of fixed words, codes, numbers, ids and hashes. Nothing that opens anything is ever put in.

use super::Order;
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// The most lines in the order's row: the whole story of most orders until they are delivered.
const MAX_LINES: usize = 64;

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
    /// Adds a line, stored with the order.
    pub(super) fn note(&mut self, at: UnixMillis, event: &str, detail: impl Into<String>) {
        self.journal.push(Entry {
            at,
            event: event.to_owned(),
            detail: detail.into(),
        });
    }

    /// Takes the older half of a long journal out of the order, to be stored elsewhere; nothing while it is short.
    pub fn take_old_lines(&mut self) -> Vec<Entry> {
        if self.journal.len() <= MAX_LINES {
            return Vec::new();
        }
        self.journal.drain(..MAX_LINES / 2).collect()
    }

    /// Takes every line out of the order.
    pub fn take_journal(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.journal)
    }
}
