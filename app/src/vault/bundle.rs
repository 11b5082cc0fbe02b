//! The sealed bundle, opened and read.

use crate::vault_protocol::Answer;
use crate::{order, sealed};
use kindling_domain::secret::Secret;
use kindling_domain::wire::Bundle;

/// The one format of bundles there is.
const VERSION: u32 = 1;

/// Opens and reads a bundle, and refuses one of another order.
pub fn open(fragment: &Secret, sealed: &str) -> Result<Answer, String> {
    let link = order::parse(fragment)?;
    let text = sealed::open(&link, sealed, "The sealed credentials")?;
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
