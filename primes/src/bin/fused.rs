//! The key worker's module for browsers with relaxed SIMD.

#[cfg(target_family = "wasm")]
#[path = "../key_worker.rs"]
mod key_worker;

#[cfg(target_family = "wasm")]
use kindling_primes::Fused as Chosen;

fn main() {}
