//! The sweep of one cloud account: what the cloud has and no live order owns is removed, and what an order believes in and the
//! cloud does not have is told to the order.
//!
//! Invariants: nothing is removed that was not read again right before, by its own id, and disowned by its order twice; nothing is
//! removed that another deployment may have made. The sweep goes page by page, one alarm a page, so that it outlives its object and
//! any number of machines; a failing call costs a pause, not the sweep.

use crate::clock::{self, now};
use crate::config::{Config, DigitalOcean};
use crate::digitalocean::{Listed, deployment_tag};
use crate::fleet_object::FleetClient;
use crate::objects;
use crate::order_object::{Audit, Inside, ask_order};
use crate::reply;
use crate::rows::Rows;
use kindling_domain::fleet::Place;
use kindling_domain::id::OrderId;
use kindling_domain::order::{Failure, Resource};
use kindling_domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use worker::{DurableObject, Env, Request, Response, Result, State, console_error, durable_object};

/// The Durable Object binding of sweeps.
const SWEEPS: &str = "SWEEP";
/// The name of the main account's sweep; an account's name has no such sign.
const MAIN: &str = "@";
/// The one row: how far the sweep is.
const ROW: &str = "sweep";
/// A sweep that has not moved for so long is begun anew, in seconds.
const STUCK_SECONDS: u64 = 600;
/// How often a page is gone through at most: a cloud that goes on listing what it has removed must not hold the sweep up.
const MAX_AGAIN: u32 = 5;
/// The pause after a failing call that does not say how long, in seconds.
const PAUSE_SECONDS: u64 = 10;
/// While an alarm works, the next one stands this far off, in milliseconds.
const LEASE_MILLIS: u64 = 60_000;

/// What is looked through next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum Stage {
    /// A page of a list of the cloud's.
    List {
        kind: Listed,
        page: u32,
        /// How often this page was gone through before: what is removed from it lets others move up.
        again: u32,
    },
    /// The tailnet.
    Devices,
    /// The fleets' orders, from this one on.
    Orders { fleet: usize },
}

/// How far a sweep is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sweep {
    account: String,
    moved_at: UnixMillis,
    stage: Stage,
    /// The orders that a droplet was listed for.
    seen: BTreeSet<OrderId>,
}

/// The sweep of one account.
#[durable_object]
pub struct SweepObject {
    state: State,
    env: Env,
    rows: Rows,
    sweep: RefCell<Option<Sweep>>,
}

/// Has every account swept.
pub async fn sweep_all(env: &Env) {
    let config = Config::of(env);
    for (account, _) in config.accounts() {
        let name = if account.is_empty() { MAIN } else { account };
        // One that does not answer is asked again by the next tick.
        let _: std::result::Result<(), Failure> =
            objects::ask(env, SWEEPS, name, &account, objects::TIMEOUT).await;
    }
}

impl DurableObject for SweepObject {
    fn new(state: State, env: Env) -> Self {
        clock::configure(&env);
        let rows = Rows::new(&state);
        Self {
            state,
            env,
            rows,
            sweep: RefCell::new(None),
        }
    }

    /// Begins a sweep, unless one is under way.
    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let account: String = objects::question(&mut request).await?;
        let moving = self
            .load()?
            .is_some_and(|sweep| now() < sweep.moved_at.plus_seconds(STUCK_SECONDS));
        if !moving {
            self.save(Some(Sweep {
                account,
                moved_at: now(),
                stage: Stage::List {
                    kind: Listed::Droplets,
                    page: 1,
                    again: 0,
                },
                seen: BTreeSet::new(),
            }))?;
            clock::set_alarm(&self.state, now()).await?;
        }
        reply::json(200, &())
    }

    async fn alarm(&self) -> Result<Response> {
        clock::set_alarm(&self.state, now().plus_millis(LEASE_MILLIS)).await?;
        match self.turn().await {
            Ok(Ok(true)) => clock::set_alarm(&self.state, now()).await?,
            Ok(Ok(false)) => self.state.storage().delete_alarm().await?,
            Ok(Err(failure)) => {
                let at = now().plus_seconds(failure.retry_after().unwrap_or(PAUSE_SECONDS));
                clock::set_alarm(&self.state, at).await?;
            }
            Err(error) => {
                console_error!("a sweep: {error}");
                clock::set_alarm(&self.state, now().plus_millis(LEASE_MILLIS)).await?;
            }
        }
        Response::empty()
    }
}

impl SweepObject {
    fn load(&self) -> Result<Option<Sweep>> {
        if self.sweep.borrow().is_none() {
            let row = self.rows.all()?.into_iter().next();
            *self.sweep.borrow_mut() = row.map(|(_, sweep)| sweep);
        }
        Ok(self.sweep.borrow().clone())
    }

    fn save(&self, sweep: Option<Sweep>) -> Result<()> {
        match &sweep {
            Some(sweep) => self.rows.put(ROW, sweep)?,
            None => self.rows.delete(ROW)?,
        }
        *self.sweep.borrow_mut() = sweep;
        Ok(())
    }

    /// One page. Whether there is another.
    async fn turn(&self) -> Result<std::result::Result<bool, Failure>> {
        let Some(mut sweep) = self.load()? else {
            return Ok(Ok(false));
        };
        let config = Config::of(&self.env);
        let Some(cloud) = config.digitalocean(&sweep.account) else {
            self.save(None)?;
            return Ok(Ok(false));
        };
        let next = match self.page(&config, cloud, &mut sweep).await {
            Ok(next) => next,
            Err(failure) => return Ok(Err(failure)),
        };
        let more = next.is_some();
        self.save(next.map(|stage| Sweep {
            moved_at: now(),
            stage,
            ..sweep
        }))?;
        Ok(Ok(more))
    }

    async fn page(
        &self,
        config: &Config,
        cloud: &DigitalOcean,
        sweep: &mut Sweep,
    ) -> std::result::Result<Option<Stage>, Failure> {
        match sweep.stage {
            Stage::List { kind, page, again } => {
                // Machines reach this deployment by its public URL, so without one there are none.
                let Some(url) = &config.public_url else {
                    return Ok(None);
                };
                let listed = cloud.list(kind, &deployment_tag(url), page).await?;
                if kind == Listed::Droplets {
                    sweep.seen.extend(listed.found.iter().map(|(id, _)| *id));
                }
                // Droplets and volumes carry the deployment's tag; a key's name alone does not tell whose it is.
                let tagged = kind != Listed::SshKeys;
                let removed = self.judge(config, cloud, listed.found, tagged).await?;
                let first = |kind| Stage::List {
                    kind,
                    page: 1,
                    again: 0,
                };
                Ok(Some(match (listed.next, kind) {
                    (Some(_), kind) if removed > 0 && again < MAX_AGAIN => Stage::List {
                        kind,
                        page,
                        again: again + 1,
                    },
                    (Some(page), kind) => Stage::List {
                        kind,
                        page,
                        again: 0,
                    },
                    (None, Listed::Droplets) => first(Listed::Volumes),
                    (None, Listed::Volumes) => first(Listed::SshKeys),
                    (None, Listed::SshKeys) => Stage::Devices,
                }))
            }
            Stage::Devices => {
                // There is one tailnet for all accounts; the main one sweeps it.
                if let Some(tailscale) = config.tailscale.as_ref()
                    && config.accounts().next().map(|(name, _)| name) == Some(&sweep.account)
                {
                    let found = tailscale.devices().await?;
                    self.judge(config, cloud, found, false).await?;
                }
                Ok(Some(Stage::Orders { fleet: 0 }))
            }
            Stage::Orders { fleet } => {
                let of_account = config
                    .fleets
                    .iter()
                    .filter(|spec| spec.account == sweep.account);
                let Some(spec) = of_account.clone().nth(fleet) else {
                    return Ok(None);
                };
                self.tell_unseen(config, &spec.name(), &sweep.seen).await?;
                Ok(Some(Stage::Orders { fleet: fleet + 1 }))
            }
        }
    }

    /// Tells each order of a fleet that has no droplet in the list. What it makes of that is its own affair.
    async fn tell_unseen(
        &self,
        config: &Config,
        fleet: &str,
        seen: &BTreeSet<OrderId>,
    ) -> std::result::Result<(), Failure> {
        let client = FleetClient {
            env: &self.env,
            name: fleet.to_owned(),
            limits: config.fleet_limits(fleet),
        };
        for order in client.status().await?.orders {
            if order.row.place == Some(Place::Paid) && !seen.contains(&order.id) {
                let () = ask_order(&self.env, order.id, &Inside::Unlisted).await?;
            }
        }
        Ok(())
    }

    /// Removes what no order owns. What bears this deployment's tag is removed without a live order; anything else only if the order is
    /// known here and disowns it. How many things were removed.
    async fn judge(
        &self,
        config: &Config,
        cloud: &DigitalOcean,
        found: Vec<(OrderId, Resource)>,
        tagged: bool,
    ) -> std::result::Result<u32, Failure> {
        let mut removed = 0;
        let mut by_order: BTreeMap<OrderId, Vec<Resource>> = BTreeMap::new();
        for (id, resource) in found {
            by_order.entry(id).or_default().push(resource);
        }
        for (id, found) in by_order {
            for orphan in self.disowned(id, found, tagged).await? {
                match self.remove(config, cloud, id, &orphan, tagged).await {
                    Ok(()) => removed += 1,
                    // Still attached, or refused: the next sweep comes by.
                    Err(failure) => {
                        console_error!("the sweep could not remove {orphan:?}: {failure:?}");
                    }
                }
            }
        }
        Ok(removed)
    }

    async fn disowned(
        &self,
        id: OrderId,
        found: Vec<Resource>,
        tagged: bool,
    ) -> std::result::Result<Vec<Resource>, Failure> {
        let audit: Audit = ask_order(&self.env, id, &Inside::Audit { found }).await?;
        Ok(if audit.known || tagged {
            audit.orphans
        } else {
            Vec::new()
        })
    }

    async fn remove(
        &self,
        config: &Config,
        cloud: &DigitalOcean,
        id: OrderId,
        orphan: &Resource,
        tagged: bool,
    ) -> std::result::Result<(), Failure> {
        let still_there = match orphan {
            Resource::Device(node) => match &config.tailscale {
                Some(tailscale) => {
                    let devices = tailscale.devices().await?;
                    let same =
                        |(owner, device): &(OrderId, Resource)| *owner == id && device == orphan;
                    if devices.iter().any(same) {
                        let again = self.disowned(id, vec![orphan.clone()], tagged).await?;
                        if !again.is_empty() {
                            console_error!("the sweep removes device {node} of order {id}");
                            return tailscale.delete_device(node).await;
                        }
                    }
                    return Ok(());
                }
                None => return Ok(()),
            },
            _ => cloud.owner(orphan).await? == Some(id),
        };
        if still_there
            && !self
                .disowned(id, vec![orphan.clone()], tagged)
                .await?
                .is_empty()
        {
            console_error!("the sweep removes {orphan:?} of order {id}");
            return cloud.remove(orphan).await;
        }
        Ok(())
    }
}
