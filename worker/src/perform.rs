//! One effect, one call, one event. Which upstream answers, the real or the make-believe one, is decided here and nowhere else.

use crate::apart::apart;
use crate::clock::now;
use crate::config::{Config, DigitalOcean, Tailscale};
use crate::door_object::DoorClient;
use crate::fleet_object::FleetClient;
use crate::{lnbits, payee, stub};
use kindling_domain::order::{
    Answer, Effect, Event, Failure, FailureReason, FleetNews, Order, Outgoing, RefundAnswer,
    RefundStep, Step, TeardownStep,
};
use kindling_domain::secret::Secret;
use worker::{Env, console_error};

/// How long a refund without means waits for the operator to give them, in seconds.
const NO_MEANS_SECONDS: u64 = 3600;

/// Performs `effect` for `order`. `token` is the pairing token of a droplet that is being ordered.
pub async fn perform(
    env: &Env,
    config: &Config,
    order: &Order,
    effect: &Effect,
    token: &Secret,
) -> Event {
    match effect {
        Effect::LookUpPayment { payment_hash } => Event::Payment(
            payment_hash.clone(),
            look_up(config, order, payment_hash).await,
        ),
        Effect::Provision(Step::ClaimPlace) => Event::Answer(claim_place(env, config, order).await),
        Effect::Provision(step) if order.plan.stubs.cloud => {
            Event::Answer(stub::provision(order, *step).map_err(|error| {
                console_error!("the stub cloud: {error}");
                Failure::Final {
                    reason: FailureReason::CloudRefused,
                }
            }))
        }
        Effect::Provision(step) => Event::Answer(match cloud(config, order) {
            Ok(cloud) => {
                apart(provision(
                    cloud,
                    config.tailscale.as_ref(),
                    order,
                    *step,
                    token,
                ))
                .await
            }
            Err(failure) => Err(failure),
        }),
        Effect::TearDown(step) if order.plan.stubs.cloud => {
            Event::Answer(Ok(stub::tear_down(*step)))
        }
        Effect::TearDown(step) => Event::Answer(match cloud(config, order) {
            Ok(cloud) => apart(tear_down(cloud, config.tailscale.as_ref(), order, *step)).await,
            Err(failure) => Err(failure),
        }),
        Effect::Refund(step) => Event::Refund(apart(refund(config, order, *step)).await),
        Effect::TellFleet(news) => Event::FleetTold(tell_fleet(env, config, order, news).await),
        Effect::RenameDroplet { end, .. } if order.plan.stubs.cloud => Event::Renamed(Ok(*end)),
        Effect::RenameDroplet { droplet, end } => Event::Renamed(match cloud(config, order) {
            Ok(cloud) => cloud
                .rename_droplet(order, *droplet, *end)
                .await
                .map(|()| *end),
            Err(failure) => Err(failure),
        }),
        Effect::CheckDroplet { droplet } => Event::Checked(match cloud(config, order) {
            Ok(cloud) => cloud.droplet(*droplet).await,
            Err(failure) => Err(failure),
        }),
        Effect::End => Event::EndReached,
        Effect::Erase | Effect::EraseBundle => Event::BundleErased,
    }
}

/// The account that the order's machine stands in.
fn cloud<'a>(config: &'a Config, order: &Order) -> Result<&'a DigitalOcean, Failure> {
    config
        .digitalocean(&order.plan.account)
        .ok_or_else(unconfigured)
}

async fn look_up(
    config: &Config,
    order: &Order,
    payment_hash: &str,
) -> Result<kindling_domain::order::PaymentFacts, Failure> {
    match (&config.lnbits, order.open_bill(payment_hash)) {
        (_, Some(bill)) if order.plan.stubs.lightning => Ok(stub::payment(bill, false)),
        (Some(lnbits), _) => lnbits::look_up(lnbits, payment_hash).await,
        (None, _) => Err(unconfigured()),
    }
}

fn fleet<'a>(env: &'a Env, config: &Config, order: &Order) -> FleetClient<'a> {
    FleetClient {
        env,
        name: order.plan.fleet.clone(),
        limits: config.fleet_limits(&order.plan.fleet),
    }
}

/// The order is paid: it keeps its place, and is no longer counted at its visitor's door. A door that does not hear of it forgets the
/// order by itself.
async fn claim_place(env: &Env, config: &Config, order: &Order) -> Result<Answer, Failure> {
    let place = fleet(env, config, order).claim(order.id).await?;
    if let Some(door) = &order.door {
        let door = DoorClient {
            env,
            name: door.clone(),
            limits: config.door_limits,
        };
        let _ = door.leave(order.id).await;
    }
    Ok(Answer::Place(place))
}

async fn tell_fleet(
    env: &Env,
    config: &Config,
    order: &Order,
    news: &FleetNews,
) -> Result<FleetNews, Failure> {
    let fleet = fleet(env, config, order);
    fleet.note(order.id, news.note.clone()).await?;
    if news.release {
        fleet.release(order.id).await?;
    }
    Ok(news.clone())
}

async fn refund(config: &Config, order: &Order, step: RefundStep) -> Result<RefundAnswer, Failure> {
    if order.plan.stubs.lightning {
        return stub::refund(order, step, now()).map_err(|error| {
            console_error!("the stub refund: {error}");
            Failure::NotApplied { retry_after: None }
        });
    }
    // Without the key nothing is resolved either: an invoice that nobody can pay would only run out.
    let means = config
        .lnbits
        .as_ref()
        .filter(|lnbits| lnbits.admin_key.is_some());
    let Some(lnbits) = means else {
        return Err(Failure::NotApplied {
            retry_after: Some(NO_MEANS_SECONDS),
        });
    };
    match (step, &order.refund.payout) {
        (RefundStep::Resolve, _) => {
            let to = order.refund.to.as_deref().unwrap_or_default();
            payee::resolve(config, to, order.owed(), now()).await
        }
        (RefundStep::Pay, Some(payout)) => {
            lnbits::pay(lnbits, &payout.payment_request, order.id).await
        }
        (RefundStep::LookUp, Some(payout)) => {
            lnbits::look_up_outgoing(lnbits, payout, order.id).await
        }
        (RefundStep::Pay | RefundStep::LookUp, None) => {
            Ok(RefundAnswer::Outgoing(Outgoing::Missing))
        }
    }
}

/// The operator took an upstream away from under a paid order: it may come back.
fn unconfigured() -> Failure {
    console_error!("an order needs an upstream that is no longer configured");
    Failure::NotApplied { retry_after: None }
}

async fn provision(
    cloud: &DigitalOcean,
    tailscale: Option<&Tailscale>,
    order: &Order,
    step: Step,
    token: &Secret,
) -> Result<Answer, Failure> {
    match step {
        // The fleet's, not the cloud's.
        Step::ClaimPlace => Err(unconfigured()),
        Step::FindSshKey => cloud.find_ssh_key(order).await.map(Answer::SshKey),
        Step::CreateSshKey => cloud.create_ssh_key(order).await.map(Answer::SshKey),
        Step::FindVolume => cloud.find_volume(order).await.map(Answer::Volume),
        Step::CreateVolume => cloud.create_volume(order).await.map(Answer::Volume),
        Step::CreateTailscaleKey => match tailscale {
            Some(tailscale) => tailscale.create_key(order).await.map(Answer::TailscaleKey),
            None => Err(unconfigured()),
        },
        Step::FindDroplet => cloud.find_droplet(order).await.map(Answer::Droplet),
        Step::CreateDroplet => cloud.create_droplet(order, token).await,
        Step::AwaitActive | Step::AwaitMachine => match order.resources.droplet {
            Some(id) => cloud.droplet(id).await.map(Answer::Droplet),
            None => Err(Failure::Final {
                reason: FailureReason::MachineLost,
            }),
        },
    }
}

async fn tear_down(
    cloud: &DigitalOcean,
    tailscale: Option<&Tailscale>,
    order: &Order,
    step: TeardownStep,
) -> Result<Answer, Failure> {
    let has = &order.resources;
    match step {
        TeardownStep::FindDroplet => cloud.find_droplet(order).await.map(Answer::Droplet),
        TeardownStep::DeleteDroplet => match has.droplet {
            Some(id) => Ok(match cloud.delete_droplet(id).await? {
                true => Answer::Gone,
                false => Answer::Droplet(None),
            }),
            None => Ok(Answer::Gone),
        },
        TeardownStep::AwaitDropletGone => match has.droplet {
            Some(id) => cloud.droplet(id).await.map(Answer::Droplet),
            None => Ok(Answer::Droplet(None)),
        },
        TeardownStep::FindVolume => cloud.find_volume(order).await.map(Answer::Volume),
        TeardownStep::DeleteVolume => match &has.volume {
            Some(id) => cloud.delete_volume(id).await.map(|()| Answer::Gone),
            None => Ok(Answer::Gone),
        },
        TeardownStep::FindSshKey => cloud.find_ssh_key(order).await.map(Answer::SshKey),
        TeardownStep::DeleteSshKey => match has.ssh_key {
            Some(key) => cloud.delete_ssh_key(key.id).await.map(|()| Answer::Gone),
            None => Ok(Answer::Gone),
        },
        TeardownStep::DeleteTailscaleDevice => match (tailscale, &has.tailscale_node) {
            (Some(tailscale), Some(node)) => {
                tailscale.delete_device(node).await.map(|()| Answer::Gone)
            }
            (None, Some(_)) => Err(unconfigured()),
            (_, None) => Ok(Answer::Gone),
        },
        TeardownStep::Done => Ok(Answer::Gone),
    }
}
