//! An order's user-data: cloud-config that puts the machine's scripts and public settings in place and starts them.
//!
//! Any process on the droplet can read user-data from the metadata address, so nothing lasting is in it: the one secret is the
//! pairing token, which dies at its first use. The cloud-config is written as JSON, which is YAML whose quoting cannot go wrong.

use crate::catalogue::{BitcoinImplementation, BitcoinNetwork, Product};
use crate::classroom::{Classroom, Distribution, Graph, Network, Plan, Reach};
use crate::order::{Order, resource_name};
use crate::secret::Secret;
use serde::Serialize;
use serde_json::{Value, json};

/// The cloud's limit, in bytes (DigitalOcean API, `droplets_create`).
pub const MAX_USER_DATA_BYTES: usize = 64 * 1024;

/// The releases that a machine made now runs; `ops.sh update` compares with them.
pub const RELEASES: &str = include_str!("../../machine/full_node/releases.env");

/// What a full node needs of `machine/` as a tar archive, packed by xz, in base64: the same for every order (build.rs).
pub const FULL_NODE_ARCHIVE: &str =
    include_str!(concat!(env!("OUT_DIR"), "/full_node.tar.xz.base64"));
/// What a classroom needs of it.
pub const CLASSROOM_ARCHIVE: &str =
    include_str!(concat!(env!("OUT_DIR"), "/classroom.tar.xz.base64"));
/// Where it arrives.
const ARCHIVE_PATH: &str = "/opt/kindling/machine.tar.xz";
/// The first command of the machine; Python is there because cloud-init is written in it, an `xz` need not be. cloud-init begins it once
/// and never again: after its first second, a cut is taken up by the machine's own unit.
const START: &str = "cd /opt/kindling && python3 -c 'import tarfile; tarfile.open(\"machine.tar.xz\").extractall()' && exec ./bootstrap.sh";

/// Renders the user-data of `order`'s machine; `token` pairs it.
pub fn render(order: &Order, token: &Secret) -> String {
    let (archive, bitcoin, network, neutrino) = match order.request.product {
        Product::FullNode {
            bitcoin,
            network,
            neutrino,
            ..
        } => (FULL_NODE_ARCHIVE, bitcoin, network, neutrino),
        Product::Classroom(_) => (
            CLASSROOM_ARCHIVE,
            BitcoinImplementation::Core,
            BitcoinNetwork::Regtest,
            false,
        ),
    };
    let snapshot = order.plan.assumeutxo_url.as_deref().unwrap_or_default();
    let volume = if order.plan.volume_size_gb > 0 {
        resource_name(order.id)
    } else {
        String::new()
    };
    let config = shell_assignments(&[
        ("KINDLING_URL", &order.plan.public_url),
        ("ORDER_ID", &order.id.to_string()),
        ("PRODUCT", order.request.product.kind()),
        ("BITCOIN", bitcoin.as_str()),
        ("NETWORK", network.as_str()),
        ("VOLUME_NAME", &volume),
        ("VOLUME_SIZE_GB", &order.plan.volume_size_gb.to_string()),
        ("TAILSCALE", yes_no(order.plan.tailscale)),
        ("ASSUMEUTXO_URL", snapshot),
        ("NEUTRINO", yes_no(neutrino)),
    ]);
    let mut files = vec![
        plain_file("/etc/kindling/config", "0600", &config),
        // Opened because this is the one place the token is for.
        plain_file("/etc/kindling/pair-token", "0600", token.expose()),
        plain_file(
            "/etc/kindling/recipients",
            "0644",
            &(order.request.recipients.join("\n") + "\n"),
        ),
        json!({
            "path": ARCHIVE_PATH,
            "permissions": "0600",
            "owner": "root:root",
            "encoding": "b64",
            "content": archive,
        }),
    ];
    if let Product::Classroom(class) = order.request.product {
        files.push(plain_file(
            "/etc/kindling/class.json",
            "0644",
            &class_json(order, class),
        ));
    }
    let config = json!({ "write_files": files, "runcmd": [["sh", "-ec", START]] });
    format!("#cloud-config\n{config}\n")
}

/// All that the machine of a class carries out: the options, how it is reached, and the network laid out.
#[derive(Serialize)]
struct ClassFile {
    #[serde(flatten)]
    class: ClassOptions,
    #[serde(flatten)]
    reach: Reach,
    #[serde(flatten)]
    network: Network,
}

/// [`Classroom`] with nothing left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClassOptions {
    plan: Plan,
    hours: u32,
    graph: Graph,
    distribution: Distribution,
    seed: u32,
    sats_per_node: u64,
}

fn class_json(order: &Order, class: Classroom) -> String {
    let seed = class.seed_in(order.id);
    let file = ClassFile {
        class: ClassOptions {
            plan: class.plan,
            hours: class.hours,
            graph: class.graph,
            distribution: class.distribution,
            seed,
            sats_per_node: class.sats_per_node,
        },
        reach: order.plan.reach.clone().unwrap_or_default(),
        network: Network::lay_out(class, seed),
    };
    json!(file).to_string() + "\n"
}

const fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn plain_file(path: &str, mode: &str, text: &str) -> Value {
    json!({ "path": path, "permissions": mode, "owner": "root:root", "content": text })
}

/// `KEY='value'` lines that a shell reads back exactly.
fn shell_assignments(pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .map(|(key, value)| format!("{key}='{}'\n", value.replace('\'', r"'\''")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_values_survive_quotes() {
        assert_eq!(
            shell_assignments(&[("A", "it's $HOME")]),
            "A='it'\\''s $HOME'\n"
        );
    }
}
