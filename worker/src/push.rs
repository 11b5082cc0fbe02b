//! Notifications: one empty message to one device's push service (RFC 8030), signed by the shop's key.
//!
//! Invariant: an endpoint is called only while the operator's settings name its service, and stands in no log.

use crate::clock::now;
use crate::config::Config;
use crate::http::{Body, Call};
use kindling_domain::order::{Order, Told};
use kindling_domain::push::{PushHosts, VapidKey};
use kindling_domain::secret::Secret;
use std::cell::OnceCell;
use std::time::Duration;
use worker::{Method, console_error};

/// How long a push service may take; shorter than the pause before the next try.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the service keeps a message for a device that is off, in seconds, and that it is worth waking one for.
const HEADERS: [(&str, &str); 2] = [("ttl", "86400"), ("urgency", "high")];

/// What the operator's settings say of notifications.
pub struct Push {
    /// The shop's key.
    pub key: Secret,
    /// Where a push service finds the operator; the shop's address where it is missing.
    pub subject: Option<String>,
    /// The services that may be called.
    pub hosts: PushHosts,
}

thread_local! {
    /// What browsers subscribe with. Reckoned once per isolate, which has one set of settings.
    static PUBLIC_KEY: OnceCell<Option<String>> = const { OnceCell::new() };
}

/// What browsers subscribe with; `None` where no notifications are sent.
pub fn public_key(config: &Config) -> Option<String> {
    let push = config.push.as_ref()?;
    PUBLIC_KEY.with(|known| {
        let reckon = || {
            let key = VapidKey::parse(&push.key);
            if key.is_none() {
                console_error!("VAPID_PRIVATE_KEY is not one; `cargo xtask vapid` makes one");
            }
            key.map(|key| key.public())
        };
        known.get_or_init(reckon).clone()
    })
}

/// The settings of a shop that sends notifications.
pub fn offered(config: &Config) -> Option<&Push> {
    public_key(config)?;
    config.push.as_ref()
}

/// A message that is ready to be sent. It needs nothing of the order any more.
pub struct Message {
    endpoint: Secret,
    authorization: Secret,
}

/// The message that tells `endpoint` of `order`; `None` where none may be sent there now.
pub fn message(config: &Config, order: &Order, endpoint: &Secret) -> Option<Message> {
    let push = config.push.as_ref()?;
    // Opened to call it.
    let endpoint = push.hosts.check(endpoint.expose()).ok()?;
    let subject = push.subject.as_deref().unwrap_or(&order.plan.public_url);
    let key = VapidKey::parse(&push.key)?;
    let authorization = key.authorization(endpoint.expose(), subject, now())?;
    Some(Message {
        endpoint,
        authorization,
    })
}

impl Message {
    /// Sends it.
    pub async fn send(self) -> Told {
        let call = Call {
            method: Method::Post,
            // Opened to call it.
            url: self.endpoint.expose().to_owned(),
            auth: Some(("authorization", "", &self.authorization)),
            body: Body::Empty(&HEADERS),
        };
        match call.send_in(PATIENCE).await {
            Ok(answer) => Told::of(answer.status, answer.retry_after),
            Err(_) => Told::Later { retry_after: None },
        }
    }
}
