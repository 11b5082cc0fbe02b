//! The tagged fields of an invoice, and how numbers and bytes stand in groups of five bits.

use super::Bolt11Error;
use bech32::Fe32;

/// Required features a payer may meet: onion (8), payment secret (14), multi-part (16), blinded paths (24), attribution data
/// (36) and payment metadata (48). All are the wallet's business; none changes what an invoice asks for.
const KNOWN_REQUIRED: [usize; 6] = [8, 14, 16, 24, 36, 48];

/// The tags, by their letter in Bech32's alphabet.
pub(super) mod tag {
    use bech32::Fe32;

    pub(in crate::bolt11) const PAYMENT_HASH: Fe32 = Fe32::P;
    pub(in crate::bolt11) const PAYMENT_SECRET: Fe32 = Fe32::S;
    pub(in crate::bolt11) const DESCRIPTION: Fe32 = Fe32::D;
    pub(in crate::bolt11) const DESCRIPTION_HASH: Fe32 = Fe32::H;
    pub(in crate::bolt11) const PAYEE: Fe32 = Fe32::N;
    pub(in crate::bolt11) const EXPIRY: Fe32 = Fe32::X;
    pub(in crate::bolt11) const MIN_FINAL_CLTV: Fe32 = Fe32::C;
    pub(in crate::bolt11) const FEATURES: Fe32 = Fe32::_9;
}

/// The fields this crate uses.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) payment_hash: Option<[u8; 32]>,
    pub(super) payment_secret: Option<[u8; 32]>,
    pub(super) description: Option<String>,
    pub(super) description_hash: Option<[u8; 32]>,
    pub(super) payee: Option<[u8; 33]>,
    pub(super) expiry_seconds: Option<u64>,
}

impl Fields {
    pub(super) fn read(mut groups: &[Fe32]) -> Result<Self, Bolt11Error> {
        let mut fields = Self::default();
        while let Some(([tag, high, low], rest)) = groups.split_first_chunk() {
            let length = usize::from(high.to_u8()) << 5 | usize::from(low.to_u8());
            let (data, rest) = rest.split_at_checked(length).ok_or(Bolt11Error::TooShort)?;
            groups = rest;
            match *tag {
                tag::PAYMENT_HASH => once(&mut fields.payment_hash, fixed(data))?,
                tag::PAYMENT_SECRET => once(&mut fields.payment_secret, fixed(data))?,
                tag::DESCRIPTION_HASH => once(&mut fields.description_hash, fixed(data))?,
                tag::PAYEE => once(&mut fields.payee, fixed(data))?,
                tag::DESCRIPTION => {
                    let text = String::from_utf8(bytes(data)).map_err(|_| Bolt11Error::Field)?;
                    once(&mut fields.description, Some(text))?;
                }
                tag::EXPIRY => once(&mut fields.expiry_seconds, Some(minimal_number(data)?))?,
                tag::MIN_FINAL_CLTV => {
                    minimal_number(data)?;
                }
                tag::FEATURES => check_features(data)?,
                // Routes, fallback addresses, metadata, and what is not known.
                _ => {}
            }
        }
        if groups.is_empty() {
            Ok(fields)
        } else {
            Err(Bolt11Error::TooShort)
        }
    }
}

/// Fills a slot that a second field must not fill again: which one a wallet would take is not defined.
fn once<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), Bolt11Error> {
    match (slot.is_some(), value) {
        (_, None) => Ok(()),
        (true, Some(_)) => Err(Bolt11Error::Field),
        (false, value) => {
            *slot = value;
            Ok(())
        }
    }
}

/// Exactly N bytes; a field of another size is skipped like an unknown one.
fn fixed<const N: usize>(data: &[Fe32]) -> Option<[u8; N]> {
    if data.len() == (N * 8).div_ceil(5) {
        bytes(data).try_into().ok()
    } else {
        None
    }
}

/// An odd unknown feature may be ignored, an even one not.
fn check_features(data: &[Fe32]) -> Result<(), Bolt11Error> {
    if data.first() == Some(&Fe32::Q) {
        return Err(Bolt11Error::Field);
    }
    let set = |bit: &usize| {
        data.iter()
            .rev()
            .nth(bit / 5)
            .is_some_and(|group| group.to_u8() >> (bit % 5) & 1 == 1)
    };
    let strange = (0..data.len() * 5)
        .step_by(2)
        .filter(set)
        .any(|bit| !KNOWN_REQUIRED.contains(&bit));
    if strange {
        Err(Bolt11Error::UnknownFeature)
    } else {
        Ok(())
    }
}

fn minimal_number(data: &[Fe32]) -> Result<u64, Bolt11Error> {
    if data.first() == Some(&Fe32::Q) {
        Err(Bolt11Error::Field)
    } else {
        number(data)
    }
}

/// A big-endian number.
pub(super) fn number(data: &[Fe32]) -> Result<u64, Bolt11Error> {
    data.iter().try_fold(0u64, |number, group| {
        let shifted = number.checked_mul(32).ok_or(Bolt11Error::Field)?;
        Ok(shifted | u64::from(group.to_u8()))
    })
}

/// The whole bytes; bits that do not fill one are padding.
pub(super) fn bytes(data: &[Fe32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(data.len() * 5 / 8);
    let (mut pending, mut count) = (0u16, 0);
    for group in data {
        pending = pending << 5 | u16::from(group.to_u8());
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((pending >> count) as u8);
        }
    }
    bytes
}
