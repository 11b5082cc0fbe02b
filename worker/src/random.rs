//! The Worker's randomness: Web Crypto's generator, through getrandom.

use kindling_domain::secret::Secret;
use worker::{Error, Result};

/// `N` random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom04::fill(&mut bytes).map_err(|_| Error::RustError("no randomness".to_owned()))?;
    Ok(bytes)
}

/// A bearer token of 256 bits, in base64url.
pub fn token() -> Result<Secret> {
    use base64::Engine;
    Ok(Secret::new(
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes::<32>()?),
    ))
}
