//! Writing invoices, for the stub shop: every field a wallet needs and none more, and the same text for the same draft.

use super::fields::tag;
use super::{Bolt11Error, LongBech32, MSAT_PER_BTC, Network, TIMESTAMP_GROUPS, signed_hash};
use bech32::primitives::iter::{ByteIterExt, Fe32IterExt};
use bech32::{Fe32, Hrp};
use k256::ecdsa::SigningKey;

/// Blocks the payee wants for the last hop: BOLT 11's own default, spelt out.
const MIN_FINAL_CLTV: u64 = 18;
/// The features var_onion_optin (8) and payment_secret (14), both required.
const FEATURES: u64 = 1 << 8 | 1 << 14;
/// The longest description in bytes: a field has at most 1023 groups of five bits.
const MAX_DESCRIPTION: usize = 639;

/// What an invoice is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The chain it is for.
    pub network: Network,
    /// The price in millisatoshis; not zero.
    pub amount_msat: u64,
    /// What its payment is known by.
    pub payment_hash: [u8; 32],
    /// What the payer must show; it becomes public with the invoice.
    pub payment_secret: [u8; 32],
    /// What it is for, at most 639 bytes.
    pub description: String,
    /// When it is made, in Unix seconds.
    pub timestamp: u64,
    /// How long it is good for; not zero.
    pub expiry_seconds: u64,
}

/// Writes and signs an invoice. The nonce is RFC 6979's, so the same draft and key give the same text.
///
/// # Errors
/// [`Bolt11Error::Draft`] or [`Bolt11Error::SecretKey`].
pub fn encode(draft: &Draft, secret_key: &[u8; 32]) -> Result<String, Bolt11Error> {
    let key = SigningKey::from_bytes(secret_key.into()).map_err(|_| Bolt11Error::SecretKey)?;
    if draft.description.len() > MAX_DESCRIPTION || draft.expiry_seconds == 0 {
        return Err(Bolt11Error::Draft);
    }
    let prefix = draft.network.prefix().to_owned() + &shortest_amount(draft.amount_msat)?;
    let mut data = timestamp(draft.timestamp)?;
    push(&mut data, tag::PAYMENT_HASH, groups(&draft.payment_hash))?;
    push(
        &mut data,
        tag::PAYMENT_SECRET,
        groups(&draft.payment_secret),
    )?;
    push(
        &mut data,
        tag::DESCRIPTION,
        groups(draft.description.as_bytes()),
    )?;
    push(&mut data, tag::EXPIRY, minimal(draft.expiry_seconds))?;
    push(&mut data, tag::MIN_FINAL_CLTV, minimal(MIN_FINAL_CLTV))?;
    push(&mut data, tag::FEATURES, minimal(FEATURES))?;

    let hash = signed_hash(&prefix, &data);
    let (signature, recovery) = key
        .sign_prehash_recoverable(&hash)
        .map_err(|_| Bolt11Error::SecretKey)?;
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(recovery.to_byte());
    data.extend(groups(&bytes));
    let prefix = Hrp::parse(&prefix).map_err(|_| Bolt11Error::Draft)?;
    Ok(data
        .into_iter()
        .with_checksum::<LongBech32>(&prefix)
        .chars()
        .collect())
}

/// The amount with the largest multiplier that leaves it whole.
fn shortest_amount(msat: u64) -> Result<String, Bolt11Error> {
    let units = [
        (MSAT_PER_BTC, ""),
        (MSAT_PER_BTC / 1_000, "m"),
        (MSAT_PER_BTC / 1_000_000, "u"),
        (MSAT_PER_BTC / 1_000_000_000, "n"),
    ];
    if msat == 0 {
        return Err(Bolt11Error::Draft);
    }
    match units.iter().find(|(unit, _)| msat.is_multiple_of(*unit)) {
        Some((unit, letter)) => Ok(format!("{}{letter}", msat / unit)),
        // A millisatoshi is ten pico-bitcoin; readers hold the count in 64 bits.
        None => msat
            .checked_mul(10)
            .map(|pico| format!("{pico}p"))
            .ok_or(Bolt11Error::Draft),
    }
}

fn timestamp(seconds: u64) -> Result<Vec<Fe32>, Bolt11Error> {
    let groups = minimal(seconds);
    let missing = TIMESTAMP_GROUPS
        .checked_sub(groups.len())
        .ok_or(Bolt11Error::Draft)?;
    Ok([vec![Fe32::Q; missing], groups].concat())
}

fn push(data: &mut Vec<Fe32>, tag: Fe32, field: Vec<Fe32>) -> Result<(), Bolt11Error> {
    let length = minimal(field.len() as u64);
    let missing = 2usize.checked_sub(length.len()).ok_or(Bolt11Error::Draft)?;
    data.push(tag);
    data.extend(std::iter::repeat_n(Fe32::Q, missing));
    data.extend(length);
    data.extend(field);
    Ok(())
}

/// A big-endian number without leading zero groups.
fn minimal(number: u64) -> Vec<Fe32> {
    let count = (u64::BITS - number.leading_zeros()).div_ceil(5);
    // Masked to five bits, so every one of them is a group.
    (0..count)
        .rev()
        .filter_map(|i| Fe32::try_from((number >> (5 * i) & 31) as u8).ok())
        .collect()
}

/// Bytes in groups of five bits, filled up with zeros.
fn groups(bytes: &[u8]) -> Vec<Fe32> {
    bytes.iter().copied().bytes_to_fes().collect()
}
