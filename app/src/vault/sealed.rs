//! Files sealed to the order, opened with the identity that only the order link gives.

use crate::{Performed, order};
use age::x25519::Identity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kindling_domain::link::OrderLink;
use kindling_domain::secret::Secret;
use std::str::FromStr;

/// Opens a binary age file in base64. `what` it is, in the plural, begins the sentence that says why it does not open.
pub fn open(link: &OrderLink, sealed: &str, what: &str) -> Performed<Vec<u8>> {
    let file = STANDARD
        .decode(sealed)
        .map_err(|_| format!("{what} arrived damaged."))?;
    let identity = link.secret.seal_identity();
    // Opened to make age's identity from it.
    let identity = Identity::from_str(identity.expose()).map_err(str::to_owned)?;
    age::decrypt(&identity, &file).map_err(|_| format!("{what} do not open with this order link."))
}

/// Opens a file whose content is none of the page's business.
pub fn open_file(fragment: &Secret, sealed: &str) -> Performed<Secret> {
    let content = open(&order::parse(fragment)?, sealed, "The sealed contents")?;
    Ok(Secret::new(STANDARD.encode(content)))
}
