//! The one-shot hand-over of the bundle: the first nonce wins for ever, a lost answer may be asked for again.
//!
//! These functions await nothing between reading and writing, so among any number of callers exactly one wins.

use super::timer::CLAIM_SECONDS;
use super::{BundleState, Entry, Order, State};
use crate::error::{ApiError, ErrorCode};
use crate::time::UnixMillis;
use sha2::{Digest, Sha256};

fn hash(nonce: &str) -> String {
    hex::encode(Sha256::digest(nonce.as_bytes()))
}

impl Order {
    /// Claims the bundle for `nonce`. On success the stored bundle may be handed out.
    ///
    /// # Errors
    /// `not_ready`; `claimed_elsewhere`; `bundle_erased` after the acknowledgement or 24 hours after the first claim.
    pub fn claim(&mut self, nonce: &str, now: UnixMillis) -> Result<(), ApiError> {
        let bundle = match &mut self.state {
            State::Ready { bundle, .. } => bundle,
            State::Ended { .. } => return Err(ErrorCode::BundleErased.into()),
            _ => return Err(ErrorCode::NotReady.into()),
        };
        match bundle {
            BundleState::Sealed => {
                self.journal.push(Entry {
                    at: now,
                    event: "claimed".to_owned(),
                    detail: String::new(),
                });
                *bundle = BundleState::Claimed {
                    nonce_hash: hash(nonce),
                    at_time: now,
                };
                Ok(())
            }
            BundleState::Claimed { nonce_hash, .. } if *nonce_hash != hash(nonce) => {
                Err(ErrorCode::ClaimedElsewhere.into())
            }
            BundleState::Claimed { at_time, .. } if now < at_time.plus_seconds(CLAIM_SECONDS) => {
                Ok(())
            }
            BundleState::Claimed { .. } | BundleState::Erased { .. } => {
                Err(ErrorCode::BundleErased.into())
            }
        }
    }

    /// The claimant has the bundle: it is to be erased. Repeating it is harmless.
    ///
    /// # Errors
    /// `not_ready` before a claim; `claimed_elsewhere` and `bundle_erased` for a nonce that did not win.
    pub fn acknowledge(&mut self, nonce: &str) -> Result<(), ApiError> {
        let State::Ready { bundle, .. } = &mut self.state else {
            return Err(ErrorCode::NotReady.into());
        };
        match bundle {
            BundleState::Sealed => Err(ErrorCode::NotReady.into()),
            BundleState::Claimed { nonce_hash, .. } if *nonce_hash == hash(nonce) => {
                *bundle = BundleState::Erased {
                    nonce_hash: hash(nonce),
                };
                Ok(())
            }
            BundleState::Claimed { .. } => Err(ErrorCode::ClaimedElsewhere.into()),
            BundleState::Erased { nonce_hash } if *nonce_hash == hash(nonce) => Ok(()),
            BundleState::Erased { .. } => Err(ErrorCode::BundleErased.into()),
        }
    }

    /// The 24 hours after a claim are over and the storage is wiped.
    pub(super) fn bundle_erased(&mut self) {
        if let State::Ready { bundle, .. } = &mut self.state
            && let BundleState::Claimed { nonce_hash, .. } = bundle
        {
            *bundle = BundleState::Erased {
                nonce_hash: std::mem::take(nonce_hash),
            };
        }
    }
}
