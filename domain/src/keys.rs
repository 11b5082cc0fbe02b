//! SSH keys: the order's own keypair, always the same for the same seed, and the public keys customers bring.
//!
//! Nothing here draws randomness. The seed is 32 secret bytes of the order link; Ed25519 uses it as it is, RSA-4096 has its primes
//! searched from it (`kindling_primes`), which takes a while, and rebuilds them at once from the two counters the link carries.

mod public;

pub use kindling_primes::Counters;
pub use public::{PublicKey, PublicKeyError, fingerprint_of, parse_public_key};

use kindling_primes::{EndOfNumbers, PUBLIC_EXPONENT, Prime, Start};
use num_bigint::BigUint;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::der::asn1::ObjectIdentifier;
use rsa::pkcs8::spki::AlgorithmIdentifierRef;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, PrivateKeyInfo, SecretDocument};
use rsa::traits::PrivateKeyParts;
use rsa::{Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ssh_key::private::{Ed25519Keypair, KeypairData, RsaKeypair};
use ssh_key::{LineEnding, PrivateKey};
use std::str::FromStr;
use zeroize::{Zeroize, Zeroizing};

/// p and q must differ by more than 2 to this (FIPS 186-5, A.1.3: 2^(bits/2 - 100)).
const MIN_DISTANCE_BITS: usize = 1948;
/// The private exponent must be more than 2 to this (FIPS 186-5, A.1.1: 2^(bits/2)).
const MIN_EXPONENT_BITS: usize = 2048;

/// The kinds of keypair an order can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyType {
    /// RSA with 4096 bits and e = 65537.
    Rsa4096,
    /// Ed25519.
    Ed25519,
}

impl KeyType {
    /// The name it has in links and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa4096 => "rsa4096",
            Self::Ed25519 => "ed25519",
        }
    }
}

impl FromStr for KeyType {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        [Self::Rsa4096, Self::Ed25519]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(KeyError::UnknownType)
    }
}

/// The 32 secret bytes a keypair grows from.
#[derive(Clone, PartialEq, Eq)]
pub struct SshSeed([u8; 32]);

impl SshSeed {
    /// Takes the bytes over.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Every caller says beside the call why it may look.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for SshSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SshSeed(..)")
    }
}

impl Drop for SshSeed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A keypair. It does not print, and its memory is wiped on drop.
pub struct SshKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Rsa(Box<RsaPrivateKey>),
    Ed25519(Ed25519Keypair),
}

impl std::fmt::Debug for SshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SshKey({}, ..)", self.key_type().as_str())
    }
}

impl SshKey {
    fn new(pair: Pair) -> Result<Self, KeyError> {
        let line = openssh(&pair, "")?.public_key().to_openssh()?;
        let public = parse_public_key(&line).map_err(|_| KeyError::Encoding)?;
        Ok(Self { pair, public })
    }

    /// Which kind it is.
    pub const fn key_type(&self) -> KeyType {
        match self.pair {
            Pair::Rsa(_) => KeyType::Rsa4096,
            Pair::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// As [`PublicKey::openssh`].
    pub fn public_openssh(&self, comment: &str) -> String {
        self.public.openssh(comment)
    }

    /// The text of an unencrypted `id_…` file.
    ///
    /// # Errors
    /// [`KeyError::Encoding`] where the library refuses; no key made here is known to.
    pub fn private_openssh(&self, comment: &str) -> Result<Zeroizing<String>, KeyError> {
        Ok(openssh(&self.pair, &tame(comment))?.to_openssh(LineEnding::LF)?)
    }

    /// The private key in PEM, for programs that do not read OpenSSH's format: RSA as PKCS#1, which is what the oldest of them
    /// know, Ed25519 as PKCS#8, since there is nothing older for it.
    ///
    /// # Errors
    /// [`KeyError::Encoding`] where the library refuses; no key made here is known to.
    pub fn private_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        match &self.pair {
            Pair::Rsa(key) => key
                .to_pkcs1_pem(LineEnding::LF)
                .map_err(|_| KeyError::Encoding),
            Pair::Ed25519(pair) => ed25519_pkcs8(pair)
                .and_then(|der| Ok(der.to_pem("PRIVATE KEY", LineEnding::LF)?))
                .map_err(|_| KeyError::Encoding),
        }
    }

    /// An RSA key for other programs' libraries: the private key as PKCS#8, then the public one as SubjectPublicKeyInfo, both in DER. `None` of
    /// an Ed25519 key.
    pub fn rsa_der(&self) -> Option<(SecretDocument, Vec<u8>)> {
        let Pair::Rsa(key) = &self.pair else {
            return None;
        };
        let public = key.to_public_key().to_public_key_der().ok()?;
        Some((key.to_pkcs8_der().ok()?, public.into_vec()))
    }

    /// Whether a signature that the private half makes is good for the public one, by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017) of these
    /// bytes. Ed25519 keys need no trial: their halves cannot disagree.
    pub fn signs(&self, message: &[u8]) -> bool {
        let Pair::Rsa(key) = &self.pair else {
            return true;
        };
        let hash = Sha256::digest(message);
        let scheme = Pkcs1v15Sign::new::<Sha256>;
        key.sign(scheme(), &hash).is_ok_and(|signature| {
            key.to_public_key()
                .verify(scheme(), &hash, &signature)
                .is_ok()
        })
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint_sha256(&self) -> String {
        self.public.sha256_fingerprint()
    }
}

fn openssh(pair: &Pair, comment: &str) -> Result<PrivateKey, KeyError> {
    let pair = match pair {
        Pair::Rsa(key) => KeypairData::Rsa(RsaKeypair::try_from(&**key)?),
        Pair::Ed25519(pair) => KeypairData::Ed25519(pair.clone()),
    };
    Ok(PrivateKey::new(pair, comment)?)
}

/// A comment that stays on its line.
fn tame(comment: &str) -> String {
    comment
        .chars()
        .filter(|c| !c.is_control())
        .collect::<String>()
        .trim()
        .to_owned()
}

/// RFC 8410 §7: the seed as an OCTET STRING within the OCTET STRING.
fn ed25519_pkcs8(pair: &Ed25519Keypair) -> Result<SecretDocument, rsa::pkcs8::Error> {
    let mut octets = Zeroizing::new([0; 34]);
    octets[..2].copy_from_slice(&[0x04, 32]);
    octets[2..].copy_from_slice(pair.private.as_ref());
    let oid = ObjectIdentifier::new_unwrap("1.3.101.112");
    let info = PrivateKeyInfo::new(
        AlgorithmIdentifierRef {
            oid,
            parameters: None,
        },
        &*octets,
    );
    SecretDocument::try_from(info)
}

/// The Ed25519 keypair of a seed.
///
/// # Errors
/// [`KeyError::Encoding`] where the library refuses; no seed is known to get there.
pub fn ed25519(seed: &SshSeed) -> Result<SshKey, KeyError> {
    // Opened because it is the secret key.
    SshKey::new(Pair::Ed25519(Ed25519Keypair::from_seed(seed.expose())))
}

/// Rebuilds the RSA-4096 keypair whose primes stand at the counters. That they are primes is for `kindling_primes::confirm` to say, which
/// takes longer than all of this.
///
/// # Errors
/// [`KeyError::WrongCounters`] where they cannot lead to two primes of one key by FIPS 186-5, A.1.1 and A.1.3.
pub fn rsa_from_counters(seed: &SshSeed, counters: Counters) -> Result<SshKey, KeyError> {
    let (p, q) = rsa_factors(seed, counters)?;
    let e = BigUint::from(PUBLIC_EXPONENT);
    // The only thing that it can refuse is a factor that has none or no inverse of e.
    let key = RsaPrivateKey::from_p_q((*p).clone(), (*q).clone(), e);
    let key = key.map_err(|_| KeyError::WrongCounters)?;
    if key.d().bits() <= MIN_EXPONENT_BITS {
        return Err(KeyError::WrongCounters);
    }
    SshKey::new(Pair::Rsa(Box::new(key)))
}

/// The public half alone, which takes no time.
///
/// # Errors
/// As [`rsa_from_counters`].
pub fn rsa_public_from_counters(seed: &SshSeed, counters: Counters) -> Result<PublicKey, KeyError> {
    let (p, q) = rsa_factors(seed, counters)?;
    let e = BigUint::from(PUBLIC_EXPONENT);
    let key = RsaPublicKey::new(&*p * &*q, e).map_err(|_| KeyError::WrongCounters)?;
    let key = ssh_key::public::RsaPublicKey::try_from(key)?;
    let line = ssh_key::PublicKey::from(key).to_openssh()?;
    parse_public_key(&line).map_err(|_| KeyError::Encoding)
}

/// The numbers at the counters, where they fit each other and the public exponent.
fn rsa_factors(
    seed: &SshSeed,
    counters: Counters,
) -> Result<(Zeroizing<BigUint>, Zeroizing<BigUint>), KeyError> {
    let factor = |prime, counter| {
        // Opened because the primes grow from it.
        let words = Start::of(seed.expose(), prime).candidate(counter);
        let words = words.map_err(|EndOfNumbers| KeyError::WrongCounters)?;
        let number = Zeroizing::new(BigUint::from_slice(&*words));
        // e is prime, so it shares a factor with the predecessor only by dividing it.
        if &*number % PUBLIC_EXPONENT == BigUint::from(1u32) {
            return Err(KeyError::WrongCounters);
        }
        Ok(number)
    };
    let p = factor(Prime::P, counters.p)?;
    let q = factor(Prime::Q, counters.q)?;
    if !far_apart(&p, &q) {
        return Err(KeyError::WrongCounters);
    }
    Ok((p, q))
}

fn far_apart(p: &BigUint, q: &BigUint) -> bool {
    let distance = Zeroizing::new(if p > q { p - q } else { q - p });
    *distance > BigUint::from(1u32) << MIN_DISTANCE_BITS
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// No such type of key.
    UnknownType,
    /// The remembered counters do not belong to this seed.
    WrongCounters,
    /// A library refused to build or write the key.
    Encoding,
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnknownType => "There is no such type of SSH key.",
            Self::WrongCounters => "The key part of this link is mistyped; the SSH key can still be found from the secret.",
            Self::Encoding => "The SSH key could not be written.",
        })
    }
}

impl std::error::Error for KeyError {}

impl From<ssh_key::Error> for KeyError {
    fn from(_: ssh_key::Error) -> Self {
        Self::Encoding
    }
}

#[cfg(test)]
mod tests;
