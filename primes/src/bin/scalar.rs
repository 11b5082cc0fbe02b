//! The key worker's module for every browser.

#[cfg(target_family = "wasm")]
#[path = "../key_worker.rs"]
mod key_worker;

#[cfg(target_family = "wasm")]
use kindling_primes::Scalar as Chosen;

fn main() {}
