//! DigitalOcean API v2: a thin typed client. Each call says which of the three failures its answer is.

use crate::config::DigitalOcean;
use crate::http::{Answer, Body, Call};
use kindling_domain::order::{CloudSshKey, Droplet, Failure, FailureReason, Order, resource_name};
use kindling_domain::secret::Secret;
use kindling_domain::user_data;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use worker::{Method, console_error};

/// The image every machine starts from.
const IMAGE: &str = "ubuntu-24-04-x64";
/// On every droplet and volume of this house, beside the order's own tag.
const HOUSE_TAG: &str = "kindling";

#[derive(Deserialize)]
struct KeyEnvelope {
    ssh_key: Key,
}

#[derive(Deserialize)]
struct Key {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
struct VolumeEnvelope {
    volume: Volume,
}

#[derive(Deserialize)]
struct Volumes {
    volumes: Vec<Volume>,
}

#[derive(Deserialize)]
struct Volume {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct DropletEnvelope {
    droplet: DropletBody,
}

#[derive(Deserialize)]
struct Droplets {
    droplets: Vec<DropletBody>,
}

#[derive(Deserialize)]
struct DropletBody {
    id: u64,
    status: String,
    networks: Networks,
}

#[derive(Deserialize)]
struct Networks {
    #[serde(default)]
    v4: Vec<Address>,
}

#[derive(Deserialize)]
struct Address {
    ip_address: String,
    #[serde(rename = "type")]
    kind: String,
}

impl From<DropletBody> for Droplet {
    fn from(body: DropletBody) -> Self {
        let public = body
            .networks
            .v4
            .into_iter()
            .find(|address| address.kind == "public");
        Self {
            id: body.id,
            active: body.status == "active",
            address: public.map(|address| address.ip_address),
        }
    }
}

fn refused() -> Failure {
    Failure::Final {
        reason: FailureReason::CloudRefused,
    }
}

impl DigitalOcean {
    fn call(&self, method: Method, path: &str, body: Body) -> Call<'_> {
        let auth = Some(("authorization", "Bearer ", &self.token));
        Call {
            method,
            url: format!("{}/v2/{path}", self.url),
            auth,
            body,
        }
    }

    /// A read may be repeated whatever becomes of it.
    async fn read(&self, path: &str) -> Result<Answer, Failure> {
        let sent = self.call(Method::Get, path, Body::None).send().await;
        let answer = sent.map_err(|_| Failure::NotApplied { retry_after: None })?;
        match answer.status {
            200 | 404 => Ok(answer),
            401 | 403 => {
                console_error!("DigitalOcean refuses a read: status {}", answer.status);
                Err(refused())
            }
            _ => Err(answer.later()),
        }
    }

    /// A write that is not answered, or answered by an error of the server, may have been applied.
    async fn write(&self, method: Method, path: &str, body: Body) -> Result<Answer, Failure> {
        let answer = self
            .call(method, path, body)
            .send()
            .await
            .map_err(|_| Failure::Unknown)?;
        match answer.status {
            429 => Err(answer.later()),
            401 | 403 => {
                console_error!("DigitalOcean refuses a write: status {}", answer.status);
                Err(refused())
            }
            500.. => Err(Failure::Unknown),
            _ => Ok(answer),
        }
    }

    pub async fn find_ssh_key(&self, order: &Order) -> Result<Option<CloudSshKey>, Failure> {
        let answer = self
            .read(&format!("account/keys/{}", order.request.ssh_fingerprint))
            .await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let found: KeyEnvelope = body(&answer)?;
        let owned = found.ssh_key.name == resource_name(order.id);
        Ok(Some(CloudSshKey {
            id: found.ssh_key.id,
            owned,
        }))
    }

    pub async fn create_ssh_key(&self, order: &Order) -> Result<Option<CloudSshKey>, Failure> {
        let key =
            json!({ "name": resource_name(order.id), "public_key": order.request.ssh_public_key });
        let answer = self
            .write(Method::Post, "account/keys", Body::Json(key))
            .await?;
        match answer.status {
            201 => Ok(Some(CloudSshKey {
                id: body::<KeyEnvelope>(&answer)?.ssh_key.id,
                owned: true,
            })),
            // Somebody registered it in between: look again.
            422 if answer.says("already in use") => Err(Failure::Unknown),
            _ => Err(not_created(&answer, "an SSH key")),
        }
    }

    pub async fn delete_ssh_key(&self, id: u64) -> Result<(), Failure> {
        self.delete(&format!("account/keys/{id}")).await
    }

    pub async fn find_volume(&self, order: &Order) -> Result<Option<String>, Failure> {
        let name = resource_name(order.id);
        let answer = self
            .read(&format!(
                "volumes?name={name}&region={}",
                order.request.region
            ))
            .await?;
        let found: Volumes = body(&answer)?;
        Ok(found
            .volumes
            .into_iter()
            .find(|volume| volume.name == name)
            .map(|volume| volume.id))
    }

    pub async fn create_volume(&self, order: &Order) -> Result<Option<String>, Failure> {
        let name = resource_name(order.id);
        let volume = json!({
            "name": name,
            "region": order.request.region,
            "size_gigabytes": order.plan.volume_size_gb,
            "tags": [HOUSE_TAG, name],
        });
        let answer = self
            .write(Method::Post, "volumes", Body::Json(volume))
            .await?;
        match answer.status {
            201 => Ok(Some(body::<VolumeEnvelope>(&answer)?.volume.id)),
            // The name is unique in a region, so it is ours: look again.
            409 => Err(Failure::Unknown),
            _ => Err(not_created(&answer, "a volume")),
        }
    }

    pub async fn delete_volume(&self, id: &str) -> Result<(), Failure> {
        self.delete(&format!("volumes/{id}")).await
    }

    pub async fn find_droplet(&self, order: &Order) -> Result<Option<Droplet>, Failure> {
        let answer = self
            .read(&format!("droplets?tag_name={}", resource_name(order.id)))
            .await?;
        let found: Droplets = body(&answer)?;
        Ok(found.droplets.into_iter().next().map(Droplet::from))
    }

    pub async fn create_droplet(
        &self,
        order: &Order,
        token: &Secret,
    ) -> Result<Option<Droplet>, Failure> {
        let name = resource_name(order.id);
        let volumes: Vec<&String> = order.resources.volume.iter().collect();
        let keys: Vec<u64> = order.resources.ssh_key.iter().map(|key| key.id).collect();
        let user_data = user_data::render(order, token);
        if user_data.len() > user_data::MAX_USER_DATA_BYTES {
            console_error!("user-data is too large: {} bytes", user_data.len());
            return Err(refused());
        }
        let droplet = json!({
            "name": name,
            "region": order.request.region,
            "size": order.plan.size,
            "image": IMAGE,
            "ssh_keys": keys,
            "ipv6": true,
            "monitoring": false,
            "tags": [HOUSE_TAG, name],
            "volumes": volumes,
            "user_data": user_data,
        });
        let answer = self
            .write(Method::Post, "droplets", Body::Json(droplet))
            .await?;
        match answer.status {
            202 => Ok(Some(body::<DropletEnvelope>(&answer)?.droplet.into())),
            _ => Err(not_created(&answer, "a droplet")),
        }
    }

    pub async fn droplet(&self, id: u64) -> Result<Option<Droplet>, Failure> {
        let answer = self.read(&format!("droplets/{id}")).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(body::<DropletEnvelope>(&answer)?.droplet.into()))
    }

    pub async fn delete_droplet(&self, id: u64) -> Result<(), Failure> {
        self.delete(&format!("droplets/{id}")).await
    }

    /// Gone already is gone; still attached (409) is later.
    async fn delete(&self, path: &str) -> Result<(), Failure> {
        let answer = self.write(Method::Delete, path, Body::None).await?;
        match answer.status {
            200..=299 | 404 => Ok(()),
            _ => Err(answer.later()),
        }
    }
}

/// An answer that is not what the API promises may stand for anything.
fn body<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    answer.json().ok_or(Failure::Unknown)
}

/// A create that was not answered with what it promises: refused for good (4xx), or whatever else that may stand for. The cloud's own
/// words go into the log; they speak of our account, not of the customer.
fn not_created(answer: &Answer, what: &str) -> Failure {
    if !(400..500).contains(&answer.status) {
        return Failure::Unknown;
    }
    let message = answer
        .json::<Value>()
        .and_then(|body| body["message"].as_str().map(str::to_owned));
    console_error!(
        "DigitalOcean refuses {what}: status {}, {}",
        answer.status,
        message.unwrap_or_default()
    );
    let full = answer.status == 422
        && (answer.says("limit") || answer.says("capacity") || answer.says("sold out"));
    Failure::Final {
        reason: if full {
            FailureReason::CloudFull
        } else {
            FailureReason::CloudRefused
        },
    }
}
