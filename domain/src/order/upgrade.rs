//! Rows of earlier versions, read as this one writes them.

use super::Order;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// What tells the versions apart.
#[derive(Deserialize)]
struct Version {
    bills: Option<IgnoredAny>,
}

impl Order {
    /// Reads a stored row, of this version or of the first one, which kept the one invoice in the state.
    ///
    /// # Errors
    /// serde_json's, for what is no order's row.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        if serde_json::from_str::<Version>(text)?.bills.is_some() {
            return serde_json::from_str(text);
        }
        let mut row: Value = serde_json::from_str(text)?;
        upgrade_first(&mut row);
        serde_json::from_str(&row.to_string())
    }
}

fn upgrade_first(row: &mut Value) {
    let name = row["state"]["name"].as_str().unwrap_or_default().to_owned();
    let invoice = row["state"]["invoice"].take();
    let known = invoice.is_object();
    let invoice = if known {
        invoice
    } else {
        // The first version forgot a paid invoice; its amount is what counts.
        json!({ "payment_request": "", "payment_hash": "", "wallet": "", "expires_at": row["expires_at"] })
    };
    let at = &row["created_at"];
    let standing = match name.as_str() {
        "awaiting_payment" | "expired" => json!({ "is": "open" }),
        "failed" => json!({ "is": "owed", "at": at }),
        _ => json!({ "is": "bought", "at": at }),
    };
    let bill = json!({
        "invoice": invoice, "amount": row["price"], "purpose": { "for": "machine" }, "standing": standing,
    });
    row["bills"] = if name == "draft" {
        json!([])
    } else {
        json!([bill])
    };
    row["plan"]["fleet"] = row["request"]["region"].clone();
    row["refund"] = json!({ "to": row["request"]["refund_to"] });
    if let Some(state) = row["state"].as_object_mut() {
        state.remove("invoice");
    }
}
