//! How a push service knows who sends: a token signed with the shop's own key (VAPID, RFC 8292). Browsers get the public half, and tie
//! their subscriptions to it.

use crate::secret::Secret;
use crate::time::UnixMillis;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

/// How long a token is good for, in seconds; the standard takes a day at most.
const TOKEN_SECONDS: u64 = 12 * 3600;

/// The shop's key. It has no `Debug`, and wipes itself.
pub struct VapidKey(SigningKey);

impl VapidKey {
    /// Reads a setting: base64url of the 32 bytes of a scalar of P-256. `None` for anything else.
    pub fn parse(text: &Secret) -> Option<Self> {
        // Opened to read it.
        let text = text.expose().trim().trim_end_matches('=');
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        // A shorter one would be filled up.
        let whole = bytes.len() == 32;
        SigningKey::from_slice(&bytes)
            .ok()
            .filter(|_| whole)
            .map(Self)
    }

    /// The public half, as browsers want it (`applicationServerKey`): the uncompressed point in base64url.
    pub fn public(&self) -> String {
        let point = self.0.verifying_key().to_encoded_point(false);
        URL_SAFE_NO_PAD.encode(point.as_bytes())
    }

    /// The `Authorization` header of a message to this endpoint. `subject` is where the service finds whoever sends. `None` for an
    /// endpoint that is no URL.
    pub fn authorization(&self, endpoint: &str, subject: &str, now: UnixMillis) -> Option<Secret> {
        let audience = Url::parse(endpoint).ok()?.origin().ascii_serialization();
        let head = json!({ "typ": "JWT", "alg": "ES256" });
        let expires = now.plus_seconds(TOKEN_SECONDS).seconds();
        let claims = json!({ "aud": audience, "exp": expires, "sub": subject });
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(head), encode(claims));
        let signature: Signature = self.0.sign(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        let public = self.public();
        Some(Secret::new(format!(
            "vapid t={signed}.{signature}, k={public}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;

    const NOW: UnixMillis = UnixMillis(1_763_705_640_000);

    fn key() -> VapidKey {
        VapidKey::parse(&Secret::new(URL_SAFE_NO_PAD.encode([7; 32]))).unwrap()
    }

    #[test]
    fn only_a_scalar_is_a_key() {
        for bad in [
            String::new(),
            "x".to_owned(),
            URL_SAFE_NO_PAD.encode([0; 32]),
            URL_SAFE_NO_PAD.encode([255; 32]),
            URL_SAFE_NO_PAD.encode([7; 31]),
            hex::encode([7; 32]),
        ] {
            assert!(
                VapidKey::parse(&Secret::new(bad.clone())).is_none(),
                "{bad}"
            );
        }
        let padded = Secret::new(format!("{}=\n", URL_SAFE_NO_PAD.encode([7; 32])));
        assert_eq!(VapidKey::parse(&padded).unwrap().public(), key().public());
    }

    #[test]
    fn a_token_says_who_sends_to_whom_and_until_when() {
        let header = key()
            .authorization("https://push.example/a?b", "mailto:me@example.com", NOW)
            .unwrap();
        let (token, public) = header
            .expose()
            .strip_prefix("vapid t=")
            .and_then(|rest| rest.split_once(", k="))
            .unwrap();
        assert_eq!(public, key().public());
        let point = URL_SAFE_NO_PAD.decode(public).unwrap();
        assert_eq!((point.len(), point[0]), (65, 4));
        let parts: Vec<&str> = token.split('.').collect();
        let json = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(json(parts[0]), json!({ "typ": "JWT", "alg": "ES256" }));
        assert_eq!(
            json(parts[1]),
            json!({ "aud": "https://push.example", "exp": 1_763_748_840, "sub": "mailto:me@example.com" })
        );
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        let signed = format!("{}.{}", parts[0], parts[1]);
        VerifyingKey::from_sec1_bytes(&point)
            .unwrap()
            .verify(signed.as_bytes(), &signature)
            .unwrap();
    }

    #[test]
    fn the_audience_keeps_a_port_of_its_own() {
        let header = key().authorization("http://127.0.0.1:9000/x", "https://shop.example", NOW);
        let header = header.unwrap();
        let claims = header.expose().split('.').nth(1).unwrap();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert!(
            claims.contains(r#""aud":"http://127.0.0.1:9000""#),
            "{claims}"
        );
    }
}
