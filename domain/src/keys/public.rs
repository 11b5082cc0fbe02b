//! A customer's SSH public key: one line of OpenSSH's format, read strictly and kept in one spelling.

use crate::error::ErrorCode;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ed25519_dalek::VerifyingKey;
use md5::{Digest, Md5};
use sha2::Sha256;

/// The longest line that is looked at: a 16384-bit RSA key takes 2,800 characters.
const MAX_LINE: usize = 8192;
/// The weakest RSA modulus that is taken, in bits.
const MIN_RSA_BITS: usize = 3072;
/// The longest RSA modulus that OpenSSH reads, in bits.
const MAX_RSA_BITS: usize = 16_384;
/// The longest public exponent that is taken, in bits: other SSH and age implementations refuse longer ones.
const MAX_EXPONENT_BITS: usize = 24;
/// What the base64 of an unencrypted or encrypted OpenSSH private key begins with ("openssh-key-v1").
const PRIVATE_BASE64: &str = "b3BlbnNzaC1rZXktdjE";

/// A public key that a machine can be given: Ed25519, or RSA of 3072 to 16384 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: &'static str,
    blob: Vec<u8>,
}

/// Why a line is not taken. None of these repeats the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKeyError {
    /// Not one line of OpenSSH's public key format.
    Invalid,
    /// A private key.
    Private,
    /// RSA below 3072 bits.
    TooShort,
    /// Options stand before the key.
    HasOptions,
    /// A type or size that is not taken.
    Unsupported,
}

impl PublicKeyError {
    /// The code it has on the wire.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Invalid => ErrorCode::InvalidSshKey,
            Self::Private => ErrorCode::SshKeyIsPrivate,
            Self::TooShort => ErrorCode::SshKeyTooShort,
            Self::HasOptions => ErrorCode::SshKeyHasOptions,
            Self::Unsupported => ErrorCode::SshKeyUnsupported,
        }
    }
}

impl std::fmt::Display for PublicKeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code().message())
    }
}

impl std::error::Error for PublicKeyError {}

impl PublicKey {
    /// `type base64`, without comment: two lines with the same key have the same text.
    pub fn normalized(&self) -> String {
        format!("{} {}", self.algorithm, STANDARD.encode(&self.blob))
    }

    /// The line of an `id_….pub` file, without line break. Control characters of the comment are dropped.
    pub fn openssh(&self, comment: &str) -> String {
        let line = [self.normalized(), super::tame(comment)].join(" ");
        line.trim_end().to_owned()
    }

    /// `SHA256:` and unpadded base64, as `ssh-keygen -l` prints it.
    pub fn sha256_fingerprint(&self) -> String {
        sha256_fingerprint(&self.blob)
    }

    /// Sixteen hex pairs with colons, the name DigitalOcean knows a key by.
    pub fn md5_fingerprint(&self) -> String {
        Md5::digest(&self.blob)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(":")
    }
}

fn sha256_fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

/// [`PublicKey::sha256_fingerprint`] of the key in a line of [`PublicKey::normalized`]. The key is not judged again, which would take longer
/// than all else that an order's view is made of.
pub fn fingerprint_of(normalized: &str) -> Option<String> {
    let (_, base64) = normalized.split_once(' ')?;
    Some(sha256_fingerprint(&STANDARD.decode(base64).ok()?))
}

/// Reads a line as it stands in an `id_….pub` file; white space around it, and a comment, are dropped.
///
/// # Errors
/// [`PublicKeyError`], whose code is the API's.
pub fn parse_public_key(line: &str) -> Result<PublicKey, PublicKeyError> {
    if holds_private_key(line) {
        return Err(PublicKeyError::Private);
    }
    let line = line.trim();
    if line.len() > MAX_LINE || line.chars().any(char::is_control) {
        return Err(PublicKeyError::Invalid);
    }
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let name = words.next().ok_or(PublicKeyError::Invalid)?;
    let algorithm = match name {
        "ssh-ed25519" => "ssh-ed25519",
        "ssh-rsa" => "ssh-rsa",
        _ if is_other_algorithm(name) => return Err(PublicKeyError::Unsupported),
        // Options may hold spaces in quotes; whatever they are, a type name stands behind them.
        _ if words
            .any(|word| word == "ssh-ed25519" || word == "ssh-rsa" || is_other_algorithm(word)) =>
        {
            return Err(PublicKeyError::HasOptions);
        }
        _ => return Err(PublicKeyError::Invalid),
    };
    let base64 = words.next().ok_or(PublicKeyError::Invalid)?;
    let blob = STANDARD
        .decode(base64)
        .map_err(|_| PublicKeyError::Invalid)?;
    check_blob(algorithm, &blob)?;
    Ok(PublicKey { algorithm, blob })
}

/// PEM, PuTTY's format, or the bare base64 of an OpenSSH private key. A mistake to be told plainly, so it is looked for first.
fn holds_private_key(text: &str) -> bool {
    (text.contains("-----BEGIN") && text.contains("PRIVATE KEY"))
        || text.contains("PuTTY-User-Key-File-")
        || text
            .split_whitespace()
            .any(|word| word.starts_with(PRIVATE_BASE64))
}

/// Key types that OpenSSH knows and this service does not take: DSA, ECDSA, XMSS, hardware-backed keys and certificates.
fn is_other_algorithm(name: &str) -> bool {
    name == "ssh-dss"
        || name.starts_with("ecdsa-sha2-")
        || name.starts_with("sk-")
        || name.ends_with("@openssh.com")
        || ["ssh-ed448", "rsa-sha2-256", "rsa-sha2-512"].contains(&name)
}

/// Checks the fields of RFC 4253 §6.6 (RSA) and RFC 8709 §4 (Ed25519), to the last byte.
fn check_blob(algorithm: &str, blob: &[u8]) -> Result<(), PublicKeyError> {
    let mut rest = blob;
    let mut field = || -> Result<&[u8], PublicKeyError> {
        let (length, behind) = rest.split_first_chunk().ok_or(PublicKeyError::Invalid)?;
        let length =
            usize::try_from(u32::from_be_bytes(*length)).map_err(|_| PublicKeyError::Invalid)?;
        let (field, behind) = behind
            .split_at_checked(length)
            .ok_or(PublicKeyError::Invalid)?;
        rest = behind;
        Ok(field)
    };
    if field()? != algorithm.as_bytes() {
        return Err(PublicKeyError::Invalid);
    }
    let verdict = if algorithm == "ssh-ed25519" {
        check_ed25519(field()?)
    } else {
        let exponent = odd_number(field()?)?;
        check_rsa(exponent, odd_number(field()?)?)
    };
    if rest.is_empty() {
        verdict
    } else {
        Err(PublicKeyError::Invalid)
    }
}

/// A point of the curve, and not one of the few for which anybody can sign: the bundle may be sealed to it.
fn check_ed25519(key: &[u8]) -> Result<(), PublicKeyError> {
    let bytes = key.try_into().map_err(|_| PublicKeyError::Invalid)?;
    match VerifyingKey::from_bytes(bytes) {
        Ok(point) if !point.is_weak() => Ok(()),
        _ => Err(PublicKeyError::Invalid),
    }
}

fn check_rsa(exponent: &[u8], modulus: &[u8]) -> Result<(), PublicKeyError> {
    if exponent == [1] {
        return Err(PublicKeyError::Invalid);
    }
    match bits(modulus) {
        ..MIN_RSA_BITS => Err(PublicKeyError::TooShort),
        MIN_RSA_BITS..=MAX_RSA_BITS if bits(exponent) <= MAX_EXPONENT_BITS => Ok(()),
        _ => Err(PublicKeyError::Unsupported),
    }
}

/// An mpint (RFC 4251 §5) in its one right spelling, positive and odd, without the sign's zero byte.
fn odd_number(field: &[u8]) -> Result<&[u8], PublicKeyError> {
    let number = match field {
        [0, number @ ..] if number.first().is_some_and(|high| *high >= 0x80) => number,
        [1..0x80, ..] => field,
        _ => return Err(PublicKeyError::Invalid),
    };
    if number.last().is_some_and(|low| low % 2 == 1) {
        Ok(number)
    } else {
        Err(PublicKeyError::Invalid)
    }
}

fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |high| number.len() * 8 - high.leading_zeros() as usize)
}
