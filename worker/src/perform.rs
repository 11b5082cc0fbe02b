//! One effect, one call, one event. Which upstream answers, the real or the make-believe one, is decided here and nowhere else.

use crate::config::{Config, DigitalOcean, Tailscale};
use crate::{lnbits, stub};
use kindling_domain::order::{
    Answer, Effect, Event, Failure, FailureReason, Order, Step, TeardownStep,
};
use kindling_domain::secret::Secret;
use worker::console_error;

/// Performs `effect` for `order`. `token` is the pairing token of a droplet that is being ordered.
pub async fn perform(config: &Config, order: &Order, effect: &Effect, token: &Secret) -> Event {
    match effect {
        Effect::LookUpPayment { payment_hash } => Event::Payment(match &config.lnbits {
            _ if order.plan.stubs.lightning => Ok(stub::payment(order, payment_hash, false)),
            Some(lnbits) => lnbits::look_up(lnbits, payment_hash).await,
            None => Err(unconfigured()),
        }),
        Effect::Provision(step) if order.plan.stubs.cloud => {
            Event::Answer(stub::provision(order, *step).map_err(|error| {
                console_error!("the stub cloud: {error}");
                Failure::Final {
                    reason: FailureReason::CloudRefused,
                }
            }))
        }
        Effect::Provision(step) => Event::Answer(match &config.digitalocean {
            Some(cloud) => provision(cloud, config.tailscale.as_ref(), order, *step, token).await,
            None => Err(unconfigured()),
        }),
        Effect::TearDown(step) if order.plan.stubs.cloud => {
            Event::Answer(Ok(stub::tear_down(*step)))
        }
        Effect::TearDown(step) => Event::Answer(match &config.digitalocean {
            Some(cloud) => tear_down(cloud, config.tailscale.as_ref(), order, *step).await,
            None => Err(unconfigured()),
        }),
        Effect::Erase | Effect::EraseBundle => Event::BundleErased,
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
        Step::FindSshKey => cloud.find_ssh_key(order).await.map(Answer::SshKey),
        Step::CreateSshKey => cloud.create_ssh_key(order).await.map(Answer::SshKey),
        Step::FindVolume => cloud.find_volume(order).await.map(Answer::Volume),
        Step::CreateVolume => cloud.create_volume(order).await.map(Answer::Volume),
        Step::CreateTailscaleKey => match tailscale {
            Some(tailscale) => tailscale.create_key(order).await.map(Answer::TailscaleKey),
            None => Err(unconfigured()),
        },
        Step::FindDroplet => cloud.find_droplet(order).await.map(Answer::Droplet),
        Step::CreateDroplet => cloud
            .create_droplet(order, token)
            .await
            .map(Answer::Droplet),
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
            Some(id) => cloud.delete_droplet(id).await.map(|()| Answer::Gone),
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
