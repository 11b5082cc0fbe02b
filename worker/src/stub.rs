//! Make-believe Lightning and a make-believe cloud, so that everything can be tried without money. What they hand out says so:
//! invoices are on regtest, the address is one of RFC 5737, the seed words are a sentence. The sealing is real.

use crate::config::Config;
use crate::{clock, random};
use age::Encryptor;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kindling_domain::bolt11::{self, Draft};
use kindling_domain::catalogue::{BitcoinImplementation, BitcoinNetwork, Product};
use kindling_domain::classroom::{Classroom, Network};
use kindling_domain::keys::{SshSeed, ed25519};
use kindling_domain::money::Sats;
use kindling_domain::order::{
    Answer, Bill, CloudSshKey, Droplet, Invoice, Order, Outgoing, PaymentFacts, PayoutInvoice,
    RefundAnswer, RefundStep, State, Step, TailscaleKey, TeardownStep,
};
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{
    BitcoinAccess, Bundle, Certificate, CertificateKind, ClassNode, ClassroomAccess,
    ClassroomBundle, Component, LnbitsAccess, LndAccess, MachineDelivery, Phase, SshAccess,
};
use std::io::Write;
use std::str::FromStr;
use worker::{Error, Result};

/// An address of TEST-NET-3 (RFC 5737): nobody is there.
const ADDRESS: &str = "203.0.113.10";
/// 24 words that open no wallet.
const WORDS: &str = "this test machine is fake and these words open no wallet so please do not send any real bitcoin to it thank you kindly";

/// Where a machine would keep its credentials.
const CREDENTIALS_FILE: &str = "/root/node-credentials.txt";
/// Where the first node of a class would answer.
const FIRST_PORT: u16 = 6001;

/// An invoice of a throw-away key. Its payment hash begins with the order's id, so that whoever pays it by its hash finds the
/// order; the preimage is known to nobody.
pub fn invoice(
    config: &Config,
    order: &Order,
    amount: Sats,
    seconds: u64,
    now: UnixMillis,
) -> Result<Invoice> {
    let mut payment_hash = [0; 32];
    payment_hash[..16].copy_from_slice(order.id.as_bytes());
    payment_hash[16..].copy_from_slice(&random::bytes::<16>()?);
    let draft = Draft {
        network: config.network,
        amount_msat: amount.msats().msats(),
        payment_hash,
        payment_secret: random::bytes()?,
        description: format!("Kindling test order {}", order.id),
        timestamp: now.seconds(),
        expiry_seconds: seconds,
    };
    let payment_request = bolt11::encode(&draft, &random::bytes()?)
        .map_err(|error| Error::RustError(error.to_string()))?;
    Ok(Invoice {
        payment_request,
        payment_hash: hex::encode(payment_hash),
        wallet: "stub".to_owned(),
        expires_at: UnixMillis(now.seconds() * 1000).plus_seconds(seconds),
    })
}

/// What LNbits would say of a stub invoice.
pub fn payment(bill: &Bill, paid: bool) -> PaymentFacts {
    PaymentFacts {
        paid,
        payment_hash: bill.invoice.payment_hash.clone(),
        amount: bill.amount.msats(),
        wallet: bill.invoice.wallet.clone(),
    }
}

/// A refund of make-believe sats: any address takes them, and nobody is asked.
pub fn refund(order: &Order, step: RefundStep, now: UnixMillis) -> Result<RefundAnswer> {
    Ok(match step {
        RefundStep::Resolve => RefundAnswer::Invoice(PayoutInvoice {
            payment_request: format!("stub refund of order {}", order.id),
            payment_hash: hex::encode(random::bytes::<32>()?),
            expires_at: now.plus_seconds(3600),
        }),
        RefundStep::Pay => RefundAnswer::Asked,
        RefundStep::LookUp => RefundAnswer::Outgoing(Outgoing::Paid),
    })
}

/// A provisioning step of the make-believe cloud.
pub fn provision(order: &Order, step: Step) -> Result<Answer> {
    let droplet = || {
        Answer::Droplet(Some(Droplet {
            id: 1,
            active: true,
            address: Some(ADDRESS.to_owned()),
        }))
    };
    Ok(match step {
        Step::ClaimPlace => Answer::Place(true),
        Step::FindSshKey | Step::CreateSshKey => Answer::SshKey(Some(CloudSshKey {
            id: 1,
            owned: false,
        })),
        Step::FindVolume | Step::CreateVolume => Answer::Volume(Some("stub".to_owned())),
        Step::CreateTailscaleKey => Answer::TailscaleKey(TailscaleKey {
            auth_key: Secret::new("stub"),
        }),
        Step::FindDroplet => Answer::Droplet(None),
        Step::CreateDroplet | Step::AwaitActive => droplet(),
        Step::AwaitMachine => {
            let State::Provisioning { phase, .. } = &order.state else {
                return Ok(Answer::Gone);
            };
            match Phase::ALL.into_iter().find(|next| {
                next > phase && next.is_machines() && next.is_of(order.request.product)
            }) {
                Some(next) => Answer::StubPhase(next),
                None => Answer::StubDelivery(Box::new(delivery(order)?)),
            }
        }
    })
}

/// A teardown step of the make-believe cloud.
pub fn tear_down(step: TeardownStep) -> Answer {
    match step {
        TeardownStep::FindDroplet | TeardownStep::AwaitDropletGone => Answer::Droplet(None),
        TeardownStep::FindVolume => Answer::Volume(None),
        TeardownStep::FindSshKey => Answer::SshKey(None),
        _ => Answer::Gone,
    }
}

fn delivery(order: &Order) -> Result<MachineDelivery> {
    let host_key = ed25519(&SshSeed::new(random::bytes()?))
        .map_err(|error| Error::RustError(error.to_string()))?;
    let host_keys = vec![host_key.public_openssh("").trim().to_owned()];
    let (bundle, lnbits_url) = match order.request.product {
        Product::FullNode {
            bitcoin, network, ..
        } => {
            let url = "http://127.0.0.1:5000".to_owned();
            let bundle = node_bundle(order, bitcoin, network, &host_keys, &url)?;
            (serde_json::to_vec(&bundle)?, Some(url))
        }
        Product::Classroom(class) => {
            let bundle = class_bundle(order, class, &host_keys)?;
            (serde_json::to_vec(&bundle)?, None)
        }
    };
    Ok(MachineDelivery {
        nonce: 1,
        sealed: STANDARD.encode(seal(&order.request.recipients, &bundle)?),
        node_ip: ADDRESS.to_owned(),
        host_keys,
        tailscale_hostname: None,
        tailscale_node_id: None,
        lnbits_url,
    })
}

fn password() -> Result<Secret> {
    let random = hex::encode(random::bytes::<16>()?);
    Ok(Secret::new(format!("fake-{random}")))
}

fn ssh_access(host_keys: &[String]) -> SshAccess {
    SshAccess {
        user: "root".to_owned(),
        port: 22,
        host_keys: host_keys.to_vec(),
    }
}

fn bitcoin_access(
    implementation: BitcoinImplementation,
    network: BitcoinNetwork,
) -> Result<BitcoinAccess> {
    Ok(BitcoinAccess {
        implementation,
        version: "fake".to_owned(),
        network: network.as_str().to_owned(),
        rpc_user: "kindling".to_owned(),
        rpc_password: password()?,
    })
}

fn components() -> Vec<Component> {
    vec![Component {
        name: "make-believe".to_owned(),
        version: "fake".to_owned(),
        digest: None,
    }]
}

fn node_bundle(
    order: &Order,
    bitcoin: BitcoinImplementation,
    network: BitcoinNetwork,
    host_keys: &[String],
    lnbits_url: &str,
) -> Result<Bundle> {
    Ok(Bundle {
        version: 1,
        order_id: order.id,
        product: order.request.product.kind().to_owned(),
        fake: true,
        node_ip: ADDRESS.to_owned(),
        tailscale_hostname: None,
        ssh: ssh_access(host_keys),
        bitcoin: bitcoin_access(bitcoin, network)?,
        lnd: LndAccess {
            version: "fake".to_owned(),
            seed_words: WORDS.split(' ').map(Secret::new).collect(),
            wallet_password: password()?,
            identity_key: None,
        },
        lnbits: LnbitsAccess {
            url: lnbits_url.to_owned(),
            version: "fake".to_owned(),
            first_install_token: Some(password()?),
            super_user: None,
            password: None,
        },
        components: components(),
        credentials_file: CREDENTIALS_FILE.to_owned(),
    })
}

fn class_bundle(order: &Order, class: Classroom, host_keys: &[String]) -> Result<ClassroomBundle> {
    let seed = class.seed_in(order.id);
    let reach = order.plan.reach.clone().unwrap_or_default();
    let nodes = (FIRST_PORT..)
        .zip(Network::lay_out(class, seed).nodes)
        .map(|(port, node)| {
            // As long as the real ones, so that cards and codes look like the real ones.
            let rune = || Ok::<_, Error>(format!("fake-{}", hex::encode(random::bytes::<192>()?)));
            let (rune, admin_rune) = (rune()?, rune()?);
            let public_key = format!("02{}", hex::encode(random::bytes::<32>()?));
            let address = format!("{public_key}@{ADDRESS}:{port}");
            let connect = |rune: &str| {
                let base = &reach.connect_url;
                Secret::new(format!(
                    "{base}/connect?address={address}&type=direct&value=wss:&rune={rune}"
                ))
            };
            Ok(ClassNode {
                connect: connect(&rune),
                admin_connect: connect(&admin_rune),
                wallet: Secret::new(format!(
                    "{}/wallets/add?label={}&fake={rune}",
                    reach.wallet_url, node.name
                )),
                name: node.name,
                public_key,
                port,
                wealth_sats: node.wealth_sats,
                rune: Secret::new(rune),
                admin_rune: Secret::new(admin_rune),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(ClassroomBundle {
        version: 1,
        order_id: order.id,
        product: order.request.product.kind().to_owned(),
        fake: true,
        node_ip: ADDRESS.to_owned(),
        tailscale_hostname: None,
        ssh: ssh_access(host_keys),
        bitcoin: bitcoin_access(BitcoinImplementation::Core, BitcoinNetwork::Regtest)?,
        classroom: ClassroomAccess {
            plan: class.plan,
            hours: class.hours,
            graph: class.graph,
            distribution: class.distribution,
            seed,
            sats_per_node: class.sats_per_node,
            host: ADDRESS.to_owned(),
            certificate: Certificate {
                kind: CertificateKind::Pinned,
                sha256: hex::encode(random::bytes::<32>()?),
            },
            runes_until: clock::now().seconds() + u64::from(class.hours) * 3600,
            nodes,
        },
        components: components(),
        credentials_file: CREDENTIALS_FILE.to_owned(),
    })
}

/// Seals to age and SSH recipients, as `age -R` does.
fn seal(recipients: &[String], plain: &[u8]) -> Result<Vec<u8>> {
    let broken = |what: &str| Error::RustError(format!("sealing: {what}"));
    let recipients = recipients
        .iter()
        .map(|text| recipient(text))
        .collect::<Option<Vec<_>>>();
    let recipients = recipients.ok_or_else(|| broken("a recipient"))?;
    let encryptor = Encryptor::with_recipients(recipients.iter().map(|one| &**one))
        .map_err(|_| broken("the recipients"))?;
    let mut sealed = Vec::new();
    let mut writer = encryptor
        .wrap_output(&mut sealed)
        .map_err(|_| broken("the header"))?;
    writer.write_all(plain).map_err(|_| broken("the body"))?;
    writer.finish().map_err(|_| broken("the end"))?;
    Ok(sealed)
}

fn recipient(text: &str) -> Option<Box<dyn age::Recipient>> {
    if let Ok(recipient) = age::x25519::Recipient::from_str(text) {
        return Some(Box::new(recipient));
    }
    age::ssh::Recipient::from_str(text)
        .ok()
        .map(|recipient| Box::new(recipient) as Box<dyn age::Recipient>)
}
