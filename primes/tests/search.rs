//! The whole search, by both engines, against keys that are fixed for ever and against a library.

#![allow(clippy::unwrap_used)] // that is how a test fails

use kindling_primes::{
    Counters, Engine, Fused, Outcome, Plan, Prime, Scalar, Sieve, Start, Task, confirm, passes,
};
use num_bigint::BigUint;
use num_bigint::prime::probably_prime;

/// Found once by the sieve here, and again by a plain search with another ChaCha20 and another primality test. Links and registered keys
/// depend on them for ever: they must not change.
const GOLDEN: [(u8, Counters); 3] = [
    (2, Counters { p: 776, q: 204 }),
    (3, Counters { p: 22, q: 459 }),
    (5, Counters { p: 422, q: 710 }),
];

fn starts(seed: u8) -> [Start; 2] {
    Prime::BOTH.map(|prime| Start::of(&[seed; 32], prime))
}

fn search<E: Engine>(seed: u8, sieve: &Sieve) -> Counters {
    let starts = starts(seed);
    let number = |prime: Prime, counter: u32| starts[prime as usize].candidate(counter).unwrap();
    let mut plan = Plan::new(4);
    loop {
        let (ticket, task) = plan.hand_out().unwrap();
        let outcome = match task {
            Task::Sieve { prime, window } => Outcome::Survivors(
                sieve
                    .survivors::<E>(&starts[prime as usize], window)
                    .unwrap(),
            ),
            Task::Test { prime, counters } => {
                let passes = |counter: &u32| passes::<E>(&number(prime, *counter));
                Outcome::Tested(counters.into_iter().find(passes))
            }
            Task::Confirm { prime, counter } => {
                Outcome::Confirmed(confirm(&number(prime, counter)))
            }
        };
        if let Some(found) = plan.done(ticket, outcome).unwrap() {
            return found;
        }
    }
}

#[test]
fn both_engines_find_the_golden_keys() {
    let sieve = Sieve::default();
    for (seed, counters) in GOLDEN {
        assert_eq!(search::<Scalar>(seed, &sieve), counters);
        assert_eq!(search::<Fused>(seed, &sieve), counters);
    }
}

#[test]
fn what_is_found_is_the_first_prime_by_another_library() {
    for (seed, counters) in &GOLDEN[1..2] {
        for (start, found) in starts(*seed).iter().zip([counters.p, counters.q]) {
            let number = |counter| BigUint::from_slice(&*start.candidate(counter).unwrap());
            assert!(probably_prime(&number(found), 20));
            assert!((0..found).all(|counter| !probably_prime(&number(counter), 1)));
        }
    }
}
