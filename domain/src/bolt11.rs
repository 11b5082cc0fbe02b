//! BOLT 11 invoices: read, checked against an order, and written for the stub shop.
//!
//! Reading follows the payer's rules of the specification, so that what is shown to a customer is an invoice their wallet will
//! take; where examples and rules of the specification differ (fixed-size fields of another size are skipped), the examples win.

mod fields;
mod write;

pub use write::{Draft, encode};

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Checksum, Fe32};
use fields::Fields;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest text that is read: what fits into a QR code.
const MAX_LENGTH: usize = 7089;
/// The expiry of an invoice that names none.
const DEFAULT_EXPIRY_SECONDS: u64 = 3600;
/// The timestamp's length in 5-bit groups.
const TIMESTAMP_GROUPS: usize = 7;
/// The signature's: 64 bytes and the recovery id.
const SIGNATURE_GROUPS: usize = 104;
/// Millisatoshis in one bitcoin.
const MSAT_PER_BTC: u64 = 100_000_000_000;

/// Bech32 with BOLT 11's length; LNURLs are no shorter.
pub(crate) enum LongBech32 {}

impl Checksum for LongBech32 {
    type MidstateRepr = <Bech32 as Checksum>::MidstateRepr;
    const CODE_LENGTH: usize = MAX_LENGTH;
    const CHECKSUM_LENGTH: usize = Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [Self::MidstateRepr; 5] = Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: Self::MidstateRepr = Bech32::TARGET_RESIDUE;
}

/// The chain an invoice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Mainnet: `lnbc`.
    Bitcoin,
    /// Testnet: `lntb`.
    Testnet,
    /// Signet: `lntbs`.
    Signet,
    /// Regtest: `lnbcrt`.
    Regtest,
}

impl Network {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bitcoin, Self::Testnet, Self::Signet, Self::Regtest];

    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bitcoin => "bitcoin",
            Self::Testnet => "testnet",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }

    /// What an invoice for it begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Bitcoin => "lnbc",
            Self::Testnet => "lntb",
            Self::Signet => "lntbs",
            Self::Regtest => "lnbcrt",
        }
    }
}

/// An invoice whose checksum and signature are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// The chain it is for.
    pub network: Network,
    /// The price in millisatoshis, where it names one.
    pub amount_msat: Option<u64>,
    /// When it was made, in Unix seconds.
    pub timestamp: u64,
    /// How long it is good for.
    pub expiry_seconds: u64,
    /// What its payment is known by.
    pub payment_hash: [u8; 32],
    /// What the payer must show to the payee; public with the invoice.
    pub payment_secret: [u8; 32],
    /// The node that signed it: a compressed point.
    pub payee: [u8; 33],
    /// What it is for. Untrusted text.
    pub description: Option<String>,
    /// SHA-256 of what it is for, where the description is elsewhere.
    pub description_hash: Option<[u8; 32]>,
}

impl Invoice {
    /// The Unix second from which on it is no longer good.
    pub const fn expires_at(&self) -> u64 {
        self.timestamp.saturating_add(self.expiry_seconds)
    }

    /// Whether it is what was asked for: this network, exactly this amount, still good.
    ///
    /// # Errors
    /// The first [`InvoiceRefusal`].
    pub fn check(
        &self,
        expected_network: Network,
        expected_amount_msat: u64,
        now_unix: u64,
    ) -> Result<(), InvoiceRefusal> {
        if self.network != expected_network {
            Err(InvoiceRefusal::WrongNetwork)
        } else if self.amount_msat != Some(expected_amount_msat) {
            Err(InvoiceRefusal::WrongAmount)
        } else if now_unix >= self.expires_at() {
            Err(InvoiceRefusal::Expired)
        } else {
            Ok(())
        }
    }
}

/// Why a genuine invoice is not the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceRefusal {
    /// For another chain.
    WrongNetwork,
    /// Another amount, or none.
    WrongAmount,
    /// No longer good.
    Expired,
}

impl std::fmt::Display for InvoiceRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WrongNetwork => "This invoice is for another Bitcoin network. Do not pay it.",
            Self::WrongAmount => {
                "This invoice does not ask for the price of the order. Do not pay it."
            }
            Self::Expired => "This invoice has expired. Do not pay it.",
        })
    }
}

impl std::error::Error for InvoiceRefusal {}

/// Why a text is not an invoice, or an invoice could not be written. None of these repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bolt11Error {
    /// Not Bech32, mixed case, too long, or a wrong checksum.
    Checksum,
    /// Not an invoice's prefix.
    Prefix,
    /// An amount that is not one, or no whole number of millisatoshis.
    Amount,
    /// Cut off.
    TooShort,
    /// A field that is not what it says, or stands twice.
    Field,
    /// A field that every invoice has is missing.
    MissingField,
    /// The invoice demands something of the payer that is not known.
    UnknownFeature,
    /// The signature does not fit.
    Signature,
    /// A draft that cannot be written: a zero or too large amount, a description over 639 bytes, a time over 35 bits.
    Draft,
    /// Not a secp256k1 secret key.
    SecretKey,
}

impl std::fmt::Display for Bolt11Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Checksum => "This is not a Lightning invoice, or it is mistyped.",
            Self::Prefix => "This is not an invoice for a Bitcoin network that is known here.",
            Self::Amount => "The invoice's amount cannot be read.",
            Self::TooShort => "The invoice is cut off.",
            Self::Field => "A field of the invoice cannot be read.",
            Self::MissingField => "A field that every invoice needs is missing.",
            Self::UnknownFeature => "The invoice needs a feature that is not known here.",
            Self::Signature => "The invoice's signature does not fit.",
            Self::Draft => "No invoice can be written for this.",
            Self::SecretKey => "This is not a key that can sign invoices.",
        })
    }
}

impl std::error::Error for Bolt11Error {}

/// Reads an invoice in either case, with or without `lightning:` before it.
///
/// # Errors
/// [`Bolt11Error`]; a payer must not pay then.
pub fn decode(text: &str) -> Result<Invoice, Bolt11Error> {
    let text = text.trim();
    let scheme = "lightning:";
    let text = match text.split_at_checked(scheme.len()) {
        Some((before, invoice)) if before.eq_ignore_ascii_case(scheme) => invoice,
        _ => text,
    };
    let parsed = CheckedHrpstring::new::<LongBech32>(text).map_err(|_| Bolt11Error::Checksum)?;
    let prefix = parsed.hrp().to_lowercase();
    let (network, amount_msat) = read_prefix(&prefix)?;
    // The type argument belongs to a conversion that is not used here.
    let groups: Vec<Fe32> = parsed.fe32_iter::<std::iter::Empty<u8>>().collect();

    let signed_length = groups
        .len()
        .checked_sub(SIGNATURE_GROUPS)
        .ok_or(Bolt11Error::TooShort)?;
    let (signed, signature) = groups.split_at(signed_length);
    let (timestamp, tagged) = signed
        .split_at_checked(TIMESTAMP_GROUPS)
        .ok_or(Bolt11Error::TooShort)?;
    let fields = Fields::read(tagged)?;
    let payee = verify(&signed_hash(&prefix, signed), signature, fields.payee)?;
    if fields.description.is_some() == fields.description_hash.is_some() {
        let neither = fields.description.is_none();
        return Err(if neither {
            Bolt11Error::MissingField
        } else {
            Bolt11Error::Field
        });
    }
    Ok(Invoice {
        network,
        amount_msat,
        timestamp: fields::number(timestamp)?,
        expiry_seconds: fields.expiry_seconds.unwrap_or(DEFAULT_EXPIRY_SECONDS),
        payment_hash: fields.payment_hash.ok_or(Bolt11Error::MissingField)?,
        payment_secret: fields.payment_secret.ok_or(Bolt11Error::MissingField)?,
        payee,
        description: fields.description,
        description_hash: fields.description_hash,
    })
}

/// `lnbc2500u` → mainnet and 250,000,000 msat.
fn read_prefix(prefix: &str) -> Result<(Network, Option<u64>), Bolt11Error> {
    let digits_at = prefix
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(prefix.len());
    let (name, amount) = prefix.split_at(digits_at);
    let network = Network::ALL
        .into_iter()
        .find(|network| network.prefix() == name)
        .ok_or(Bolt11Error::Prefix)?;
    if amount.is_empty() {
        return Ok((network, None));
    }
    // A positive integer in decimal without leading zeros; the digits alone, because `parse` would take a sign.
    let digits = amount.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Bolt11Error::Amount);
    }
    let count: u64 = digits.parse().map_err(|_| Bolt11Error::Amount)?;
    let msat = match &amount[digits.len()..] {
        "" => count.checked_mul(MSAT_PER_BTC),
        "m" => count.checked_mul(MSAT_PER_BTC / 1_000),
        "u" => count.checked_mul(MSAT_PER_BTC / 1_000_000),
        "n" => count.checked_mul(MSAT_PER_BTC / 1_000_000_000),
        "p" if count.is_multiple_of(10) => Some(count / 10),
        _ => None,
    };
    Ok((network, Some(msat.ok_or(Bolt11Error::Amount)?)))
}

/// SHA-256 of the prefix's text and the data, filled up with zero bits to whole bytes.
fn signed_hash(prefix: &str, signed: &[Fe32]) -> [u8; 32] {
    let mut bytes = fields::bytes(&[signed, &[Fe32::Q; 2]].concat());
    bytes.truncate((signed.len() * 5).div_ceil(8));
    Sha256::new()
        .chain_update(prefix)
        .chain_update(bytes)
        .finalize()
        .into()
}

/// The key that signed. A key that the invoice names must have signed in the one canonical way (low S); without one, the
/// signature tells the key, and either S is right.
fn verify(
    hash: &[u8; 32],
    signature: &[Fe32],
    named: Option<[u8; 33]>,
) -> Result<[u8; 33], Bolt11Error> {
    let refused = |_| Bolt11Error::Signature;
    let bytes = fields::bytes(signature);
    let (recovery, compact) = bytes.split_last().ok_or(Bolt11Error::TooShort)?;
    let signature = Signature::from_slice(compact).map_err(refused)?;
    let recovery = RecoveryId::from_byte(*recovery).ok_or(Bolt11Error::Signature)?;
    if let Some(named) = named {
        let key = VerifyingKey::from_sec1_bytes(&named).map_err(refused)?;
        if signature.normalize_s().is_some() {
            return Err(Bolt11Error::Signature);
        }
        key.verify_prehash(hash, &signature).map_err(refused)?;
        return Ok(named);
    }
    // The library recovers from low S only; negating S mirrors the point the recovery id speaks of.
    let (signature, recovery) = match signature.normalize_s() {
        Some(low) => (
            low,
            RecoveryId::new(!recovery.is_y_odd(), recovery.is_x_reduced()),
        ),
        None => (signature, recovery),
    };
    let key = VerifyingKey::recover_from_prehash(hash, &signature, recovery).map_err(refused)?;
    compressed(&key)
}

/// A point in 33 bytes.
fn compressed(key: &VerifyingKey) -> Result<[u8; 33], Bolt11Error> {
    key.to_encoded_point(true)
        .as_bytes()
        .try_into()
        .map_err(|_| Bolt11Error::Signature)
}

#[cfg(test)]
mod tests;
