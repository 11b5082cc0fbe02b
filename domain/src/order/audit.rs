//! Which things at the cloud are an order's: the question the sweep asks before it removes anything.
//!
//! Invariant: what an order made, or may have made in a call whose answer is still out, is never called an orphan.

use super::Order;
use serde::{Deserialize, Serialize};

/// Something at the cloud or in the tailnet that bears an order's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Resource {
    /// A droplet, by the cloud's id.
    Droplet(u64),
    /// A block volume, by the cloud's id.
    Volume(String),
    /// An SSH key, by the cloud's id.
    SshKey(u64),
    /// A device of the tailnet, by its node id.
    Device(String),
}

impl Order {
    /// Whether `resource` is, or may be, this order's.
    pub fn owns(&self, resource: &Resource) -> bool {
        let has = &self.resources;
        self.has_machine()
            && match resource {
                Resource::Droplet(id) => match has.droplet {
                    Some(own) => own == *id,
                    None => has.droplet_asked.is_some(),
                },
                Resource::Volume(id) => match &has.volume {
                    Some(own) => own == id,
                    None => has.volume_asked,
                },
                Resource::SshKey(id) => match has.ssh_key {
                    Some(own) => own.id == *id,
                    None => has.ssh_key_asked,
                },
                // A machine may join anew under another id; all that bear its name are its own while it lives.
                Resource::Device(_) => true,
            }
    }

    /// The droplet that this order believes is there, for the sweep to compare.
    pub fn believes_in(&self) -> Option<u64> {
        self.resources.droplet.filter(|_| self.runs())
    }
}
