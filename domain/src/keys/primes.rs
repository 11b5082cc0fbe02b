//! The search for one RSA prime, in steps, as a function of the seed alone.
//!
//! A prime is the first odd number at or behind the seed's starting point that is prime and whose predecessor has no factor in
//! common with the public exponent. Which numbers the sieve strikes and how fast each test is never changes the answer, so the
//! same seed gives the same prime on every device and in every later version.

use super::fermat::{self, WORDS, Words};
use super::{KeyError, SshSeed};
use num_bigint::BigUint;
use num_bigint::prime::probably_prime;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zeroize::{Zeroize, Zeroizing};

/// e of every key made here.
pub(super) const PUBLIC_EXPONENT: u32 = 65_537;
/// Candidates sieved at once; one window in 100,000 holds no prime at all.
const WINDOW: u32 = 8192;
/// Candidates with a prime factor below this are never tested.
const SIEVE_BOUND: usize = 1 << 20;
/// Tests until a prime turns up, on average: one odd number in ln(2^2048)/2 ≈ 710 is prime, and the sieve leaves 2e^-γ/ln(2^20)
/// ≈ 8.1 % of them.
const EXPECTED_TESTS: f32 = 57.5;
/// Rounds of the library's Miller-Rabin test (random bases, and base 2) beside its Lucas test, for a prime just found.
const ROUNDS_TO_ACCEPT: usize = 20;
/// Rounds for a counter that a link remembers: it was judged when it was found, a mistyped one is composite.
const ROUNDS_TO_CONFIRM: usize = 1;

/// Which of the two primes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prime {
    /// The first: stream 0 of the seed.
    P,
    /// The second: stream 1.
    Q,
}

/// What a [`PrimeSearch::step`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One candidate fell.
    Tested,
    /// The prime with this counter is found; further steps look for the one behind it.
    Found(u32),
}

/// A search under way. `p` and `q` are independent of each other, so two workers can look for them at once.
pub struct PrimeSearch {
    start: Zeroizing<Words>,
    /// Odd primes in fours, which is how the sieve divides.
    small_primes: Vec<[u32; 4]>,
    /// The counters that the sieve left in the current window, the next one last.
    survivors: Vec<u32>,
    /// The counter the next window begins with.
    next_window: u32,
    tests: u32,
    found: bool,
}

impl std::fmt::Debug for PrimeSearch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrimeSearch")
            .field("tests", &self.tests)
            .finish_non_exhaustive()
    }
}

impl Drop for PrimeSearch {
    fn drop(&mut self) {
        self.survivors.zeroize();
        self.next_window.zeroize();
    }
}

impl PrimeSearch {
    /// A search that has not begun.
    pub fn new(seed: &SshSeed, prime: Prime) -> Self {
        Self {
            start: starting_point(seed, prime),
            small_primes: small_odd_primes(SIEVE_BOUND),
            survivors: Vec::new(),
            next_window: 0,
            tests: 0,
            found: false,
        }
    }

    /// Tests one candidate; a few milliseconds, but for the one step that judges what it found.
    ///
    /// # Errors
    /// [`KeyError::NoPrime`] when the numbers of 2048 bits, or the counters, end: no seed is known to get there.
    pub fn step(&mut self) -> Result<Step, KeyError> {
        let counter = loop {
            if let Some(counter) = self.survivors.pop() {
                break counter;
            }
            let first = self.next_window;
            self.next_window = first.checked_add(WINDOW).ok_or(KeyError::NoPrime)?;
            self.survivors = sieve(&*candidate(&self.start, first)?, &self.small_primes);
            self.survivors
                .iter_mut()
                .for_each(|counter| *counter += first);
        };
        let candidate = candidate(&self.start, counter)?;
        self.tests += 1;
        if fermat::passes(&candidate) && probably_prime(&to_number(&candidate), ROUNDS_TO_ACCEPT) {
            self.found = true;
            return Ok(Step::Found(counter));
        }
        Ok(Step::Tested)
    }

    /// How likely the search was to be over by now, 0 to 1; 1 once it is. It never falls.
    pub fn progress(&self) -> f32 {
        if self.found {
            1.0
        } else {
            1.0 - (-(self.tests as f32) / EXPECTED_TESTS).exp()
        }
    }

    /// Candidates tested so far.
    pub const fn tests(&self) -> u32 {
        self.tests
    }

    /// The prime behind a counter that [`step`](Self::step) found.
    pub(super) fn prime(&self, counter: u32) -> Result<Zeroizing<BigUint>, KeyError> {
        candidate(&self.start, counter).map(|words| to_number(&words))
    }
}

/// The number a remembered counter stands for.
///
/// # Errors
/// [`KeyError::WrongCounters`] when it is not a prime that the search could have found.
pub(super) fn prime_at(
    seed: &SshSeed,
    prime: Prime,
    counter: u32,
) -> Result<Zeroizing<BigUint>, KeyError> {
    let words =
        candidate(&starting_point(seed, prime), counter).map_err(|_| KeyError::WrongCounters)?;
    let number = to_number(&words);
    // e is prime, so it shares a factor with the predecessor only by dividing it.
    if &*number % PUBLIC_EXPONENT == BigUint::from(1u32)
        || !fermat::passes(&words)
        || !probably_prime(&number, ROUNDS_TO_CONFIRM)
    {
        return Err(KeyError::WrongCounters);
    }
    Ok(number)
}

/// 2048 bits of the seed's stream, big-endian, the two highest set (so that the product has 4096 bits) and the lowest (odd).
fn starting_point(seed: &SshSeed, prime: Prime) -> Zeroizing<Words> {
    // Opened because it is the key of the stream.
    let mut stream = ChaCha20Rng::from_seed(*seed.expose());
    stream.set_stream(match prime {
        Prime::P => 0,
        Prime::Q => 1,
    });
    let mut bytes = Zeroizing::new([0; WORDS * 4]);
    stream.fill_bytes(&mut *bytes);
    let mut words = Zeroizing::new([0; WORDS]);
    for (word, bytes) in words.iter_mut().rev().zip(bytes.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    words[WORDS - 1] |= 0b11 << 30;
    words[0] |= 1;
    words
}

/// start + 2·counter, where it still has 2048 bits.
fn candidate(start: &Words, counter: u32) -> Result<Zeroizing<Words>, KeyError> {
    let mut words = Zeroizing::new(*start);
    let mut carry = u64::from(counter) * 2;
    for word in words.iter_mut() {
        carry += u64::from(*word);
        *word = carry as u32;
        carry >>= 32;
    }
    if carry == 0 {
        Ok(words)
    } else {
        Err(KeyError::NoPrime)
    }
}

fn to_number(words: &Words) -> Zeroizing<BigUint> {
    Zeroizing::new(BigUint::from_slice(words))
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
            composite
                .iter_mut()
                .skip(prime * prime / 2)
                .step_by(prime)
                .for_each(|struck| *struck = true);
        }
    }
    primes.as_chunks().0.to_vec()
}

/// The i below [`WINDOW`], falling, for which first + 2i has no small prime factor and its predecessor no factor e.
fn sieve(first: &Words, small_primes: &[[u32; 4]]) -> Vec<u32> {
    let limbs = Zeroizing::new(limbs_of_24_bits(first));
    let mut struck = [false; WINDOW as usize];
    let mut strike = |prime: u32, residue: u32| {
        // first + 2i ≡ 0: i is half of the residue's negative, and where that is odd, of one prime more.
        let negative = (prime - residue) % prime;
        let i = if negative.is_multiple_of(2) {
            negative / 2
        } else {
            (negative + prime) / 2
        };
        struck
            .iter_mut()
            .skip(i as usize)
            .step_by(prime as usize)
            .for_each(|struck| *struck = true);
    };
    for primes in small_primes {
        for (prime, residue) in primes.iter().zip(residues(&limbs, primes)) {
            strike(*prime, residue);
            if *prime == PUBLIC_EXPONENT {
                strike(*prime, (residue + prime - 1) % prime);
            }
        }
    }
    (0..WINDOW).rev().filter(|i| !struck[*i as usize]).collect()
}

/// 2048 bits in limbs of 24, the highest first.
fn limbs_of_24_bits(words: &Words) -> [f64; 86] {
    std::array::from_fn(|i| {
        let bit = (85 - i) * 24;
        let at = |i: usize| u64::from(words.get(i).copied().unwrap_or(0));
        let pair = at(bit / 32) | at(bit / 32 + 1) << 32;
        f64::from((pair >> (bit % 32)) as u32 & 0xff_ffff)
    })
}

/// The number modulo four primes below 2^20 at once, without a division: every product and sum here is an integer below 2^53,
/// which `f64` holds exactly, and it does not matter when a quotient is one off.
fn residues(limbs: &[f64; 86], primes: &[u32; 4]) -> [u32; 4] {
    // Adding and taking away 1.5·2^52 rounds to the nearest integer.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let primes = primes.map(f64::from);
    let inverses = primes.map(|prime| 1.0 / prime);
    let mut residues = [0.0; 4];
    for limb in limbs {
        for ((residue, prime), inverse) in residues.iter_mut().zip(&primes).zip(&inverses) {
            let value = *residue * 16_777_216.0 + limb;
            let quotient = (value * inverse + ROUND) - ROUND;
            *residue = value - quotient * prime;
        }
    }
    std::array::from_fn(|i| (residues[i] as i32).rem_euclid(primes[i] as i32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(byte: u8) -> SshSeed {
        SshSeed::new([byte; 32])
    }

    #[test]
    fn the_starting_point_is_the_streams_first_256_bytes() {
        // RFC 8439's block function with an all-zero key, nonce and counter.
        let start = to_number(&starting_point(&seed(0), Prime::P)).to_bytes_be();
        assert_eq!(start.len(), 256);
        // The stream begins 76b8e0ad, ends (byte 256) with an even byte: the two marks are visible.
        assert_eq!(hex::encode(&start[..8]), "f6b8e0ada0f13d90");
        assert_eq!(start[255] & 1, 1);
        assert_ne!(
            *starting_point(&seed(0), Prime::P),
            *starting_point(&seed(0), Prime::Q)
        );
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
        let small_primes = small_odd_primes(SIEVE_BOUND);
        let flat = small_primes.concat();
        let start = starting_point(&seed(7), Prime::P);
        let survivors = sieve(&start, &small_primes);
        assert!(survivors.is_sorted_by(|a, b| a > b));
        let falls = |i: u32| {
            let number = to_number(&candidate(&start, i).unwrap());
            &*number % PUBLIC_EXPONENT == BigUint::from(1u32)
                || flat
                    .iter()
                    .any(|prime| &*number % *prime == BigUint::from(0u32))
        };
        for i in (0..60).chain(WINDOW - 60..WINDOW) {
            assert_eq!(survivors.contains(&i), !falls(i), "{i}");
        }
    }

    #[test]
    fn the_sieve_strikes_primes_that_do_not_fit_the_exponent() {
        let start = starting_point(&seed(7), Prime::P);
        let survivors = sieve(&start, &[[3, 5, 7, PUBLIC_EXPONENT]]);
        let fits = |i: u32| {
            (&*to_number(&candidate(&start, i).unwrap()) % PUBLIC_EXPONENT) != BigUint::from(1u32)
        };
        let others = sieve(&start, &[[3, 5, 7, 11]]);
        assert!(survivors.iter().all(|i| fits(*i)));
        assert!(others.len() < survivors.len());
        // 8192 candidates are too few to meet a given residue modulo 65537 for sure; 65537 of them are not.
        let unfit = (0..PUBLIC_EXPONENT).find(|i| !fits(*i)).unwrap();
        let first = candidate(&start, unfit).unwrap();
        assert!(!sieve(&first, &[[PUBLIC_EXPONENT; 4]]).contains(&0));
    }

    #[test]
    fn residues_agree_with_the_library() {
        let small_primes = small_odd_primes(SIEVE_BOUND);
        for words in [*starting_point(&seed(1), Prime::Q), [u32::MAX; WORDS]] {
            let limbs = limbs_of_24_bits(&words);
            let number = to_number(&words);
            for primes in small_primes
                .iter()
                .take(50)
                .chain(small_primes.iter().rev().take(50))
            {
                let expected = primes.map(|prime| &*number % prime);
                assert_eq!(
                    residues(&limbs, primes).map(BigUint::from),
                    expected,
                    "{primes:?}"
                );
            }
        }
    }

    #[test]
    fn the_quick_test_agrees_with_the_library() {
        let start = starting_point(&seed(7), Prime::P);
        for i in (0..20).chain([4]) {
            let words = candidate(&start, i).unwrap();
            let number = to_number(&words);
            let power = BigUint::from(2u32).modpow(&(&*number - 1u32), &number);
            assert_eq!(fermat::passes(&words), power == BigUint::from(1u32), "{i}");
        }
    }

    #[test]
    fn numbers_do_not_outgrow_2048_bits() {
        assert_eq!(candidate(&[u32::MAX; WORDS], 0).unwrap()[0], u32::MAX);
        assert_eq!(candidate(&[u32::MAX; WORDS], 1), Err(KeyError::NoPrime));
    }

    #[test]
    fn a_search_goes_on_behind_what_it_found() {
        let mut search = PrimeSearch::new(&seed(7), Prime::P);
        let mut found = Vec::new();
        let mut last = 0.0;
        while found.len() < 2 {
            if let Step::Found(counter) = search.step().unwrap() {
                found.push(counter);
            }
            assert!((last..=1.0).contains(&search.progress()));
            last = search.progress();
        }
        assert!(found[0] < found[1], "{found:?}");
        assert_eq!(last, 1.0);
        for counter in found {
            assert_eq!(prime_at(&seed(7), Prime::P, counter), search.prime(counter));
            assert_eq!(
                prime_at(&seed(7), Prime::P, counter + 1),
                Err(KeyError::WrongCounters)
            );
            assert_eq!(
                prime_at(&seed(7), Prime::Q, counter),
                Err(KeyError::WrongCounters)
            );
        }
    }
}
