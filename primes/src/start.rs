//! Where a search begins, and the numbers behind that point.

use crate::words::{WORDS, Words};
use chacha20::ChaCha20Legacy;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use zeroize::Zeroizing;

/// Which of the two primes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prime {
    /// The first: stream 0 of the seed.
    P,
    /// The second: stream 1.
    Q,
}

impl Prime {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::P, Self::Q];
}

/// There is no such number of 2048 bits; no seed is known to get there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndOfNumbers;

/// The point that the search for one prime begins at. It does not print, and its memory is wiped on drop.
#[derive(Clone)]
pub struct Start(Zeroizing<Words>);

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Start(..)")
    }
}

impl Start {
    /// 2048 bits of the seed's ChaCha20 stream (the block function of RFC 8439, with the stream's number as the nonce of 64 bits), big-endian,
    /// the two highest set (so that the product has 4096 bits) and the lowest (odd).
    pub fn of(seed: &[u8; 32], prime: Prime) -> Self {
        let stream: u64 = match prime {
            Prime::P => 0,
            Prime::Q => 1,
        };
        let mut cipher = ChaCha20Legacy::new(seed.into(), &stream.to_le_bytes().into());
        // What it makes of zeros is the stream itself.
        let mut bytes = Zeroizing::new([0; WORDS * 4]);
        cipher.apply_keystream(&mut *bytes);
        let mut words = Zeroizing::new([0; WORDS]);
        for (word, bytes) in words.iter_mut().rev().zip(bytes.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        words[WORDS - 1] |= 0b11 << 30;
        words[0] |= 1;
        Self(words)
    }

    /// The point + 2·counter.
    ///
    /// # Errors
    /// [`EndOfNumbers`] where that has more than 2048 bits.
    pub fn candidate(&self, counter: u32) -> Result<Zeroizing<Words>, EndOfNumbers> {
        let mut words = self.0.clone();
        let mut carry = u64::from(counter) * 2;
        for word in words.iter_mut() {
            carry += u64::from(*word);
            *word = carry as u32;
            carry >>= 32;
        }
        if carry == 0 {
            Ok(words)
        } else {
            Err(EndOfNumbers)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starting_point_is_the_streams_first_256_bytes() {
        // RFC 8439's block function with an all-zero key, nonce and counter: the stream begins 76b8e0ada0f13d90 and its 256th byte is even, so
        // the marks are visible.
        let start = Start::of(&[0; 32], Prime::P);
        assert_eq!(start.0[WORDS - 1], 0xf6b8_e0ad);
        assert_eq!(start.0[WORDS - 2], 0xa0f1_3d90);
        assert_eq!(start.0[0] & 1, 1);
        // By OpenSSL.
        let start = Start::of(&[0; 32], Prime::Q);
        assert_eq!(start.0[WORDS - 1], 0xef3f_dfd6);
        assert_eq!(start.0[0], 0x65bd_7d6b);
        assert_eq!(format!("{start:?}"), "Start(..)");
    }

    #[test]
    fn the_cipher_wipes_its_state() {
        fn wipes<T: zeroize::ZeroizeOnDrop>() {}
        wipes::<ChaCha20Legacy>();
    }

    #[test]
    fn numbers_do_not_outgrow_2048_bits() {
        let start = Start(Zeroizing::new([u32::MAX; WORDS]));
        assert_eq!(start.candidate(0).unwrap()[0], u32::MAX);
        assert_eq!(start.candidate(1), Err(EndOfNumbers));
    }
}
