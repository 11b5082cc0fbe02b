//! The primes of an order's RSA key: searched, or only judged where a link remembers them, by key workers either way. No key leaves here
//! that a library has not confirmed both primes of, and that has not signed and verified once.

use crate::crew::{Crew, News};
use crate::trial;
use crate::vault_protocol::VaultTrouble;
use futures_channel::oneshot;
use kindling_domain::keys::{Counters, KeyError, SshKey, SshSeed, rsa_from_counters};
use kindling_primes::{Distrust, Plan};
use std::collections::BTreeMap;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

/// A search is begun anew where its workers fail or err: once.
const ATTEMPTS: usize = 2;

/// Why an attempt came to nothing.
enum Over {
    /// The workers do not start, have failed, or are silent; or what they said makes no sense.
    Lost,
    /// What they found, or a link remembers, is no key.
    Wrong,
}

impl From<JsValue> for Over {
    fn from(_: JsValue) -> Self {
        Self::Lost
    }
}

impl From<Distrust> for Over {
    fn from(_: Distrust) -> Self {
        Self::Wrong
    }
}

/// Searches the seed's key. `progress` is told the expected share that is done, which never falls.
pub async fn find(
    seed: &SshSeed,
    mut progress: impl FnMut(f32),
) -> Result<(SshKey, Counters), VaultTrouble> {
    let mut trouble = VaultTrouble::Broken;
    for _ in 0..ATTEMPTS {
        let attempt = async {
            let mut crew = Crew::for_search()?;
            let plan = Plan::new(crew.engine.tests_per_task());
            let found = drive(&mut crew, seed, plan, &mut progress).await;
            if found.is_err() {
                crew.distrust();
            }
            found
        };
        trouble = match attempt.await {
            Ok(found) => return Ok(found),
            Err(Over::Lost) => VaultTrouble::Broken,
            Err(Over::Wrong) => VaultTrouble::NoKeyFound,
        };
    }
    Err(trouble)
}

/// The key at these counters, once it is sure that it is one.
pub async fn prove(seed: &SshSeed, counters: Counters) -> Result<SshKey, VaultTrouble> {
    for _ in 0..ATTEMPTS {
        let attempt = async {
            let mut crew = Crew::for_judgement()?;
            let plan = Plan::to_confirm(counters);
            let proven = drive(&mut crew, seed, plan, &mut |_| {}).await;
            // That a link is mistyped is no fault of theirs.
            if let Err(Over::Lost) = proven {
                crew.distrust();
            }
            proven
        };
        match attempt.await {
            Ok((key, _)) => return Ok(key),
            Err(Over::Wrong) => return Err(VaultTrouble::LinkWithWrongCounters),
            Err(Over::Lost) => {}
        }
    }
    Err(VaultTrouble::Broken)
}

/// Hands out the plan's tasks and takes the answers in, until both primes are confirmed. As soon as it is known where they stand the key is
/// put together and tried here, while the workers judge.
async fn drive(
    crew: &mut Crew,
    seed: &SshSeed,
    mut plan: Plan,
    progress: &mut impl FnMut(f32),
) -> Result<(SshKey, Counters), Over> {
    let mut tickets = BTreeMap::new();
    let mut made = None::<Tried>;
    loop {
        crew.share(seed, |number| {
            let (ticket, task) = plan.hand_out()?;
            tickets.insert(number, ticket);
            Some(task)
        });
        if let (None, Some(counters)) = (&made, plan.counters()) {
            made = Some(make(seed, counters)?);
        }
        let (number, outcome) = match crew.news().await {
            News::Ready => continue,
            News::Answer(number, outcome) => (number, outcome),
            News::Over => return Err(Over::Lost),
        };
        // Nobody answers twice, or what nobody has asked.
        let ticket = tickets.remove(&number).ok_or(Over::Lost)?;
        let confirmed = plan.done(ticket, outcome.ok_or(Over::Lost)?)?;
        progress(plan.progress());
        if let (Some(counters), Some(tried)) = (confirmed, &mut made) {
            // Both are primes, so a key that does not sign is no fault of theirs.
            let key = tried.await.ok().flatten().ok_or(Over::Lost)?;
            return Ok((key, counters));
        }
    }
}

/// Puts the key together, and has it tried meanwhile.
fn make(seed: &SshSeed, counters: Counters) -> Result<Tried, Over> {
    let key = rsa_from_counters(seed, counters).map_err(|error| match error {
        KeyError::WrongCounters => Over::Wrong,
        KeyError::Encoding | KeyError::UnknownType => Over::Lost,
    })?;
    let (done, tried) = oneshot::channel();
    spawn_local(async move {
        let signs = trial::signs(&key).await;
        // Nobody waits for it where the workers have found fault meanwhile.
        let _ = done.send(signs.then_some(key));
    });
    Ok(tried)
}

/// The key once it has signed; `None` where it does not.
type Tried = oneshot::Receiver<Option<SshKey>>;
