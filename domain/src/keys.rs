//! SSH keys: the order's own keypair, always the same for the same seed, and the public keys customers bring.
//!
//! Nothing here draws randomness. The seed is 32 secret bytes of the order link; Ed25519 uses it as it is, RSA-4096 finds its
//! primes from it ([`PrimeSearch`]), which takes seconds, and rebuilds them at once from the two counters the link carries.

mod fermat;
mod primes;
mod public;

pub use primes::{Prime, PrimeSearch, Step};
pub use public::{PublicKey, PublicKeyError, parse_public_key};

use num_bigint::BigUint;
use primes::{PUBLIC_EXPONENT, prime_at};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::der::asn1::ObjectIdentifier;
use rsa::pkcs8::spki::AlgorithmIdentifierRef;
use rsa::pkcs8::{PrivateKeyInfo, SecretDocument};
use serde::{Deserialize, Serialize};
use ssh_key::private::{Ed25519Keypair, KeypairData, RsaKeypair};
use ssh_key::{LineEnding, PrivateKey};
use std::str::FromStr;
use zeroize::{Zeroize, Zeroizing};

/// p and q must differ by more than 2 to this (FIPS 186-5: 2^(bits/2 - 100)).
const MIN_DISTANCE_BITS: usize = 1948;

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

/// How many odd numbers behind their starting points the primes of an RSA key stand. They say nothing without the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimeCounters {
    /// Of p.
    pub p: u32,
    /// Of q.
    pub q: u32,
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

    /// The line of an `id_….pub` file, without line break. Control characters of the comment are dropped.
    pub fn public_openssh(&self, comment: &str) -> String {
        let line = [self.public.normalized(), tame(comment)].join(" ");
        line.trim_end().to_owned()
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

/// Finds the RSA-4096 keypair of a seed. `progress` hears 0 to 1, never falling: how likely the search was to be over by now.
///
/// # Errors
/// [`KeyError::NoPrime`]; no seed is known to get there.
pub fn search_rsa(
    seed: &SshSeed,
    progress: &mut dyn FnMut(f32),
) -> Result<(SshKey, PrimeCounters), KeyError> {
    progress(0.0);
    let mut search = PrimeSearch::new(seed, Prime::P);
    let (p, p_number) = next_prime(&mut search, &mut |part| progress(part / 2.0))?;
    let mut search = PrimeSearch::new(seed, Prime::Q);
    loop {
        let (q, q_number) = next_prime(&mut search, &mut |part| progress(0.5 + part / 2.0))?;
        if far_apart(&p_number, &q_number) {
            return Ok((rsa_key(&p_number, &q_number)?, PrimeCounters { p, q }));
        }
    }
}

/// Rebuilds an RSA-4096 keypair from the counters that [`search_rsa`], or two [`PrimeSearch`]es, found.
///
/// # Errors
/// [`KeyError::WrongCounters`] where they do not lead to two primes of one key.
pub fn rsa_from_counters(seed: &SshSeed, counters: PrimeCounters) -> Result<SshKey, KeyError> {
    let p = prime_at(seed, Prime::P, counters.p)?;
    let q = prime_at(seed, Prime::Q, counters.q)?;
    if !far_apart(&p, &q) {
        return Err(KeyError::WrongCounters);
    }
    rsa_key(&p, &q)
}

fn next_prime(
    search: &mut PrimeSearch,
    progress: &mut dyn FnMut(f32),
) -> Result<(u32, Zeroizing<BigUint>), KeyError> {
    loop {
        let step = search.step()?;
        progress(search.progress());
        if let Step::Found(counter) = step {
            return Ok((counter, search.prime(counter)?));
        }
    }
}

fn far_apart(p: &BigUint, q: &BigUint) -> bool {
    let distance = Zeroizing::new(if p > q { p - q } else { q - p });
    *distance > BigUint::from(1u32) << MIN_DISTANCE_BITS
}

fn rsa_key(p: &BigUint, q: &BigUint) -> Result<SshKey, KeyError> {
    let key = RsaPrivateKey::from_p_q(p.clone(), q.clone(), BigUint::from(PUBLIC_EXPONENT));
    SshKey::new(Pair::Rsa(Box::new(key.map_err(|_| KeyError::Encoding)?)))
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// No such type of key.
    UnknownType,
    /// The remembered counters do not belong to this seed.
    WrongCounters,
    /// The search ran out of numbers.
    NoPrime,
    /// A library refused to build or write the key.
    Encoding,
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnknownType => "There is no such type of SSH key.",
            Self::WrongCounters => "The key part of this link is mistyped; the SSH key can still be found from the secret.",
            Self::NoPrime => "No SSH key was found for this secret.",
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
