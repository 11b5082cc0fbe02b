//! What an order's object keeps: one row for the order, one for its sealed bundle. SQLite, written synchronously.
//!
//! Nothing here awaits, and the runtime holds every answer back until the writes before it are durable. So what is read, decided
//! and saved without an await in between is atomic, and what a client was told has been saved.

use kindling_domain::order::Order;
use serde::Deserialize;
use worker::{Result, SqlStorage, State};

/// The object's storage.
pub struct Store {
    sql: SqlStorage,
}

#[derive(Deserialize)]
struct Row {
    value: String,
}

impl Store {
    /// The storage of `state`. Touching it writes nothing.
    pub fn new(state: &State) -> Self {
        Self {
            sql: state.storage().sql(),
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

    /// The order, if there is one. An id nobody has used leaves no trace.
    pub fn order(&self) -> Result<Option<Order>> {
        self.get("order")?
            .map(|text| serde_json::from_str(&text).map_err(Into::into))
            .transpose()
    }

    /// Makes room for an order.
    pub fn prepare(&self) -> Result<()> {
        let query = "CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
        self.sql.exec(query, None).map(|_| ())
    }

    /// Saves the order.
    pub fn save(&self, order: &Order) -> Result<()> {
        self.put("order", serde_json::to_string(order)?)
    }

    /// The sealed bundle, if it is here.
    pub fn bundle(&self) -> Result<Option<String>> {
        self.get("bundle")
    }

    /// Stores the sealed bundle.
    pub fn save_bundle(&self, sealed: &str) -> Result<()> {
        self.put("bundle", sealed.to_owned())
    }

    /// Erases the sealed bundle.
    pub fn erase_bundle(&self) -> Result<()> {
        self.sql
            .exec("DELETE FROM kept WHERE key = 'bundle'", None)
            .map(|_| ())
    }
}
