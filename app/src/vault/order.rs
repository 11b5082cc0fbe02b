//! Order links: drawn, read, and turned into what they stand for.

use crate::vault_protocol::{KeyFormat, OrderKeys, PrivateKey, VaultTrouble};
use crate::{Performed, search};
use kindling_domain::id::OrderId;
use kindling_domain::keys::{self, Counters, PublicKey, SshKey};
use kindling_domain::link::{KeyHint, LinkSecret, OrderLink, access_hash};
use kindling_domain::secret::Secret;
use std::cell::RefCell;

thread_local! {
    /// The RSA keys that were proven in this vault, by what is public about them. Others are proven before they are handed out.
    static PROVEN: RefCell<Vec<(OrderId, Counters)>> = const { RefCell::new(Vec::new()) };
}

/// A new secret from the browser's generator (`crypto.getRandomValues`).
pub fn draw() -> Performed<OrderKeys> {
    let mut bytes = [0; 32];
    getrandom04::fill(&mut bytes).map_err(|_| VaultTrouble::NoRandomness)?;
    let link = OrderLink {
        secret: LinkSecret::from_bytes(bytes),
        key: KeyHint::Ed25519,
    };
    keys_of(&link)
}

/// The same secret with its RSA key.
pub async fn search_rsa(fragment: &Secret, mut progress: impl FnMut(u8)) -> Performed<OrderKeys> {
    let link = parse(fragment)?;
    // The search is over when it is over; until then the bar stays short of its end. It does not fall where a search begins anew.
    let mut last = None;
    let in_percent = |share: f32| {
        let percent = (share * 100.0).clamp(0.0, 99.0) as u8;
        if last < Some(percent) {
            last = Some(percent);
            progress(percent);
        }
    };
    let (key, counters) = search::find(&link.secret.ssh_seed(), in_percent).await?;
    let link = OrderLink {
        key: KeyHint::Rsa4096(counters),
        ..link
    };
    remember(&link, counters);
    Ok(describe(&link, key.public()))
}

/// What a link or a fragment stands for; that its RSA key is one is for [`confirm`] to say.
pub fn read(text: &Secret) -> Performed<OrderKeys> {
    keys_of(&parse(text)?)
}

/// Whether the key of a link is one.
pub async fn confirm(fragment: &Secret) -> Performed<()> {
    let link = parse(fragment)?;
    match link.key {
        KeyHint::Rsa4096(counters) if !is_proven(&link, counters) => {
            prove(&link, counters).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// The SSH private key's file.
pub async fn private_key(ask: &PrivateKey) -> Performed<Secret> {
    let link = parse(&ask.fragment)?;
    let key = ssh_key(&link).await?;
    let text = match ask.format {
        KeyFormat::OpenSsh => key.private_openssh(&comment(&link))?,
        KeyFormat::Pem => key.private_pem()?,
    };
    Ok(Secret::new(text.as_str()))
}

/// Reads a link.
pub fn parse(text: &Secret) -> Performed<OrderLink> {
    // Opened to be parsed; the error never repeats it.
    Ok(OrderLink::parse(text.expose())?)
}

fn keys_of(link: &OrderLink) -> Performed<OrderKeys> {
    let seed = link.secret.ssh_seed();
    Ok(match link.key {
        KeyHint::Ed25519 => describe(link, keys::ed25519(&seed)?.public()),
        KeyHint::Rsa4096(counters) => {
            describe(link, &keys::rsa_public_from_counters(&seed, counters)?)
        }
    })
}

async fn ssh_key(link: &OrderLink) -> Performed<SshKey> {
    let seed = link.secret.ssh_seed();
    Ok(match link.key {
        KeyHint::Ed25519 => keys::ed25519(&seed)?,
        KeyHint::Rsa4096(counters) if is_proven(link, counters) => {
            keys::rsa_from_counters(&seed, counters)?
        }
        KeyHint::Rsa4096(counters) => prove(link, counters).await?,
    })
}

async fn prove(link: &OrderLink, counters: Counters) -> Performed<SshKey> {
    let key = search::prove(&link.secret.ssh_seed(), counters).await?;
    remember(link, counters);
    Ok(key)
}

fn remember(link: &OrderLink, counters: Counters) {
    PROVEN.with_borrow_mut(|proven| proven.push((link.secret.order_id(), counters)));
}

fn is_proven(link: &OrderLink, counters: Counters) -> bool {
    PROVEN.with_borrow(|proven| proven.contains(&(link.secret.order_id(), counters)))
}

/// The name the key has in `authorized_keys` and in the customer's key list.
fn comment(link: &OrderLink) -> String {
    let id = link.secret.order_id().to_string();
    format!("kindling-{}", &id[..8])
}

fn describe(link: &OrderLink, key: &PublicKey) -> OrderKeys {
    let access_token = link.secret.access_token();
    OrderKeys {
        order_id: link.secret.order_id(),
        fragment: link.fragment(),
        // Opened to be hashed.
        access_hash: access_hash(access_token.expose()),
        access_token,
        seal_to: link.secret.seal_recipient(),
        ssh_public_key: key.openssh(&comment(link)),
        ssh_fingerprint: key.sha256_fingerprint(),
    }
}
