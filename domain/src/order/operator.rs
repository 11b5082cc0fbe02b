//! An order as its operator may see it: the fields named here, and no others.

use super::Order;
use serde_json::{Value, json};

impl Order {
    /// What the order knows beyond what its customer sees. The machine's keys, tokens and hashes of tokens stay out; so does the
    /// refund's address, of which the operator needs only to know whether there is one.
    pub fn for_operator(&self) -> Value {
        let has = &self.resources;
        json!({
            "fleet": self.plan.fleet,
            "size": self.plan.size,
            "hours": self.plan.hours,
            "received_sats": self.received(),
            "owed_sats": self.owed(),
            "bills": self.bills.iter().map(|bill| json!({
                "payment_hash": bill.invoice.payment_hash,
                "amount_sats": bill.amount,
                "purpose": bill.purpose,
                "standing": bill.standing,
                "odd": bill.odd,
            })).collect::<Vec<_>>(),
            "refund": {
                "returned_sats": self.refund.returned,
                "has_address": self.refund.to.is_some(),
                "problem": self.refund.problem,
                "payout": self.refund.payout.as_ref().map(|payout| json!({
                    "payment_hash": payout.payment_hash,
                    "amount_sats": payout.amount,
                    "asked": payout.asked,
                })),
            },
            "resources": {
                "ssh_key": has.ssh_key,
                "volume": has.volume,
                "droplet": has.droplet,
                "address": has.address,
                "tailscale_node": has.tailscale_node,
            },
            "machine": { "paired": self.voice.public_key.is_some(), "last_heard": self.voice.last_heard },
        })
    }
}
