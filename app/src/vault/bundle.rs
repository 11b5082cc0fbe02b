//! The sealed bundle, opened and read.

use crate::sealed::Unopened;
use crate::vault_protocol::VaultTrouble;
use crate::{Performed, order, sealed};
use kindling_domain::id::OrderId;
use kindling_domain::link::OrderLink;
use kindling_domain::secret::Secret;
use kindling_domain::wire::{Bundle, ClassroomBundle};
use serde::de::DeserializeOwned;

/// The one format of bundles there is.
const VERSION: u32 = 1;

/// Opens and reads a node's bundle, and refuses one of another order.
pub fn open(fragment: &Secret, sealed: &str) -> Performed<Bundle> {
    let link = order::parse(fragment)?;
    let bundle: Bundle = read(&link, sealed)?;
    check(&link, bundle.version, bundle.order_id)?;
    Ok(bundle)
}

/// Opens and reads a class's bundle, and refuses one of another order.
pub fn open_class(fragment: &Secret, sealed: &str) -> Performed<ClassroomBundle> {
    let link = order::parse(fragment)?;
    let bundle: ClassroomBundle = read(&link, sealed)?;
    check(&link, bundle.version, bundle.order_id)?;
    Ok(bundle)
}

fn read<T: DeserializeOwned>(link: &OrderLink, sealed: &str) -> Performed<T> {
    let text = sealed::open(link, sealed).map_err(|trouble| match trouble {
        Unopened::Damaged => VaultTrouble::CredentialsDamaged,
        Unopened::Locked => VaultTrouble::CredentialsLocked,
    })?;
    serde_json::from_slice(&text).map_err(|_| VaultTrouble::CredentialsUnreadable)
}

fn check(link: &OrderLink, version: u32, order_id: OrderId) -> Performed<()> {
    if version != VERSION {
        return Err(VaultTrouble::CredentialsOfOtherVersion);
    }
    if order_id != link.secret.order_id() {
        return Err(VaultTrouble::CredentialsOfOtherOrder);
    }
    Ok(())
}
