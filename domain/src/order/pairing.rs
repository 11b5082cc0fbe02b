//! How a machine's key is bound to its order: by a one-shot token that dies at its first use, at its end of life, and when anybody
//! but the order's droplet shows it.

use super::{FailureReason, Order, State};
use crate::error::{ApiError, ErrorCode};
use crate::secret::Secret;
use crate::time::{UnixMillis, WireTime};
use crate::wire::{PairRequest, PairResponse, PairingResponse, PairingScope, PairingView};
use k256::ecdsa::VerifyingKey;
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// How long the token in user-data lives, in seconds: longer than the slowest boot.
const BRING_UP_SECONDS: u64 = 2 * 3600;
/// How long a token lives that the customer carries to the machine, in seconds.
const REPORT_SECONDS: u64 = 3600;

fn token_hash(token: &Secret) -> String {
    // Opened to hash it.
    hex::encode(Sha256::digest(token.expose().as_bytes()))
}

/// The customer's machine is not on this host: a loopback address is that of a development set-up, and tells nothing.
fn tells_something(caller: &IpAddr) -> bool {
    !caller.is_loopback()
}

impl Order {
    /// A new one-shot token is about to go into user-data: only its hash is kept.
    pub fn expect_machine(&mut self, token: &Secret, now: UnixMillis) {
        self.expect(token, PairingScope::BringUp, now);
    }

    fn expect(&mut self, token: &Secret, scope: PairingScope, now: UnixMillis) -> UnixMillis {
        let life = match scope {
            PairingScope::BringUp => BRING_UP_SECONDS,
            PairingScope::Report => REPORT_SECONDS,
        };
        let expires_at = now.plus_seconds(life);
        self.voice.token_hash = Some(token_hash(token));
        self.voice.token_expires_at = Some(expires_at);
        self.voice.token_scope = scope;
        self.voice.token_used_by = None;
        expires_at
    }

    /// Lets the customer's machine be paired again, with `token`. What is paired now stays so until the token is used.
    ///
    /// # Errors
    /// `not_pairable` unless a machine runs.
    pub fn issue_pairing(
        &mut self,
        token: Secret,
        now: UnixMillis,
    ) -> Result<PairingResponse, ApiError> {
        if !matches!(self.state, State::Ready { .. }) {
            return Err(ErrorCode::NotPairable.into());
        }
        let scope = PairingScope::Report;
        let expires_at = self.expect(&token, scope, now);
        self.note(now, "pairing issued", "");
        Ok(PairingResponse {
            token,
            scope,
            expires_at: WireTime(expires_at),
        })
    }

    /// Forgets the machine's key and any open token: nothing it says counts from now on.
    ///
    /// # Errors
    /// `not_pairable` unless a machine runs.
    pub fn revoke_pairing(&mut self, now: UnixMillis) -> Result<(), ApiError> {
        if !matches!(self.state, State::Ready { .. }) {
            return Err(ErrorCode::NotPairable.into());
        }
        self.voice.public_key = None;
        self.voice.bound_at = Some(now);
        self.forget_token();
        self.note(now, "pairing revoked", "");
        Ok(())
    }

    fn forget_token(&mut self) {
        self.voice.token_hash = None;
        self.voice.token_expires_at = None;
        self.voice.token_used_by = None;
    }

    /// Binds the machine's key to the order. The same key may repeat until its first signed word. `caller` is the network address
    /// that the request came from, as far as it is known.
    ///
    /// # Errors
    /// `not_found` for a wrong or dead token or at the wrong time; `too_early` while the cloud has not told where the droplet is;
    /// `invalid_body` for a key that is not a point on the curve; `already_paired` for another key, or a token that has done its
    /// work.
    pub fn pair(
        &mut self,
        request: &PairRequest,
        caller: Option<IpAddr>,
        now: UnixMillis,
    ) -> Result<PairResponse, ApiError> {
        let scope = self.voice.token_scope;
        let in_time = match scope {
            PairingScope::BringUp => matches!(self.state, State::Provisioning { .. }),
            PairingScope::Report => matches!(self.state, State::Ready { .. }),
        };
        let known = self.voice.token_hash.as_deref() == Some(&token_hash(&request.token));
        let alive = self.voice.token_expires_at.is_none_or(|end| now < end);
        if !(in_time && known && alive) {
            return Err(ErrorCode::NotFound.into());
        }
        let key = point(&request.public_key)?;
        self.check_caller(caller, now)?;
        // Orders of the first version did not keep who used their one token.
        let first = self.voice.public_key.as_ref();
        let first = first.filter(|_| scope.is_bring_up());
        match self.voice.token_used_by.as_ref().or(first) {
            None => {
                self.voice.public_key = Some(key.clone());
                self.voice.token_used_by = Some(key);
                self.voice.nonce = 0;
                self.voice.bound_at = Some(now);
                self.note(now, "paired", "");
            }
            Some(user) if *user == key && self.voice.nonce == 0 => {}
            Some(_) => return Err(ErrorCode::AlreadyPaired.into()),
        }
        self.voice.last_heard = Some(now);
        let tailscale_key = self.resources.tailscale_key.as_ref();
        Ok(PairResponse {
            scope,
            tailscale_auth_key: tailscale_key.map(|key| key.auth_key.clone()),
        })
    }

    /// Only the order's own droplet pairs. Whoever shows its token from elsewhere has stolen it: the token dies.
    fn check_caller(&mut self, caller: Option<IpAddr>, now: UnixMillis) -> Result<(), ApiError> {
        let Some(caller) = caller.filter(tells_something) else {
            return Ok(());
        };
        let address = match (&self.resources.address, &self.state) {
            (Some(address), _) => address,
            // What it paired for at first was checked then.
            (None, State::Ready { facts, .. }) => &facts.node_ip,
            (None, _) => return Err(ErrorCode::TooEarly.into()),
        };
        if address.parse() == Ok(caller) {
            return Ok(());
        }
        self.note(now, "pairing from elsewhere", caller.to_string());
        self.forget_token();
        if matches!(self.state, State::Provisioning { .. }) && self.voice.public_key.is_none() {
            self.fail(FailureReason::PairedElsewhere, now);
        }
        Err(ErrorCode::NotFound.into())
    }

    /// What the customer sees of it.
    pub(super) fn pairing_view(&self) -> PairingView {
        let open = self.voice.token_used_by.is_none() && self.voice.token_hash.is_some();
        PairingView {
            paired: self.voice.public_key.is_some(),
            since: self.voice.bound_at.map(WireTime),
            token_expires_at: self.voice.token_expires_at.filter(|_| open).map(WireTime),
        }
    }
}

/// A key in its one spelling. The library would also take SEC1's compact form, which nobody else knows.
fn point(text: &str) -> Result<String, ApiError> {
    let point = hex::decode(text).map_err(|_| ErrorCode::InvalidBody)?;
    if point.len() != 33
        || !matches!(point.as_slice(), [2 | 3, ..])
        || VerifyingKey::from_sec1_bytes(&point).is_err()
    {
        return Err(ErrorCode::InvalidBody.into());
    }
    Ok(hex::encode(point))
}
