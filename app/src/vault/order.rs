//! Order links: drawn, read, and turned into what they stand for.

use crate::Performed;
use crate::vault_protocol::{KeyFormat, OrderKeys, PrivateKey, VaultTrouble};
use kindling_domain::keys::{self, SshKey};
use kindling_domain::link::{KeyHint, LinkSecret, OrderLink, access_hash};
use kindling_domain::secret::Secret;
use kindling_primes::{
    Distrust, Outcome, Plan, Prime, Scalar, Sieve, Start, Task, confirm, passes,
};

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
pub fn search_rsa(fragment: &Secret, progress: &mut dyn FnMut(u8)) -> Performed<OrderKeys> {
    let link = parse(fragment)?;
    // The search is over when it is over; until then the bar stays short of its end.
    let mut last = None;
    let mut in_percent = |share: f32| {
        let percent = (share * 100.0).clamp(0.0, 99.0) as u8;
        if last.replace(percent) != Some(percent) {
            progress(percent);
        }
    };
    let seed = link.secret.ssh_seed();
    let starts = Prime::BOTH.map(|prime| Start::of(seed.expose(), prime));
    let sieve = Sieve::default();
    let mut plan = Plan::new(1);
    let counters = loop {
        let (ticket, task) = plan.hand_out().ok_or(VaultTrouble::NoKeyFound)?;
        let number = |prime: Prime, counter: u32| starts[prime as usize].candidate(counter);
        let outcome = match task {
            Task::Sieve { prime, window } => Outcome::Survivors(
                sieve
                    .survivors::<Scalar>(&starts[prime as usize], window)
                    .unwrap_or_default(),
            ),
            Task::Test { prime, counters } => {
                Outcome::Tested(counters.into_iter().find(|counter| {
                    number(prime, *counter).is_ok_and(|number| passes::<Scalar>(&number))
                }))
            }
            Task::Confirm { prime, counter } => {
                Outcome::Confirmed(number(prime, counter).is_ok_and(|number| confirm(&number)))
            }
        };
        let done = plan.done(ticket, outcome);
        in_percent(plan.progress());
        if let Some(counters) = done.map_err(|Distrust| VaultTrouble::NoKeyFound)? {
            break counters.into();
        }
    };
    let key = keys::rsa_from_counters(&seed, counters)?;
    let link = OrderLink {
        key: KeyHint::Rsa4096(counters),
        ..link
    };
    Ok(describe(&link, &key))
}

/// What a link or a fragment stands for.
pub fn read(text: &Secret) -> Performed<OrderKeys> {
    keys_of(&parse(text)?)
}

/// The SSH private key's file.
pub fn private_key(ask: &PrivateKey) -> Performed<Secret> {
    let link = parse(&ask.fragment)?;
    let key = ssh_key(&link)?;
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
    Ok(describe(link, &ssh_key(link)?))
}

fn ssh_key(link: &OrderLink) -> Performed<SshKey> {
    let seed = link.secret.ssh_seed();
    let key = match link.key {
        KeyHint::Ed25519 => keys::ed25519(&seed),
        KeyHint::Rsa4096(counters) => keys::rsa_from_counters(&seed, counters),
    };
    Ok(key?)
}

/// The name the key has in `authorized_keys` and in the customer's key list.
fn comment(link: &OrderLink) -> String {
    let id = link.secret.order_id().to_string();
    format!("kindling-{}", &id[..8])
}

fn describe(link: &OrderLink, key: &SshKey) -> OrderKeys {
    let access_token = link.secret.access_token();
    OrderKeys {
        order_id: link.secret.order_id(),
        fragment: link.fragment(),
        // Opened to be hashed.
        access_hash: access_hash(access_token.expose()),
        access_token,
        seal_to: link.secret.seal_recipient(),
        ssh_public_key: key.public_openssh(&comment(link)),
        ssh_fingerprint: key.fingerprint_sha256(),
    }
}
