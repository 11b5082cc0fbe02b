//! What this browser keeps of a class: the cards as they were sealed, who has which, and the branding. None of it opens anything;
//! the notes are people's names, and stay until they are forgotten here.

use crate::browser::local_storage;
use kindling_domain::id::OrderId;

/// The bundle as it came, in base64.
pub const SEALED: &str = "sealed";
/// Which cards are taken, and by whom.
pub const MARKS: &str = "marks";
/// Title and date.
pub const BRAND: &str = "brand";
/// The logo, as a `data:` address.
pub const LOGO: &str = "logo";

fn key(id: &OrderId, what: &str) -> String {
    format!("kindling.class.{id}.{what}")
}

/// What is kept.
pub fn read(id: &OrderId, what: &str) -> Option<String> {
    local_storage()?.get_item(&key(id, what)).ok()?
}

/// Keeps it; `false` where this browser has no room, or keeps nothing.
pub fn write(id: &OrderId, what: &str, text: &str) -> bool {
    local_storage().is_some_and(|storage| storage.set_item(&key(id, what), text).is_ok())
}

/// Removes one of them.
pub fn remove(id: &OrderId, what: &str) {
    if let Some(storage) = local_storage() {
        // Nothing is there where it fails.
        let _ = storage.remove_item(&key(id, what));
    }
}

/// Removes all of them.
pub fn forget(id: &OrderId) {
    for what in [SEALED, MARKS, BRAND, LOGO] {
        remove(id, what);
    }
}
