//! DigitalOcean API v2: a thin typed client. Each call says which of the three failures its answer is.

use crate::config::DigitalOcean;
use crate::http::{Answer, Body, Call};
use kindling_domain::id::OrderId;
use kindling_domain::order::{
    Answer as Created, CloudSshKey, Droplet, Failure, FailureReason, Order, Resource, droplet_name,
    order_of, resource_name,
};
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::user_data;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use worker::{Method, console_error};

/// The image every machine starts from.
const IMAGE: &str = "ubuntu-24-04-x64";
/// On every droplet and volume of this house, beside the order's own tag and the deployment's.
const HOUSE_TAG: &str = "kindling";
/// How many things a list shows at a time.
const PER_PAGE: u32 = 100;

/// The tag of what one deployment made: the sweep of another one that shares the account must leave it alone.
pub fn deployment_tag(public_url: &str) -> String {
    let hash = hex::encode(Sha256::digest(public_url.as_bytes()));
    format!("{HOUSE_TAG}-at-{}", &hash[..12])
}

fn tags(order: &Order) -> [String; 3] {
    [
        HOUSE_TAG.to_owned(),
        resource_name(order.id),
        deployment_tag(&order.plan.public_url),
    ]
}

/// What an account can list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    Droplets,
    Volumes,
    SshKeys,
}

/// A part of a list: what bears an order's name, and where the list goes on.
pub struct Page {
    pub found: Vec<(OrderId, Resource)>,
    pub next: Option<u32>,
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    droplets: Vec<Item>,
    #[serde(default)]
    volumes: Vec<Item>,
    #[serde(default)]
    ssh_keys: Vec<Item>,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct Item {
    id: Value,
    name: String,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Links {
    pages: Option<Pages>,
}

#[derive(Deserialize)]
struct Pages {
    next: Option<String>,
}

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
        self.delete(&format!("account/keys/{id}")).await.map(|_| ())
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
            "tags": tags(order),
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
        self.delete(&format!("volumes/{id}")).await.map(|_| ())
    }

    pub async fn find_droplet(&self, order: &Order) -> Result<Option<Droplet>, Failure> {
        let answer = self
            .read(&format!("droplets?tag_name={}", resource_name(order.id)))
            .await?;
        let found: Droplets = body(&answer)?;
        Ok(found.droplets.into_iter().next().map(Droplet::from))
    }

    pub async fn create_droplet(&self, order: &Order, token: &Secret) -> Result<Created, Failure> {
        let volumes: Vec<&String> = order.resources.volume.iter().collect();
        let keys: Vec<u64> = order.resources.ssh_key.iter().map(|key| key.id).collect();
        let user_data = user_data::render(order, token);
        if user_data.len() > user_data::MAX_USER_DATA_BYTES {
            console_error!("user-data is too large: {} bytes", user_data.len());
            return Err(refused());
        }
        let droplet = json!({
            "name": droplet_name(order.id, order.named_end),
            "region": order.request.region,
            "size": order.plan.size,
            "image": IMAGE,
            "ssh_keys": keys,
            "ipv6": true,
            "monitoring": false,
            "tags": tags(order),
            "volumes": volumes,
            "user_data": user_data,
        });
        let answer = self
            .write(Method::Post, "droplets", Body::Json(droplet))
            .await?;
        match answer.status {
            202 => {
                let created: DropletEnvelope = body(&answer)?;
                Ok(Created::Droplet(Some(created.droplet.into())))
            }
            // Another order with the same key ended in between, and took the key away.
            422 if answer.says("key identifiers") => Ok(Created::SshKey(None)),
            _ => Err(not_created(&answer, "a droplet")),
        }
    }

    /// Writes the machine's end into the droplet's name.
    pub async fn rename_droplet(
        &self,
        order: &Order,
        id: u64,
        end: UnixMillis,
    ) -> Result<(), Failure> {
        let action = json!({ "type": "rename", "name": droplet_name(order.id, Some(end)) });
        let path = format!("droplets/{id}/actions");
        let answer = self.write(Method::Post, &path, Body::Json(action)).await?;
        match answer.status {
            201 => Ok(()),
            // Something else is being done to it.
            409 | 422 if answer.says("pending") || answer.says("in progress") => {
                Err(answer.later())
            }
            400..=499 => Err(refused()),
            _ => Err(Failure::Unknown),
        }
    }

    /// One page of what bears this deployment's tag or this house's names, and the next page's number.
    pub async fn list(&self, kind: Listed, tag: &str, page: u32) -> Result<Page, Failure> {
        let path = match kind {
            Listed::Droplets => format!("droplets?tag_name={tag}&per_page={PER_PAGE}&page={page}"),
            Listed::Volumes => format!("volumes?per_page={PER_PAGE}&page={page}"),
            Listed::SshKeys => format!("account/keys?per_page={PER_PAGE}&page={page}"),
        };
        let answer = self.read(&path).await?;
        let found: Listing = body(&answer)?;
        let more = found.links.pages.is_some_and(|pages| pages.next.is_some());
        let droplets = found.droplets.into_iter().filter_map(|item| {
            let id = item.id.as_u64()?;
            Some((order_of(&item.name)?, Resource::Droplet(id)))
        });
        let volumes = found.volumes.into_iter().filter_map(|item| {
            let ours = item.tags.iter().any(|other| other == tag);
            let id = item.id.as_str().filter(|_| ours)?.to_owned();
            Some((order_of(&item.name)?, Resource::Volume(id)))
        });
        let keys = found.ssh_keys.into_iter().filter_map(|item| {
            let id = item.id.as_u64()?;
            Some((order_of(&item.name)?, Resource::SshKey(id)))
        });
        Ok(Page {
            found: droplets.chain(volumes).chain(keys).collect(),
            next: more.then_some(page + 1),
        })
    }

    /// The order whose name something bears right now; `None` if it is gone, or bears another name.
    pub async fn owner(&self, resource: &Resource) -> Result<Option<OrderId>, Failure> {
        let (path, field) = match resource {
            Resource::Droplet(id) => (format!("droplets/{id}"), "droplet"),
            Resource::Volume(id) => (format!("volumes/{id}"), "volume"),
            Resource::SshKey(id) => (format!("account/keys/{id}"), "ssh_key"),
            Resource::Device(_) => return Ok(None),
        };
        let answer = self.read(&path).await?;
        let found: Value = body(&answer)?;
        Ok(found[field]["name"].as_str().and_then(order_of))
    }

    /// Removes something that is nobody's.
    pub async fn remove(&self, resource: &Resource) -> Result<(), Failure> {
        match resource {
            Resource::Droplet(id) => self.delete_droplet(*id).await.map(|_| ()),
            Resource::Volume(id) => self.delete_volume(id).await,
            Resource::SshKey(id) => self.delete_ssh_key(*id).await,
            Resource::Device(_) => Ok(()),
        }
    }

    pub async fn droplet(&self, id: u64) -> Result<Option<Droplet>, Failure> {
        let answer = self.read(&format!("droplets/{id}")).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(body::<DropletEnvelope>(&answer)?.droplet.into()))
    }

    /// Whether the cloud knew it.
    pub async fn delete_droplet(&self, id: u64) -> Result<bool, Failure> {
        self.delete(&format!("droplets/{id}")).await
    }

    /// Gone already is gone, and told; still attached (409) is later; 200 is something's that is not the cloud.
    async fn delete(&self, path: &str) -> Result<bool, Failure> {
        let answer = self.write(Method::Delete, path, Body::None).await?;
        match answer.status {
            204 => Ok(true),
            404 => Ok(false),
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
