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
use std::io::Write;

/// The cloud's limit, in bytes (DigitalOcean API, `droplets_create`).
pub const MAX_USER_DATA_BYTES: usize = 64 * 1024;

/// The machine's scripts, relative to `/opt/kindling/`.
const FILES: &[(&str, &str)] = &[
    ("bootstrap.sh", include_str!("../../machine/bootstrap.sh")),
    ("lib.sh", include_str!("../../machine/lib.sh")),
    ("wire.sh", include_str!("../../machine/wire.sh")),
    ("ops.sh", include_str!("../../machine/ops.sh")),
    (
        "full_node/10-packages.sh",
        include_str!("../../machine/full_node/10-packages.sh"),
    ),
    (
        "full_node/20-volume.sh",
        include_str!("../../machine/full_node/20-volume.sh"),
    ),
    (
        "full_node/30-bitcoin.sh",
        include_str!("../../machine/full_node/30-bitcoin.sh"),
    ),
    (
        "full_node/40-lnd.sh",
        include_str!("../../machine/full_node/40-lnd.sh"),
    ),
    (
        "full_node/50-wallet.sh",
        include_str!("../../machine/full_node/50-wallet.sh"),
    ),
    (
        "full_node/60-lnbits.sh",
        include_str!("../../machine/full_node/60-lnbits.sh"),
    ),
    (
        "full_node/70-sealed.sh",
        include_str!("../../machine/full_node/70-sealed.sh"),
    ),
    (
        "full_node/bitcoind.service",
        include_str!("../../machine/full_node/bitcoind.service"),
    ),
    (
        "full_node/compose.yaml",
        include_str!("../../machine/full_node/compose.yaml"),
    ),
    (
        "full_node/releases.env",
        include_str!("../../machine/full_node/releases.env"),
    ),
];

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
    let mut files = vec![
        plain_file("/etc/kindling/config", "0600", &config),
        // Opened because this is the one place the token is for.
        plain_file("/etc/kindling/pair-token", "0600", token.expose()),
        plain_file(
            "/etc/kindling/recipients",
            "0644",
            &(order.request.recipients.join("\n") + "\n"),
        ),
    ];
    files.extend(FILES.iter().map(|(path, text)| packed_file(path, text)));
    let config = json!({ "write_files": files, "runcmd": [["/opt/kindling/bootstrap.sh"]] });
    format!("#cloud-config\n{config}\n")
}

fn plain_file(path: &str, mode: &str, text: &str) -> Value {
    json!({ "path": path, "permissions": mode, "owner": "root:root", "content": text })
}

/// A file compressed, because user-data is small.
fn packed_file(path: &str, text: &str) -> Value {
    let mode = if path.ends_with(".sh") {
        "0755"
    } else {
        "0644"
    };
    json!({
        "path": format!("/opt/kindling/{path}"),
        "permissions": mode,
        "owner": "root:root",
        "encoding": "gz+b64",
        "content": STANDARD.encode(gzip(text.as_bytes())),
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail; an empty file would be noticed by the machine's tests.
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
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
