//! Rows of JSON in an object's SQLite: what fleets and doors keep. An order has a store of its own.
//!
//! Nothing here awaits, and the runtime holds every answer back until the writes before it are durable; so what is read, decided and
//! saved without an await in between is atomic. Reading writes nothing, not even a table.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use worker::{Result, SqlStorage, State};

/// The rows of one object.
pub struct Rows {
    sql: SqlStorage,
    /// Whether the table was seen.
    exists: Cell<bool>,
}

#[derive(Deserialize)]
struct Row {
    key: String,
    value: String,
}

impl Rows {
    /// The rows of `state`.
    pub fn new(state: &State) -> Self {
        Self {
            sql: state.storage().sql(),
            exists: Cell::new(false),
        }
    }

    /// Every row.
    pub fn all<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>> {
        let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'kept'";
        if self.sql.exec(query, None)?.raw().next().is_none() {
            return Ok(Vec::new());
        }
        self.exists.set(true);
        self.sql
            .exec("SELECT key, value FROM kept", None)?
            .to_array::<Row>()?
            .into_iter()
            .map(|row| Ok((row.key, serde_json::from_str(&row.value)?)))
            .collect()
    }

    /// Writes a row, new or anew.
    pub fn put(&self, key: &str, value: &impl Serialize) -> Result<()> {
        if !self.exists.get() {
            let query = "CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
            self.sql.exec(query, None)?;
            self.exists.set(true);
        }
        let query = "INSERT INTO kept(key, value) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value";
        let values = vec![key.into(), serde_json::to_string(value)?.into()];
        self.sql.exec(query, values).map(|_| ())
    }

    /// Deletes a row that was there.
    pub fn delete(&self, key: &str) -> Result<()> {
        self.sql
            .exec("DELETE FROM kept WHERE key = ?", vec![key.into()])
            .map(|_| ())
    }

    /// The object's storage is about to be wiped.
    pub fn forget(&self) {
        self.exists.set(false);
    }
}
