//! The order link, built and read in one place, and everything that is derived from its secret.
//!
//! `https://host/orders/<id>#1.<secret>.<key>`: what stands behind `#` never reaches a server. The secret alone rebuilds the
//! id, the access token, the sealing identity and the SSH key on any device; the key part only makes that instant.

use crate::id::OrderId;
use crate::keys::{Counters, KeyType, SshSeed};
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use std::str::FromStr;
use zeroize::{Zeroize, Zeroizing};

/// The version that stands first in the fragment and in every HKDF info string.
const VERSION: &str = "1";

/// 32 random bytes, made in the browser; they never leave it but in the link the customer keeps.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret([u8; 32]);

impl std::fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkSecret(..)")
    }
}

impl Drop for LinkSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl LinkSecret {
    /// From the browser's random bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HKDF-SHA256 (RFC 5869) without salt, one info string per purpose.
    fn derive<const N: usize>(&self, purpose: &str) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        let info = ["kindling/v", VERSION, "/", purpose].concat();
        // 255 × 32 bytes is HKDF's limit; every N here is at most 32.
        let fits = Hkdf::<Sha256>::new(None, &self.0).expand(info.as_bytes(), &mut *out);
        debug_assert!(fits.is_ok());
        out
    }

    /// The order's public name.
    pub fn order_id(&self) -> OrderId {
        OrderId::from_bytes(*self.derive("id"))
    }

    /// The bearer token; the server keeps only its [`access_hash`].
    pub fn access_token(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(*self.derive::<32>("access")))
    }

    /// The age X25519 identity the bundle is sealed to (`AGE-SECRET-KEY-1…`, the age format's bech32).
    pub fn seal_identity(&self) -> Secret {
        let hrp = bech32::Hrp::parse_unchecked("age-secret-key-");
        let text = bech32::encode_upper::<bech32::Bech32>(hrp, &*self.derive::<32>("seal"));
        // The only error is a text over the checksum's 1023 characters; this one has 74.
        Secret::new(text.unwrap_or_default())
    }

    /// The recipient (`age1…`) that belongs to [`seal_identity`](Self::seal_identity).
    pub fn seal_recipient(&self) -> String {
        // Opened to compute the public half; the secret half is dropped with `identity`.
        let identity = self.seal_identity();
        age::x25519::Identity::from_str(identity.expose())
            .map(|i| i.to_public().to_string())
            .unwrap_or_default()
    }

    /// The seed of the SSH keypair.
    pub fn ssh_seed(&self) -> SshSeed {
        SshSeed::new(*self.derive("ssh"))
    }
}

/// SHA-256 of an access token's text, as 64 lowercase hex digits: what the server stores and compares.
pub fn access_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Which SSH key the secret stands for, and for RSA where its primes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHint {
    /// The seed is the key.
    Ed25519,
    /// The primes stand this many odd numbers behind the seed's starting points.
    Rsa4096(Counters),
}

impl KeyHint {
    /// The type of the key.
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::Ed25519 => KeyType::Ed25519,
            Self::Rsa4096(_) => KeyType::Rsa4096,
        }
    }
}

/// What stands behind `#` in an order link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLink {
    /// The customer's credential.
    pub secret: LinkSecret,
    /// How to rebuild the SSH key at once.
    pub key: KeyHint,
}

impl OrderLink {
    /// The part behind `#`.
    pub fn fragment(&self) -> Secret {
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.secret.0));
        Secret::new(match self.key {
            KeyHint::Ed25519 => format!("{VERSION}.{}.ed25519", *secret),
            KeyHint::Rsa4096(at) => format!("{VERSION}.{}.rsa4096.{}.{}", *secret, at.p, at.q),
        })
    }

    /// The whole link below `base` (scheme and host).
    pub fn url(&self, base: &str) -> Secret {
        let base = base.trim_end_matches('/');
        Secret::new(format!(
            "{base}/orders/{}#{}",
            self.secret.order_id(),
            self.fragment().expose()
        ))
    }

    /// Reads a fragment, with or without its `#`, or a whole link; the id in a whole link must belong to the secret.
    ///
    /// # Errors
    /// [`LinkError`] says what to tell the person; it never repeats the text.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let (before, fragment) = text.split_once('#').unwrap_or(("", text));
        let mut parts = fragment.split('.');
        match parts.next() {
            Some(VERSION) => {}
            Some(other) if !other.is_empty() && other.bytes().all(|b| b.is_ascii_digit()) => {
                return Err(LinkError::OtherVersion);
            }
            _ => return Err(LinkError::NotALink),
        }
        let secret = parts.next().ok_or(LinkError::NotALink)?;
        let bytes = Zeroizing::new(
            URL_SAFE_NO_PAD
                .decode(secret)
                .map_err(|_| LinkError::Incomplete)?,
        );
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| LinkError::Incomplete)?;
        let secret = LinkSecret::from_bytes(bytes);
        let key = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("ed25519"), None, None, None) => KeyHint::Ed25519,
            (Some("rsa4096"), Some(p), Some(q), None) => KeyHint::Rsa4096(Counters {
                p: p.parse().map_err(|_| LinkError::Incomplete)?,
                q: q.parse().map_err(|_| LinkError::Incomplete)?,
            }),
            _ => return Err(LinkError::Incomplete),
        };
        let link = Self { secret, key };
        match before.rsplit_once("/orders/") {
            Some((_, id))
                if id.split(['?', '/']).next() != Some(&link.secret.order_id().to_string()) =>
            {
                Err(LinkError::OtherOrder)
            }
            _ => Ok(link),
        }
    }
}

/// Why a text is not an order link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// Nothing of a link in it.
    NotALink,
    /// Made by another version of Kindling.
    OtherVersion,
    /// Cut off or mistyped.
    Incomplete,
    /// The path names an order that the secret does not belong to.
    OtherOrder,
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotALink => "This is not an order link.",
            Self::OtherVersion => "This order link was made by another version of Kindling.",
            Self::Incomplete => "This order link is cut off or mistyped.",
            Self::OtherOrder => "The two halves of this link belong to different orders.",
        })
    }
}

impl std::error::Error for LinkError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> LinkSecret {
        LinkSecret::from_bytes(std::array::from_fn(|i| i as u8))
    }

    #[test]
    fn derivation_is_pinned() {
        // Stored orders and saved links depend on these bytes for ever; they were computed by another implementation of HKDF and
        // by age-keygen.
        assert_eq!(
            secret().order_id().to_string(),
            "b54f7728a7f943ec5575fc916292c55f"
        );
        assert_eq!(
            secret().access_token().expose(),
            "GgYt-QVmSYDUAtXjgC3cmFeCMKpIrWy1yyVHIkvx9VU"
        );
        assert_eq!(
            secret().seal_recipient(),
            "age1qatxrymdannmpq5t7yeyrz3zn282ga0jce3flhf5txxw6h7ds9cs2j4nc7"
        );
    }

    #[test]
    fn links_read_back() {
        for key in [
            KeyHint::Ed25519,
            KeyHint::Rsa4096(Counters { p: 12, q: 3456 }),
        ] {
            let link = OrderLink {
                secret: secret(),
                key,
            };
            assert_eq!(OrderLink::parse(link.fragment().expose()), Ok(link.clone()));
            assert_eq!(
                OrderLink::parse(&format!(" #{}\n", link.fragment().expose())),
                Ok(link.clone())
            );
            assert_eq!(
                OrderLink::parse(link.url("https://kindling.example/").expose()),
                Ok(link.clone())
            );
            let with_query = link
                .url("https://kindling.example")
                .expose()
                .replace('#', "?saved=1#");
            assert_eq!(OrderLink::parse(&with_query), Ok(link));
        }
    }

    #[test]
    fn each_fault_has_its_name() {
        let link = OrderLink {
            secret: secret(),
            key: KeyHint::Ed25519,
        };
        let fragment = link.fragment();
        let fragment = fragment.expose();
        assert_eq!(OrderLink::parse(""), Err(LinkError::NotALink));
        assert_eq!(OrderLink::parse("hello"), Err(LinkError::NotALink));
        assert_eq!(
            OrderLink::parse(&fragment.replacen('1', "2", 1)),
            Err(LinkError::OtherVersion)
        );
        for cut in 2..fragment.len() {
            assert_eq!(
                OrderLink::parse(&fragment[..cut]),
                Err(LinkError::Incomplete),
                "{cut}"
            );
        }
        assert_eq!(
            OrderLink::parse(&format!("{fragment}.1")),
            Err(LinkError::Incomplete)
        );
        let other = format!("https://h/orders/{}#{fragment}", "0".repeat(32));
        assert_eq!(OrderLink::parse(&other), Err(LinkError::OtherOrder));
    }

    #[test]
    fn nothing_prints_the_secret() {
        let link = OrderLink {
            secret: secret(),
            key: KeyHint::Ed25519,
        };
        let printed = format!("{link:?} {:?} {:?}", link.fragment(), link.url("https://h"));
        assert!(!printed.contains("AAEC"), "{printed}");
    }

    #[test]
    fn the_access_hash_is_what_sha256sum_prints() {
        assert_eq!(
            access_hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
