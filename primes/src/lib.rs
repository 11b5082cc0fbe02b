//! The search for the two primes of an RSA-4096 key, as a function of 32 secret bytes alone.
//!
//! A prime is the first odd number at or behind the seed's starting point ([`candidate`]) that is prime and whose predecessor has no
//! factor in common with the public exponent. Which numbers the sieve strikes, how fast each test is and how many workers share them
//! never changes the answer, so the same seed gives the same key on every device and in every later version.
//!
//! Speed and safety are apart. An [`Engine`] sorts candidates out by Fermat's test to base 2, as fast as the machine goes; what it leaves
//! is judged by a library that shares none of its arithmetic ([`confirm`]). An engine that errs costs time, never safety.
//! [`Plan`] parts the work among any number of workers.

mod confirm;
mod engine;
mod fused;
mod lanes;
mod plan;
mod scalar;
mod sieve;
mod start;
mod words;

pub use confirm::confirm;
pub use engine::{Engine, is_sound, passes};
pub use fused::Fused;
pub use plan::{Counters, Distrust, Outcome, Plan, Task, Ticket};
pub use scalar::Scalar;
pub use sieve::{SIEVE_BOUND, Sieve, WINDOW};
pub use start::{EndOfNumbers, Prime, Start};
pub use words::{WORDS, Words};

/// e of every key made here.
pub const PUBLIC_EXPONENT: u32 = 65_537;
