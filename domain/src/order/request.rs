//! What a customer asks for: checked once at the door, stored in one spelling.

use crate::catalogue::Product;
use crate::error::{ApiError, ErrorCode};
use crate::keys::parse_public_key;
use crate::payee::Payee;
use crate::wire::{BootstrapRequest, OneOrMany};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A validated request. Two requests are the same order when these are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRequest {
    /// What is bought.
    pub product: Product,
    /// The region's slug.
    pub region: String,
    /// `type base64`, without comment.
    pub ssh_public_key: String,
    /// Its MD5 fingerprint, the name under which DigitalOcean finds a key.
    pub ssh_fingerprint: String,
    /// Whom the bundle is sealed to: age or SSH recipients.
    pub recipients: Vec<String>,
    /// Where a refund may go, as typed.
    #[serde(default)]
    pub refund_to: Option<String>,
}

/// The longest list of recipients.
const MAX_RECIPIENTS: usize = 4;

impl OrderRequest {
    /// Checks a body; `default_region` is taken where it names none. The region itself is the quote's to refuse.
    ///
    /// # Errors
    /// The stable code of the first thing that is wrong.
    pub fn check(body: &BootstrapRequest, default_region: &str) -> Result<Self, ApiError> {
        let key =
            parse_public_key(&body.ssh_public_key).map_err(|error| ApiError::from(error.code()))?;
        let ssh_public_key = key.normalized();
        let recipients = match &body.seal_to {
            None => vec![ssh_public_key.clone()],
            Some(OneOrMany::One(one)) => vec![recipient(one)?],
            Some(OneOrMany::Many(many)) if (1..=MAX_RECIPIENTS).contains(&many.len()) => many
                .iter()
                .map(|one| recipient(one))
                .collect::<Result<_, _>>()?,
            Some(OneOrMany::Many(_)) => return Err(ErrorCode::InvalidRecipient.into()),
        };
        let refund_to = match body.refund_to.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => {
                Payee::parse(text)?;
                Some(text.to_owned())
            }
        };
        if let Some(hash) = &body.access_hash {
            let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
            if hash.len() != 64 || !hash.bytes().all(hex) {
                return Err(ErrorCode::InvalidAccessHash.into());
            }
        }
        Ok(Self {
            product: body.product,
            region: body
                .region
                .clone()
                .unwrap_or_else(|| default_region.to_owned()),
            ssh_fingerprint: key.md5_fingerprint(),
            ssh_public_key,
            recipients,
            refund_to,
        })
    }
}

/// One age recipient, or an SSH public key that age can seal to.
fn recipient(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if age::x25519::Recipient::from_str(text).is_ok() {
        return Ok(text.to_owned());
    }
    parse_public_key(text)
        .map(|key| key.normalized())
        .map_err(|_| ErrorCode::InvalidRecipient.into())
}
