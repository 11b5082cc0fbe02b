//! Candidates with a small prime factor fall without a test.

use crate::PUBLIC_EXPONENT;
use crate::engine::Engine;
use crate::start::{EndOfNumbers, Start};
use crate::words::{WORDS, Words};
use zeroize::Zeroizing;

/// Candidates sieved at once; one window in 100,000 holds no prime at all.
pub const WINDOW: u32 = 8192;
/// Candidates with a prime factor below this are never tested: of the odd numbers 2e^-γ/ln(2^20) ≈ 8.1 % are left.
pub const SIEVE_BOUND: usize = 1 << 20;

/// The odd primes below [`SIEVE_BOUND`], in fours, which is how the sieve divides.
pub struct Sieve {
    primes: Vec<[u32; 4]>,
}

impl Default for Sieve {
    fn default() -> Self {
        Self {
            primes: small_odd_primes(SIEVE_BOUND),
        }
    }
}

impl Sieve {
    /// The counters in a window of [`WINDOW`], rising, whose candidate has no small prime factor and its predecessor no factor
    /// [`PUBLIC_EXPONENT`].
    ///
    /// # Errors
    /// [`EndOfNumbers`] where the window begins behind the last counter or the last number.
    pub fn survivors<E: Engine>(
        &self,
        start: &Start,
        window: u32,
    ) -> Result<Vec<u32>, EndOfNumbers> {
        let first = window.checked_mul(WINDOW).ok_or(EndOfNumbers)?;
        let mut left = sieve::<E>(&*start.candidate(first)?, &self.primes);
        left.iter_mut().for_each(|counter| *counter += first);
        Ok(left)
    }
}

/// The odd primes below `bound`, in fours; up to three of the largest are left out.
fn small_odd_primes(bound: usize) -> Vec<[u32; 4]> {
    // Entry i stands for 2i + 1.
    let mut composite = vec![false; bound / 2];
    let mut primes = Vec::new();
    for i in 1..composite.len() {
        if !composite[i] {
            let prime = 2 * i + 1;
            primes.push(prime as u32);
            // Multiples below the square are struck already; a square beyond all numbers of 32 bits is beyond the bound.
            if let Some(square) = prime.checked_mul(prime) {
                composite
                    .iter_mut()
                    .skip(square / 2)
                    .step_by(prime)
                    .for_each(|struck| *struck = true);
            }
        }
    }
    primes.as_chunks().0.to_vec()
}

/// The i below [`WINDOW`], rising, for which first + 2i has no small prime factor and its predecessor no factor e.
fn sieve<E: Engine>(first: &Words, small_primes: &[[u32; 4]]) -> Vec<u32> {
    let limbs = Zeroizing::new(limbs(first));
    let mut struck = [false; WINDOW as usize];
    let mut strike = |prime: u32, residue: u32| {
        // first + 2i ≡ 0: i is half of the residue's negative, and where that is odd, of one prime more.
        let negative = if residue == 0 { 0 } else { prime - residue };
        let i = if negative.is_multiple_of(2) {
            negative / 2
        } else {
            (negative + prime) / 2
        };
        let mut i = i as usize;
        while let Some(place) = struck.get_mut(i) {
            *place = true;
            i += prime as usize;
        }
    };
    for primes in small_primes {
        for (prime, residue) in primes.iter().zip(E::residues(&limbs, primes)) {
            strike(*prime, residue);
            if *prime == PUBLIC_EXPONENT {
                strike(*prime, (residue + prime - 1) % prime);
            }
        }
    }
    (0..WINDOW).filter(|i| !struck[*i as usize]).collect()
}

/// The words as doubles, the highest first.
fn limbs(words: &Words) -> [f64; WORDS] {
    let mut limbs = words.map(f64::from);
    limbs.reverse();
    limbs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start::Prime;
    use crate::{Fused, Scalar};
    use num_bigint::BigUint;

    fn number(words: &Words) -> BigUint {
        BigUint::from_slice(words)
    }

    fn start() -> Start {
        Start::of(&[7; 32], Prime::P)
    }

    #[test]
    fn small_primes_are_all_there() {
        let primes = small_odd_primes(SIEVE_BOUND).concat();
        assert_eq!(primes[..8], [3, 5, 7, 11, 13, 17, 19, 23]);
        // π(2^20) = 82025, of which 2 is left out.
        assert_eq!(primes.len(), 82_024);
        assert!(primes.contains(&PUBLIC_EXPONENT));
    }

    #[test]
    fn the_sieve_agrees_with_trial_division() {
        let small_primes = small_odd_primes(SIEVE_BOUND).concat();
        for window in [0, 3] {
            let survivors = Sieve::default()
                .survivors::<Scalar>(&start(), window)
                .unwrap();
            assert!(survivors.is_sorted_by(|a, b| a < b));
            let other = Sieve::default().survivors::<Fused>(&start(), window);
            assert_eq!(other.unwrap(), survivors);
            let falls = |i: u32| {
                let number = number(&start().candidate(i).unwrap());
                &number % PUBLIC_EXPONENT == BigUint::from(1u32)
                    || small_primes
                        .iter()
                        .any(|prime| &number % *prime == BigUint::from(0u32))
            };
            let first = window * WINDOW;
            for i in (first..first + 40).chain(first + WINDOW - 40..first + WINDOW) {
                assert_eq!(survivors.contains(&i), !falls(i), "{i}");
            }
        }
        assert_eq!(
            Sieve::default().survivors::<Scalar>(&start(), u32::MAX),
            Err(EndOfNumbers)
        );
    }

    #[test]
    fn the_sieve_strikes_primes_that_do_not_fit_the_exponent() {
        let first = start().candidate(0).unwrap();
        let survivors = sieve::<Scalar>(&first, &[[3, 5, 7, PUBLIC_EXPONENT]]);
        let fits = |i: u32| {
            number(&start().candidate(i).unwrap()) % PUBLIC_EXPONENT != BigUint::from(1u32)
        };
        let others = sieve::<Scalar>(&first, &[[3, 5, 7, 11]]);
        assert!(survivors.iter().all(|i| fits(*i)));
        assert!(others.len() < survivors.len());
        // 8192 candidates are too few to meet a given residue modulo 65537 for sure; 65537 of them are not.
        let unfit = (0..PUBLIC_EXPONENT).find(|i| !fits(*i)).unwrap();
        let first = start().candidate(unfit).unwrap();
        assert!(!sieve::<Scalar>(&first, &[[PUBLIC_EXPONENT; 4]]).contains(&0));
    }
}
