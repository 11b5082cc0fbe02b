//! An order as its customer may see it: the fields named here, and no others.

use super::{BundleState, Invoice, Order, State};
use crate::time::WireTime;
use crate::wire::{CredentialsView, Delivery, InvoiceView, OrderView, StateName};

/// What a customer of a make-believe machine is told.
const FAKE: &str = "Test mode: the machine and its credentials are fake.";

impl Order {
    /// What the customer sees; `None` for a draft, which nobody has seen.
    pub fn view(&self) -> Option<OrderView> {
        let mut view = OrderView {
            bootstrap_job_id: self.id,
            state: StateName::AwaitingPayment,
            amount_sats: self.price,
            revision: 0,
            created_at: WireTime(self.created_at),
            expires_at: WireTime(self.expires_at),
            product: self.request.product,
            region: self.request.region.clone(),
            stub_mode: self.plan.stubs.lightning || self.plan.stubs.cloud,
            message: String::new(),
            invoice: None,
            phase: None,
            percent: None,
            credentials: None,
            next_steps: Vec::new(),
            ends_at: None,
            ending: false,
            extension: None,
            refund: None,
            error_code: None,
            error_message: None,
        };
        match &self.state {
            State::Draft => return None,
            State::AwaitingPayment { invoice, .. } => {
                view.message = self.how_to_pay(invoice);
                view.invoice = Some(InvoiceView {
                    payment_request: invoice.payment_request.clone(),
                    amount_sats: self.price,
                    expires_at: WireTime(invoice.expires_at),
                    payment_hash: self
                        .plan
                        .stubs
                        .lightning
                        .then(|| invoice.payment_hash.clone()),
                });
            }
            State::Expired { .. } => {
                view.state = StateName::Expired;
                view.message =
                    "The invoice ran out. If you have paid it, keep this link: late payments are watched for 24 hours."
                        .to_owned();
                view.error_code = Some("invoice_expired".to_owned());
                view.error_message = Some("The invoice ran out before it was paid.".to_owned());
            }
            State::Provisioning { phase, .. } => {
                view.state = StateName::Provisioning;
                view.message = self.with_stub_note(format!("{}.", phase.title()));
                view.phase = Some(*phase);
                view.percent = Some(phase.percent());
            }
            State::Ready { facts, bundle, .. } => {
                view.state = StateName::Ready;
                let delivery = match bundle {
                    BundleState::Sealed => Delivery::Sealed,
                    BundleState::Claimed { .. } => Delivery::Claimed,
                    BundleState::Erased { .. } => Delivery::Erased,
                };
                view.message = self.with_stub_note(
                    match delivery {
                        Delivery::Sealed => "Your machine is ready; claim its credentials.",
                        Delivery::Claimed => {
                            "The credentials were claimed; acknowledge them once they are saved."
                        }
                        Delivery::Erased => "The credentials were handed over and erased here.",
                    }
                    .to_owned(),
                );
                view.next_steps = next_steps(&facts.node_ip, &facts.lnbits_url);
                view.credentials = Some(CredentialsView {
                    node_ip: facts.node_ip.clone(),
                    tailscale_hostname: facts.tailscale_hostname.clone(),
                    lnbits_url: facts.lnbits_url.clone(),
                    host_keys: facts.host_keys.clone(),
                    delivery,
                });
            }
            State::Failed { reason, .. } => {
                view.state = StateName::Failed;
                let owed = format!(
                    "A refund of {} sats is owed to you; keep this link.",
                    self.price.sats()
                );
                view.message =
                    format!("Everything that was made for this order is being removed. {owed}");
                view.error_code = Some(reason.code().to_owned());
                view.error_message = Some(reason.sentence());
            }
        }
        Some(view)
    }

    fn how_to_pay(&self, invoice: &Invoice) -> String {
        if self.plan.stubs.lightning {
            format!(
                "Test mode, no real money: POST /api/dev/stub/pay/{} pays this invoice.{}",
                invoice.payment_hash,
                if self.plan.stubs.cloud {
                    " The machine and its credentials will be fake."
                } else {
                    ""
                }
            )
        } else {
            self.with_stub_note(format!(
                "Pay the invoice of {} sats with any Lightning wallet.",
                self.price.sats()
            ))
        }
    }

    fn with_stub_note(&self, text: String) -> String {
        if self.plan.stubs.cloud {
            format!("{text} {FAKE}")
        } else {
            text
        }
    }
}

/// What to do with a fresh machine, in order.
fn next_steps(node_ip: &str, lnbits_url: &str) -> Vec<String> {
    let lnbits = if lnbits_url.starts_with("http://127.0.0.1") {
        format!(
            "Open LNbits: ssh -L 5000:127.0.0.1:5000 root@{node_ip}, then {lnbits_url} in your browser."
        )
    } else {
        format!("Open LNbits in your tailnet: {lnbits_url}")
    };
    vec![
        format!("Log in: ssh root@{node_ip}"),
        "Read /root/node-credentials.txt on the machine.".to_owned(),
        "Start and watch the sync: /opt/kindling/ops.sh sync (1 to 2 weeks).".to_owned(),
        "Fund LND once it is synced.".to_owned(),
        lnbits,
    ]
}
