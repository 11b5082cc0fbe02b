//! What Kindling is, without I/O, clock or ambient randomness: the Worker and the app both stand on this crate.
//!
//! Randomness and the time come in as parameters, effects go out as data; that is what lets every rule here be tested
//! without a network and replayed after a crash.

pub mod bolt11;
pub mod catalogue;
pub mod classroom;
pub mod door;
pub mod error;
pub mod fiat;
pub mod fleet;
pub mod fleets;
pub mod id;
pub mod keys;
pub mod link;
pub mod money;
pub mod order;
pub mod payee;
pub mod push;
pub mod secret;
pub mod time;
pub mod user_data;
pub mod wire;
