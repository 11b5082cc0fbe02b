//! An order's user-data: cloud-config that puts the machine's scripts and public settings in place and starts them.
//!
//! Any process on the droplet can read user-data from the metadata address, so nothing lasting is in it: the one secret is the
//! pairing token, which dies at its first use. The cloud-config is written as JSON, which is YAML whose quoting cannot go wrong.

use crate::catalogue::Product;
use crate::order::{Order, resource_name};
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// The cloud's limit, in bytes (DigitalOcean API, `droplets_create`).
pub const MAX_USER_DATA_BYTES: usize = 64 * 1024;

/// Pairs each path under `machine/` with its text.
macro_rules! machine_files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../machine/", $path)))),*]
    };
}

/// The machine's scripts, relative to `/opt/kindling/`.
const FILES: &[(&str, &str)] = machine_files![
    "bootstrap.sh",
    "lib.sh",
    "wire.sh",
    "ops.sh",
    "scrub.sh",
    "firewall.sh",
    "base/10-packages.sh",
    "base/15-system.sh",
    "base/20-firewall.sh",
    "base/25-docker.sh",
    "base/30-tailscale.sh",
    "full_node/40-volume.sh",
    "full_node/50-bitcoin.sh",
    "full_node/60-lnd.sh",
    "full_node/65-wallet.sh",
    "full_node/70-lnbits.sh",
    "full_node/80-sealed.sh",
    "full_node/compose.yaml",
    "full_node/releases.env",
    "units/bitcoind.service",
    "units/kindling-bringup.service",
    "units/kindling-firewall.service",
    "units/kindling-scrub.service",
];

/// Where the scripts arrive, as one archive: packed together they take half the room.
const ARCHIVE: &str = "/opt/kindling/machine.tar.gz";
/// The first command of the machine. A cut before its end is taken up by cloud-init, one after it by the machine's own unit.
const START: &str = "tar --extract --gzip --file /opt/kindling/machine.tar.gz --directory /opt/kindling && exec /opt/kindling/bootstrap.sh";

/// Renders the user-data of `order`'s machine; `token` pairs it.
pub fn render(order: &Order, token: &Secret) -> String {
    let Product::FullNode { bitcoin } = order.request.product;
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
        ("NETWORK", "mainnet"),
        ("VOLUME_NAME", &volume),
        ("VOLUME_SIZE_GB", &order.plan.volume_size_gb.to_string()),
        ("TAILSCALE", if order.plan.tailscale { "yes" } else { "no" }),
    ]);
    let files = [
        plain_file("/etc/kindling/config", "0600", &config),
        // Opened because this is the one place the token is for.
        plain_file("/etc/kindling/pair-token", "0600", token.expose()),
        plain_file(
            "/etc/kindling/recipients",
            "0644",
            &(order.request.recipients.join("\n") + "\n"),
        ),
        json!({
            "path": ARCHIVE,
            "permissions": "0600",
            "owner": "root:root",
            "encoding": "b64",
            "content": STANDARD.encode(archive(FILES)),
        }),
    ];
    let config = json!({ "write_files": files, "runcmd": [["sh", "-ec", START]] });
    format!("#cloud-config\n{config}\n")
}

fn plain_file(path: &str, mode: &str, text: &str) -> Value {
    json!({ "path": path, "permissions": mode, "owner": "root:root", "content": text })
}

/// The files as a gzipped tar archive, the same bytes each time.
fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let encoder = GzEncoder::new(Vec::new(), Compression::best());
    let mut builder = tar::Builder::new(encoder);
    let mut write = || {
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_mode(if path.ends_with(".sh") { 0o755 } else { 0o644 });
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, path, text.as_bytes())?;
        }
        std::io::Result::Ok(())
    };
    // Writing to memory does not fail; an empty archive would be noticed by the machine's tests.
    write()
        .and_then(|()| builder.into_inner())
        .and_then(GzEncoder::finish)
        .unwrap_or_default()
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
