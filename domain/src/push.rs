//! Web Push without a payload (RFC 8030): which places may be told that something has happened, and how the shop shows them who it is.
//!
//! A message says nothing: that there is one is all of it. Only the Worker calls this, so the app links none of it.

mod hosts;
mod vapid;

pub use hosts::{PushHosts, USUAL_HOSTS};
pub use vapid::VapidKey;
