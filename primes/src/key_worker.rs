//! What a key worker is asked for, by whichever engine its module has. Between calls it keeps the two starting points of a seed.

use crate::Chosen;
use kindling_primes::{Prime, Sieve, Start, confirm, is_sound, passes};
use wasm_bindgen::prelude::*;
use zeroize::Zeroize;

thread_local! {
    /// The same for every seed, and of no use to who only confirms.
    static SIEVE: Sieve = Sieve::default();
}

/// A search for one seed's primes.
#[wasm_bindgen]
pub struct Search {
    starts: [Start; 2],
}

#[wasm_bindgen]
impl Search {
    /// `None` where the seed has not 32 bytes.
    pub fn begin(mut seed: Vec<u8>) -> Option<Search> {
        let starts = (&*seed)
            .try_into()
            .map(|seed| Prime::BOTH.map(|prime| Start::of(seed, prime)));
        seed.zeroize();
        Some(Self {
            starts: starts.ok()?,
        })
    }

    /// Which counters of a window are worth a test; none behind the last number.
    pub fn sieve(&self, prime: usize, window: u32) -> Vec<u32> {
        self.starts
            .get(prime)
            .and_then(|start| SIEVE.with(|sieve| sieve.survivors::<Chosen>(start, window).ok()))
            .unwrap_or_default()
    }

    /// The first counter that passes.
    pub fn test(&self, prime: usize, counters: &[u32]) -> Option<u32> {
        let start = self.starts.get(prime)?;
        let passes = |counter: &u32| {
            start
                .candidate(*counter)
                .is_ok_and(|n| passes::<Chosen>(&n))
        };
        counters.iter().copied().find(passes)
    }

    /// Whether the library holds the number for prime.
    pub fn confirm(&self, prime: usize, counter: u32) -> bool {
        let start = self.starts.get(prime);
        start.is_some_and(|start| start.candidate(counter).is_ok_and(|n| confirm(&n)))
    }
}

/// Whether this engine works on this machine.
#[wasm_bindgen]
pub fn works() -> bool {
    is_sound::<Chosen>()
}
