//! What an order's object keeps: a row for the order with the newest lines of its journal, one for its sealed bundle, one for its channel
//! backup, and rows of older lines. SQLite, written synchronously.
//!
//! Nothing here awaits, and the runtime holds every answer back until the writes before it are durable. So what is read, decided
//! and saved without an await in between is atomic, and what a client was told has been saved.

use kindling_domain::order::Entry;
use serde::Deserialize;
use std::cell::Cell;
use worker::{Result, SqlStorage, State};

/// The object's storage.
pub struct Store {
    sql: SqlStorage,
    /// Whether the journal's table is known to be there.
    has_journal: Cell<bool>,
}

#[derive(Deserialize)]
struct Row {
    value: String,
}

/// A row of older lines; earlier versions wrote a row for each.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    Some(Vec<Entry>),
    One(Entry),
}

#[derive(Deserialize)]
struct Number {
    number: i64,
}

/// The most rows of older lines that are kept, of which earlier versions wrote one for each line.
const JOURNAL_ROWS: i64 = 2000;

impl Store {
    /// The storage of `state`. Touching it writes nothing.
    pub fn new(state: &State) -> Self {
        Self {
            sql: state.storage().sql(),
            has_journal: Cell::new(false),
        }
    }

    fn exists(&self) -> Result<bool> {
        let query =
            "SELECT name AS value FROM sqlite_master WHERE type = 'table' AND name = 'kept'";
        Ok(!self.sql.exec(query, None)?.to_array::<Row>()?.is_empty())
    }

    fn get(&self, key: &str) -> Result<Option<String>> {
        if !self.exists()? {
            return Ok(None);
        }
        let rows = self
            .sql
            .exec("SELECT value FROM kept WHERE key = ?", vec![key.into()])?
            .to_array::<Row>()?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    fn put(&self, key: &str, value: String) -> Result<()> {
        let query = "INSERT INTO kept(key, value) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value";
        self.sql
            .exec(query, vec![key.into(), value.into()])
            .map(|_| ())
    }

    /// The order's row, if there is one. An id nobody has used leaves no trace.
    pub fn order(&self) -> Result<Option<String>> {
        self.get("order")
    }

    /// Makes room for an order.
    pub fn prepare(&self) -> Result<()> {
        let query = "CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
        self.sql.exec(query, None).map(|_| ())
    }

    /// Saves the order's row.
    pub fn save(&self, row: &str) -> Result<()> {
        self.put("order", row.to_owned())
    }

    /// Adds lines that the order's row has no more room for, in one row, and drops the oldest ones of a very long journal.
    pub fn append(&self, lines: &[Entry]) -> Result<()> {
        let create =
            "CREATE TABLE IF NOT EXISTS journal(number INTEGER PRIMARY KEY, entry TEXT NOT NULL)";
        if !self.has_journal.get() {
            self.sql.exec(create, None)?;
            self.has_journal.set(true);
        }
        let insert = "INSERT INTO journal(entry) VALUES (?) RETURNING number";
        let rows = self
            .sql
            .exec(insert, vec![serde_json::to_string(lines)?.into()])?
            .to_array::<Number>()?;
        let last = rows.first().map_or(0, |row| row.number);
        if last > JOURNAL_ROWS {
            let delete = "DELETE FROM journal WHERE number <= ?";
            self.sql.exec(delete, vec![(last - JOURNAL_ROWS).into()])?;
        }
        Ok(())
    }

    /// The older lines of the journal, oldest first.
    pub fn journal(&self) -> Result<Vec<Entry>> {
        let query =
            "SELECT name AS value FROM sqlite_master WHERE type = 'table' AND name = 'journal'";
        if self.sql.exec(query, None)?.to_array::<Row>()?.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self
            .sql
            .exec("SELECT entry AS value FROM journal ORDER BY number", None)?
            .to_array::<Row>()?;
        let mut lines = Vec::new();
        for row in rows {
            match serde_json::from_str(&row.value)? {
                Lines::Some(some) => lines.extend(some),
                Lines::One(one) => lines.push(one),
            }
        }
        Ok(lines)
    }

    /// The sealed bundle, if it is here.
    pub fn bundle(&self) -> Result<Option<String>> {
        self.get("bundle")
    }

    /// Stores the sealed bundle.
    pub fn save_bundle(&self, sealed: &str) -> Result<()> {
        self.put("bundle", sealed.to_owned())
    }

    /// The storage was wiped.
    pub fn forget(&self) {
        self.has_journal.set(false);
    }

    /// Erases the sealed bundle.
    pub fn erase_bundle(&self) -> Result<()> {
        self.erase("bundle")
    }

    /// The sealed channel backup, if one is kept.
    pub fn backup(&self) -> Result<Option<String>> {
        self.get("backup")
    }

    /// Stores the sealed channel backup in place of the one before.
    pub fn save_backup(&self, sealed: &str) -> Result<()> {
        self.put("backup", sealed.to_owned())
    }

    /// Erases the sealed channel backup.
    pub fn erase_backup(&self) -> Result<()> {
        self.erase("backup")
    }

    fn erase(&self, key: &str) -> Result<()> {
        self.sql
            .exec("DELETE FROM kept WHERE key = ?", vec![key.into()])
            .map(|_| ())
    }
}
