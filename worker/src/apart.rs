//! Futures in pieces.
//!
//! The compiler makes one function of a future and of all that it awaits, and the engine compiles a function whole when it is first called:
//! for the way to a refusal it would compile every way there is. What is rarely asked, or large, is therefore awaited behind a pointer.

use std::pin::Pin;

/// A future that is compiled when it is first polled, and not with the one that awaits it.
pub fn apart<'a, T>(work: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(work)
}
