//! Files sealed to the order, opened with the identity that only the order link gives.

use crate::vault_protocol::VaultTrouble;
use crate::{Performed, order};
use age::x25519::Identity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kindling_domain::link::OrderLink;
use kindling_domain::secret::Secret;
use std::str::FromStr;

/// Why a file does not open.
pub enum Unopened {
    /// Not base64.
    Damaged,
    /// Sealed to another key, or no age file.
    Locked,
}

/// Opens a binary age file in base64.
pub fn open(link: &OrderLink, sealed: &str) -> Result<Vec<u8>, Unopened> {
    let file = STANDARD.decode(sealed).map_err(|_| Unopened::Damaged)?;
    let identity = link.secret.seal_identity();
    // Opened to make age's identity from it.
    let identity = Identity::from_str(identity.expose()).map_err(|_| Unopened::Locked)?;
    age::decrypt(&identity, &file).map_err(|_| Unopened::Locked)
}

/// Opens a file whose content is none of the page's business.
pub fn open_file(fragment: &Secret, sealed: &str) -> Performed<Secret> {
    let content = open(&order::parse(fragment)?, sealed).map_err(|trouble| match trouble {
        Unopened::Damaged => VaultTrouble::FileDamaged,
        Unopened::Locked => VaultTrouble::FileLocked,
    })?;
    Ok(Secret::new(STANDARD.encode(content)))
}
