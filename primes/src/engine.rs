//! What sorts candidates out.

use crate::words::{WORDS, Words};

/// Arithmetic that answers one question fast: which power of 2 is left modulo a candidate? It may err without harm; see the crate.
pub trait Engine {
    /// 2^(n-1) mod n, of an odd number `n` of exactly 2048 bits.
    fn power(n: &Words) -> Words;

    /// A number, its 32-bit words given as doubles with the highest first, modulo four primes below 2^20 at once.
    fn residues(words: &[f64; WORDS], primes: &[u32; 4]) -> [u32; 4];
}

/// Adding and taking away 1.5·2^52 rounds a double to the nearest integer.
pub(crate) const ROUND: f64 = 6_755_399_441_055_744.0;
/// What the next word's place is worth.
pub(crate) const NEXT: f64 = 4_294_967_296.0;

/// The residues below their primes, from numbers that are right but for at most one multiple.
pub(crate) fn wrap(residues: [f64; 4], primes: &[u32; 4]) -> [u32; 4] {
    std::array::from_fn(|i| (residues[i] as i32).rem_euclid(primes[i] as i32) as u32)
}

/// Whether `n` passes Fermat's test to base 2: every prime does, nearly no other number of this size.
pub fn passes<E: Engine>(n: &Words) -> bool {
    let [first, rest @ ..] = E::power(n);
    first == 1 && rest.iter().all(|word| *word == 0)
}

/// Whether the engine works on the machine that it runs on: it computes a power whose value is known. Some hardware takes a fused
/// multiplication apart, which rounds twice.
pub fn is_sound<E: Engine>() -> bool {
    // Not a prime, so every bit of the power counts.
    let mut power = E::power(&known());
    // FNV-1a, 64 bits, of the words from the lowest on: the whole number would be 256 bytes of the module.
    let hash = power.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, word| {
        (hash ^ u64::from(*word)).wrapping_mul(0x100_0000_01b3)
    });
    zeroize::Zeroize::zeroize(&mut power);
    hash == KNOWN_POWER
}

/// [`is_sound`]'s number: the multiples of an odd constant, two bits set, odd.
fn known() -> Words {
    let mut n: Words = std::array::from_fn(|i| (i as u32 + 1).wrapping_mul(0x9e37_79b9));
    n[WORDS - 1] |= 0b11 << 30;
    n[0] |= 1;
    n
}

/// Of that hash, computed by another program.
const KNOWN_POWER: u64 = 0x7b10_295c_8fc2_025b;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fused, Prime, Scalar, Start};
    use num_bigint::BigUint;

    fn number(words: &Words) -> BigUint {
        BigUint::from_slice(words)
    }

    fn expected(n: &Words) -> BigUint {
        BigUint::from(2u32).modpow(&(number(n) - 1u32), &number(n))
    }

    /// Numbers at which limbs carry, and ordinary ones.
    fn samples() -> Vec<Words> {
        let mut almost_all = [u32::MAX; WORDS];
        almost_all[40] = 0;
        let mut sparse = [0; WORDS];
        sparse[0] = 1;
        sparse[WORDS - 1] = 1 << 31;
        let mut sparser = sparse;
        sparser[30] = 1 << 5;
        sparser[0] = 3;
        let start = Start::of(&[7; 32], Prime::P);
        let ordinary = (0..12).map(|counter| *start.candidate(counter).unwrap());
        [[u32::MAX; WORDS], almost_all, sparse, sparser, known()]
            .into_iter()
            .chain(ordinary)
            .collect()
    }

    fn agrees<E: Engine>() {
        for (i, n) in samples().iter().enumerate() {
            assert_eq!(number(&E::power(n)), expected(n), "{i}");
        }
        assert!(is_sound::<E>());
    }

    #[test]
    fn the_scalar_engine_agrees_with_a_library() {
        agrees::<Scalar>();
    }

    #[test]
    fn the_fused_engine_agrees_with_a_library() {
        agrees::<Fused>();
    }

    fn divides<E: Engine>() {
        let [ordinary, largest] = [samples()[7], [u32::MAX; WORDS]];
        for words in [ordinary, largest] {
            let mut limbs = words.map(f64::from);
            limbs.reverse();
            let extremes = [[3, 5, 7, 11], [65_537, 1_048_571, 1_048_573, 1_048_559]];
            for primes in extremes {
                let expected = primes.map(|prime| number(&words) % prime);
                let found = E::residues(&limbs, &primes).map(BigUint::from);
                assert_eq!(found, expected, "{primes:?}");
            }
        }
    }

    #[test]
    fn both_engines_divide_as_a_library_does() {
        divides::<Scalar>();
        divides::<Fused>();
    }

    #[test]
    fn an_engine_that_errs_in_one_bit_is_not_sound() {
        struct Wrong;
        impl Engine for Wrong {
            fn power(n: &Words) -> Words {
                let mut power = Scalar::power(n);
                power[17] ^= 1 << 9;
                power
            }

            fn residues(words: &[f64; WORDS], primes: &[u32; 4]) -> [u32; 4] {
                Scalar::residues(words, primes)
            }
        }
        assert!(!is_sound::<Wrong>());
    }
}
