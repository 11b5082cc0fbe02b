//! An order as its customer may see it: the fields named here, and no others.

use super::{Bill, BundleState, MachineFacts, Order, Purpose, Standing, State, TeardownStep};
use crate::catalogue::{BitcoinNetwork, Product};
use crate::keys::fingerprint_of;
use crate::time::WireTime;
use crate::wire::{
    CredentialsView, Delivery, ExtensionView, InvoiceView, OrderView, PairingView, RefundState,
    RefundView, StateName,
};

/// What a customer of a make-believe machine is told.
const FAKE: &str = "Test mode: the machine and its credentials are fake.";

impl Order {
    /// What the customer sees; `None` for a draft, which nobody has seen.
    pub fn view(&self) -> Option<OrderView> {
        let mut view = OrderView {
            bootstrap_job_id: self.id,
            state: StateName::AwaitingPayment,
            amount_sats: self.price,
            revision: self.revision,
            created_at: WireTime(self.created_at),
            expires_at: WireTime(self.expires_at),
            product: self.request.product.settled(self.id),
            region: self.request.region.clone(),
            ssh_fingerprint: fingerprint_of(&self.request.ssh_public_key),
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
            refund: self.refund_view(),
            machine: None,
            class: None,
            pairing: None,
            backup_at: self.backup_at.map(WireTime),
            error_code: None,
            error_message: None,
        };
        match &self.state {
            State::Draft => return None,
            State::AwaitingPayment => {
                if let Some(bill) = self.machine_bill() {
                    view.message = self.how_to_pay(bill);
                    view.invoice = Some(self.invoice_view(bill));
                }
            }
            State::Expired => {
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
                view.pairing = self.real_pairing();
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
                view.next_steps = next_steps(self.request.product, facts);
                view.credentials = Some(credentials(facts, delivery));
                view.machine = self.machine_view();
                view.class = self.class_view();
                view.pairing = self.real_pairing();
                view.ends_at = self.ends_at.map(WireTime);
                view.extension = self.extension_view();
            }
            State::Ended {
                why, facts, step, ..
            } => {
                view.ends_at = self.ends_at.map(WireTime);
                view.error_code = Some(why.code().to_owned());
                view.error_message = Some(why.sentence().to_owned());
                if *step == TeardownStep::Done {
                    view.state = StateName::Ended;
                    view.message = format!("{} The machine is gone.", why.sentence());
                } else {
                    view.state = StateName::Ready;
                    view.ending = true;
                    view.message = format!("{} The machine is being removed.", why.sentence());
                    view.credentials = Some(credentials(facts, Delivery::Erased));
                }
            }
            State::Failed { reason, step, .. } => {
                view.state = if self.owed().sats() == 0 {
                    StateName::Refunded
                } else {
                    StateName::Failed
                };
                let removal = if *step == TeardownStep::Done {
                    "Everything that was made for this order was removed."
                } else {
                    "Everything that was made for this order is being removed."
                };
                view.message = format!("{removal} {}", self.refund_sentence());
                view.error_code = Some(reason.code().to_owned());
                view.error_message = Some(reason.sentence());
            }
        }
        if self.bills.iter().any(|bill| bill.odd.is_some()) {
            view.message.push_str(
                " A payment came in that is not what was asked for; the operator looks at it.",
            );
        }
        Some(view)
    }

    /// A make-believe machine has no voice that could be bound.
    fn real_pairing(&self) -> Option<PairingView> {
        (!self.plan.stubs.cloud).then(|| self.pairing_view())
    }

    /// What is owed back and where it is, as a sentence.
    fn refund_sentence(&self) -> String {
        let owed = self.owed().sats();
        if owed == 0 {
            return format!(
                "{} sats were sent back to you.",
                self.refund.returned.sats()
            );
        }
        let what = format!("A refund of {owed} sats is owed to you; keep this link.");
        if self.refund.payout.is_some() {
            format!("{what} It is being paid.")
        } else if self.refund.to.is_none() || self.refund.problem.is_some() {
            format!("{what} Say where it should go.")
        } else {
            what
        }
    }

    fn refund_view(&self) -> Option<RefundView> {
        let owed = self.owed();
        let state = if self.refund.payout.is_some() {
            RefundState::Paying
        } else if owed.sats() > 0 {
            RefundState::Owed
        } else if self.refund.returned.sats() > 0 {
            RefundState::Paid
        } else {
            return None;
        };
        Some(RefundView {
            state,
            owed_sats: owed,
            paid_sats: self.refund.returned,
            to: self.refund.to.clone(),
            problem: self.refund.problem.clone(),
        })
    }

    fn extension_view(&self) -> Option<ExtensionView> {
        let per_hours = self.plan.hours.filter(|hours| *hours > 0)?;
        let open = self.bills.iter().rev().find_map(|bill| match bill.purpose {
            Purpose::Extension { hours } if bill.standing == Standing::Open => Some((bill, hours)),
            _ => None,
        });
        let max_hours = self.max_extension_hours();
        (max_hours > 0 || open.is_some()).then(|| ExtensionView {
            amount_sats: self.price,
            per_hours,
            max_hours,
            invoice: open.map(|(bill, _)| self.invoice_view(bill)),
            invoice_hours: open.map(|(_, hours)| hours),
        })
    }

    fn invoice_view(&self, bill: &Bill) -> InvoiceView {
        let stub = self.plan.stubs.lightning;
        InvoiceView {
            payment_request: bill.invoice.payment_request.clone(),
            amount_sats: bill.amount,
            expires_at: WireTime(bill.invoice.expires_at),
            payment_hash: stub.then(|| bill.invoice.payment_hash.clone()),
        }
    }

    fn how_to_pay(&self, bill: &Bill) -> String {
        if self.plan.stubs.lightning {
            format!(
                "Test mode, no real money: POST /api/dev/stub/pay/{} pays this invoice.{}",
                bill.invoice.payment_hash,
                if self.plan.stubs.cloud {
                    " The machine and its credentials will be fake."
                } else {
                    ""
                }
            )
        } else {
            self.with_stub_note(format!(
                "Pay the invoice of {} sats with any Lightning wallet.",
                bill.amount.sats()
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

fn credentials(facts: &MachineFacts, delivery: Delivery) -> CredentialsView {
    CredentialsView {
        node_ip: facts.node_ip.clone(),
        tailscale_hostname: facts.tailscale_hostname.clone(),
        lnbits_url: facts.lnbits_url.clone(),
        host_keys: facts.host_keys.clone(),
        delivery,
    }
}

/// What to do with a fresh machine, in order.
fn next_steps(product: Product, facts: &MachineFacts) -> Vec<String> {
    let MachineFacts {
        node_ip,
        lnbits_url,
        ..
    } = facts;
    let (network, assumeutxo, neutrino) = match product {
        Product::FullNode {
            network,
            assumeutxo,
            neutrino,
            ..
        } => (network, assumeutxo, neutrino),
        Product::Classroom(_) => return class_steps(node_ip),
    };
    let weeks = network == BitcoinNetwork::Mainnet && !assumeutxo && !neutrino;
    let how_long = if weeks {
        "1 to 2 weeks"
    } else {
        "usable within hours"
    };
    let lnbits = match lnbits_url.as_deref() {
        Some(url) if !url.starts_with("http://127.0.0.1") => {
            format!("Open LNbits in your tailnet: {url}")
        }
        url => format!(
            "Open LNbits: ssh -L 5000:127.0.0.1:5000 root@{node_ip}, then {} in your browser.",
            url.unwrap_or("http://127.0.0.1:5000")
        ),
    };
    vec![
        format!("Log in: ssh root@{node_ip}"),
        "Read /root/node-credentials.txt on the machine.".to_owned(),
        format!("Watch the sync: /opt/kindling/ops.sh sync ({how_long})."),
        "Fund LND once it is usable; LNbits connects to it by itself.".to_owned(),
        lnbits,
    ]
}

/// What to do with a fresh class, in order.
fn class_steps(node_ip: &str) -> Vec<String> {
    vec![
        "Claim and open the bundle; classroom.nodes has a connection string for each participant.".to_owned(),
        "Hand each participant the connect string of one node, as a link or a QR code; keep adminRune and adminConnect to yourself."
            .to_owned(),
        format!("Log in where you want to look deeper: ssh root@{node_ip}, then /opt/kindling/ops.sh status."),
        "Buy more hours before the class ends: POST /api/bootstrap/<id>/extend; connections and cards stay good.".to_owned(),
    ]
}
