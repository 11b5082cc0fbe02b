//! The sealed bundle, opened with the identity that only the order link gives.

use crate::order;
use crate::vault_protocol::Answer;
use age::x25519::Identity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kindling_domain::secret::Secret;
use kindling_domain::wire::Bundle;
use std::str::FromStr;

/// The one format of bundles there is.
const VERSION: u32 = 1;

/// Opens and reads a bundle, and refuses one of another order.
pub fn open(fragment: &Secret, sealed: &str) -> Result<Answer, String> {
    let link = order::parse(fragment)?;
    let file = STANDARD
        .decode(sealed)
        .map_err(|_| "The sealed credentials arrived damaged.".to_owned())?;
    let identity = link.secret.seal_identity();
    // Opened to make age's identity from it.
    let identity = Identity::from_str(identity.expose()).map_err(str::to_owned)?;
    let text = age::decrypt(&identity, &file)
        .map_err(|_| "The sealed credentials do not open with this order link.".to_owned())?;
    let bundle: Bundle = serde_json::from_slice(&text)
        .map_err(|_| "The credentials opened, but this page cannot read them.".to_owned())?;
    if bundle.version != VERSION {
        return Err("The credentials were written for another version of this page.".to_owned());
    }
    if bundle.order_id != link.secret.order_id() {
        return Err("These credentials belong to another order.".to_owned());
    }
    Ok(Answer::Bundle(Box::new(bundle)))
}
