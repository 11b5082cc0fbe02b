//! What a machine may say, and only for its own order: signed words with rising nonces, one bundle, its channel backups.

use super::{BundleState, FailureReason, Order, State};
use crate::catalogue::Product;
use crate::error::{ApiError, ErrorCode};
use crate::time::UnixMillis;
use crate::wire::{MachineBackup, MachineDelivery, MachineReport, ReportStatus};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k256::ecdsa::signature::Verifier;
use k256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first bytes of every age file (the age format's specification).
const AGE_MAGIC: &[u8] = b"age-encryption.org/v1\n";
/// The longest sentence a machine may say, in characters.
const MAX_SENTENCE: usize = 200;
/// The longest name or URL a machine may give, in bytes.
const MAX_TEXT: usize = 255;
/// The longest host key, in bytes.
const MAX_HOST_KEY: usize = 4096;
/// The largest channel backup, in bytes of base64: some hundreds of channels.
const MAX_BACKUP: usize = 64 * 1024;
/// The most host keys.
const MAX_HOST_KEYS: usize = 8;

/// What is public about a delivered machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// The public IPv4 address.
    pub node_ip: String,
    /// Its name in the tailnet.
    pub tailscale_hostname: Option<String>,
    /// Where LNbits answers; a class has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lnbits_url: Option<String>,
    /// The SSH host keys, `type base64`.
    pub host_keys: Vec<String>,
    /// SHA-256 of the sealed bundle's base64, in hex.
    pub sealed_hash: String,
}

/// Checks a machine's signature: DER ECDSA on secp256k1 over SHA-256 of the raw body, in base64. Both halves of a signature's
/// symmetric pair are accepted, because OpenSSL and LND do not normalise alike; the rising nonce is what forbids replays.
pub fn verify_signature(public_key: &str, body: &[u8], signature: &str) -> bool {
    let verify = || {
        let key = VerifyingKey::from_sec1_bytes(&hex::decode(public_key).ok()?).ok()?;
        let signature = Signature::from_der(&STANDARD.decode(signature).ok()?).ok()?;
        let signature = signature.normalize_s().unwrap_or(signature);
        key.verify(body, &signature).ok()
    };
    verify().is_some()
}

/// A sentence without control characters, cut to what fits a page.
pub(super) fn sentence(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_SENTENCE)
        .collect()
}

pub(super) fn short(text: &str) -> bool {
    text.len() <= MAX_TEXT && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether this is a node id of a tailnet. It will stand in the path of a call that deletes, under the operator's key.
fn is_node_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether this is 33 bytes in hex, as Lightning nodes are named by (BOLT 8).
pub(super) fn is_node_key(text: &str) -> bool {
    text.len() == 66 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether this is `type base64`, as in `known_hosts`. Its type is the machine's business: only SSH clients use it.
fn is_host_key(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b"-.@".contains(&b);
    text.len() <= MAX_HOST_KEY
        && text.split_once(' ').is_some_and(|(kind, key)| {
            !kind.is_empty()
                && kind.bytes().all(word)
                && STANDARD.decode(key).is_ok_and(|key| !key.is_empty())
        })
}

/// Whether this is an address that a browser may be sent to.
fn is_web(url: &str) -> bool {
    short(url) && (url.starts_with("http://") || url.starts_with("https://"))
}

/// Checks what a machine says of itself; a confused machine must not be able to break the customer's page.
fn check_delivery(delivery: &MachineDelivery, product: Product) -> Result<(), ApiError> {
    let sealed = STANDARD
        .decode(&delivery.sealed)
        .map_err(|_| ErrorCode::InvalidBody)?;
    let good = sealed.starts_with(AGE_MAGIC)
        && delivery.node_ip.parse::<std::net::Ipv4Addr>().is_ok()
        && delivery.host_keys.len() <= MAX_HOST_KEYS
        && delivery.host_keys.iter().all(|key| is_host_key(key))
        && match product {
            Product::FullNode { .. } => delivery.lnbits_url.as_deref().is_some_and(is_web),
            Product::Classroom(_) => delivery.lnbits_url.is_none(),
        }
        && delivery.tailscale_hostname.as_deref().is_none_or(short)
        && delivery.tailscale_node_id.as_deref().is_none_or(is_node_id);
    if good {
        Ok(())
    } else {
        Err(ErrorCode::InvalidBody.into())
    }
}

impl Order {
    /// Whether `signature` is this order's machine's over `body`.
    ///
    /// # Errors
    /// `not_found` if not, or if no machine has paired: the same as for an order that does not exist.
    pub fn verify_machine(&self, body: &[u8], signature: &str) -> Result<(), ApiError> {
        match &self.voice.public_key {
            Some(key) if verify_signature(key, body, signature) => Ok(()),
            _ => Err(ErrorCode::NotFound.into()),
        }
    }

    /// Takes a verified machine's nonce.
    ///
    /// # Errors
    /// `nonce_not_rising` for a nonce that is not above every one before it.
    pub fn hear(&mut self, nonce: u64, now: UnixMillis) -> Result<(), ApiError> {
        if nonce <= self.voice.nonce {
            return Err(ErrorCode::NonceNotRising.into());
        }
        self.voice.nonce = nonce;
        self.voice.last_heard = Some(now);
        // The pairing answer arrived, so the key in it has done its work here.
        self.resources.tailscale_key = None;
        Ok(())
    }

    /// Takes a verified report in.
    ///
    /// # Errors
    /// `nonce_not_rising`; `invalid_body` for a phase that is not a machine's, or a node id that is none.
    pub fn report(&mut self, report: &MachineReport, now: UnixMillis) -> Result<(), ApiError> {
        let node = report.tailscale_node_id.as_deref();
        if !report.phase.is_machines()
            || !report.phase.is_of(self.request.product)
            || !node.is_none_or(is_node_id)
        {
            return Err(ErrorCode::InvalidBody.into());
        }
        self.hear(report.nonce, now)?;
        if let Some(node) = node {
            self.resources.tailscale_node = Some(node.to_owned());
        }
        self.note(
            now,
            "machine",
            match report.seconds {
                Some(seconds) => {
                    format!("{:?}: {:?} after {seconds} s", report.phase, report.status)
                }
                None => format!("{:?}: {:?}", report.phase, report.status),
            },
        );
        match report.status {
            ReportStatus::Started | ReportStatus::Done => self.see_phase(report.phase),
            ReportStatus::Failed if matches!(self.state, State::Provisioning { .. }) => {
                let message = report.message.as_deref().map(sentence);
                self.fail(
                    FailureReason::MachineFailed {
                        phase: report.phase,
                        message,
                    },
                    now,
                );
            }
            ReportStatus::Failed => {}
        }
        Ok(())
    }

    /// Takes a verified bundle in. `Ok(true)` means that it is to be stored, `Ok(false)` that it was before.
    ///
    /// # Errors
    /// `nonce_not_rising`; `invalid_body`; `already_delivered` for another bundle than the first; `not_found` for an order that
    /// waits for none.
    pub fn deliver(
        &mut self,
        delivery: &MachineDelivery,
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        check_delivery(delivery, self.request.product)?;
        self.hear(delivery.nonce, now)?;
        match &self.state {
            State::Provisioning { .. } => {
                self.delivered(delivery, now);
                Ok(true)
            }
            State::Ready { facts, .. } if facts.sealed_hash == sealed_hash(&delivery.sealed) => {
                Ok(false)
            }
            State::Ready { .. } => Err(ErrorCode::AlreadyDelivered.into()),
            _ => Err(ErrorCode::NotFound.into()),
        }
    }

    /// Takes a verified channel backup in, or the word that none is to be kept. The caller stores or erases what is in it.
    ///
    /// # Errors
    /// `invalid_body` for what is no age file, or larger than 64 KiB; `nonce_not_rising`; `not_found` for an order whose machine does
    /// not run.
    pub fn backup(&mut self, backup: &MachineBackup, now: UnixMillis) -> Result<(), ApiError> {
        if !matches!(self.state, State::Ready { .. }) {
            return Err(ErrorCode::NotFound.into());
        }
        if let Some(sealed) = &backup.sealed {
            let good = sealed.len() <= MAX_BACKUP
                && STANDARD
                    .decode(sealed)
                    .is_ok_and(|sealed| sealed.starts_with(AGE_MAGIC));
            if !good {
                return Err(ErrorCode::InvalidBody.into());
            }
        }
        self.hear(backup.nonce, now)?;
        self.backup_at = backup.sealed.is_some().then_some(now);
        Ok(())
    }

    pub(super) fn delivered(&mut self, delivery: &MachineDelivery, now: UnixMillis) {
        if delivery.tailscale_node_id.is_some() {
            self.resources
                .tailscale_node
                .clone_from(&delivery.tailscale_node_id);
        }
        let facts = MachineFacts {
            // The cloud's word counts more than the machine's.
            node_ip: self
                .resources
                .address
                .clone()
                .unwrap_or_else(|| delivery.node_ip.clone()),
            tailscale_hostname: delivery.tailscale_hostname.clone(),
            lnbits_url: delivery.lnbits_url.clone(),
            host_keys: delivery.host_keys.clone(),
            sealed_hash: sealed_hash(&delivery.sealed),
        };
        self.note(now, "delivered", "");
        self.missing = None;
        self.lease_begins(now);
        self.bell.ring(now);
        self.state = State::Ready {
            since: now,
            facts,
            bundle: BundleState::Sealed,
        };
    }
}

fn sealed_hash(sealed: &str) -> String {
    hex::encode(Sha256::digest(sealed.as_bytes()))
}
