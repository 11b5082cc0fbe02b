//! Tailscale API v2: one-time keys for machines that join the operator's tailnet, and their removal.

use crate::config::Tailscale;
use crate::http::{Answer, Body, Call};
use kindling_domain::id::OrderId;
use kindling_domain::order::{Failure, FailureReason, Order, Resource, TailscaleKey, order_of};
use kindling_domain::secret::Secret;
use serde::Deserialize;
use serde_json::json;
use worker::{Method, console_error};

/// How long a machine has to join, in seconds.
const KEY_SECONDS: u64 = 3600;

#[derive(Deserialize)]
struct Created {
    key: Secret,
}

#[derive(Deserialize)]
struct Token {
    access_token: Secret,
}

#[derive(Deserialize)]
struct Devices {
    devices: Vec<Device>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    node_id: String,
    hostname: String,
    #[serde(default)]
    tags: Vec<String>,
}

impl Tailscale {
    /// The bearer token: an API key is one, an OAuth client's secret is exchanged for one that lives an hour.
    async fn bearer(&self) -> Result<Secret, Failure> {
        // Opened to see which kind it is, and to exchange it.
        let Some(client) = self.api_key.expose().strip_prefix("tskey-client-") else {
            return Ok(self.api_key.clone());
        };
        let id = client.split('-').next().unwrap_or_default();
        let form = Secret::new(format!(
            "grant_type=client_credentials&client_id={id}&client_secret={}",
            self.api_key.expose()
        ));
        let url = format!("{}/api/v2/oauth/token", self.url);
        let call = Call {
            method: Method::Post,
            url,
            auth: None,
            body: Body::Form(form),
        };
        let answer = call
            .send()
            .await
            .map_err(|_| Failure::NotApplied { retry_after: None })?;
        let token = checked(&answer)?.json::<Token>().ok_or(Failure::Unknown)?;
        Ok(token.access_token)
    }

    /// Makes a key that lets one machine join once. A key whose answer was lost runs out unused.
    pub async fn create_key(&self, order: &Order) -> Result<TailscaleKey, Failure> {
        let bearer = self.bearer().await?;
        let id = order.id.to_string();
        let key = json!({
            "capabilities": { "devices": { "create": {
                "reusable": false, "ephemeral": false, "preauthorized": true, "tags": [self.tag],
            } } },
            "expirySeconds": KEY_SECONDS,
            "description": format!("kindling {id}"),
        });
        let url = format!("{}/api/v2/tailnet/{}/keys", self.url, self.tailnet);
        let auth = Some(("authorization", "Bearer ", &bearer));
        let call = Call {
            method: Method::Post,
            url,
            auth,
            body: Body::Json(key),
        };
        let answer = call.send().await.map_err(|_| Failure::Unknown)?;
        let created = checked(&answer)?
            .json::<Created>()
            .ok_or(Failure::Unknown)?;
        Ok(TailscaleKey {
            auth_key: created.key,
        })
    }

    /// The devices of the tailnet that carry our tag and an order's name.
    pub async fn devices(&self) -> Result<Vec<(OrderId, Resource)>, Failure> {
        let bearer = self.bearer().await?;
        let call = Call {
            method: Method::Get,
            url: format!("{}/api/v2/tailnet/{}/devices", self.url, self.tailnet),
            auth: Some(("authorization", "Bearer ", &bearer)),
            body: Body::None,
        };
        let answer = call
            .send()
            .await
            .map_err(|_| Failure::NotApplied { retry_after: None })?;
        let listed = checked(&answer)?
            .json::<Devices>()
            .ok_or(Failure::Unknown)?;
        let ours = |device: &Device| device.tags.contains(&self.tag);
        Ok(listed
            .devices
            .into_iter()
            .filter(ours)
            .filter_map(|device| {
                let order = order_of(&device.hostname)?;
                Some((order, Resource::Device(device.node_id)))
            })
            .collect())
    }

    /// Removes a machine from the tailnet; gone already is gone.
    pub async fn delete_device(&self, node: &str) -> Result<(), Failure> {
        let bearer = self.bearer().await?;
        let url = format!("{}/api/v2/device/{node}", self.url);
        let auth = Some(("authorization", "Bearer ", &bearer));
        let answer = Call {
            method: Method::Delete,
            url,
            auth,
            body: Body::None,
        }
        .send()
        .await;
        match answer {
            Ok(answer) if answer.status == 404 => Ok(()),
            // Success has no body of its own, but a page is something's that stands before the API.
            Ok(answer) if answer.text().trim_start().starts_with('<') => Err(Failure::Unknown),
            Ok(answer) => checked(&answer).map(|_| ()),
            Err(_) => Err(Failure::Unknown),
        }
    }
}

fn checked(answer: &Answer) -> Result<&Answer, Failure> {
    match answer.status {
        200..=299 => Ok(answer),
        429 => Err(answer.later()),
        500.. => Err(Failure::Unknown),
        status => {
            console_error!("Tailscale refuses: status {status}");
            Err(Failure::Final {
                reason: FailureReason::TailscaleRefused,
            })
        }
    }
}
