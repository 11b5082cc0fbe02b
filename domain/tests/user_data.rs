//! User-data in every combination of options: read back as cloud-init would, and nothing in it that must not be.

#![allow(clippy::unwrap_used, clippy::panic)] // that is how a test fails

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kindling_domain::catalogue::{BitcoinImplementation, Product};
use kindling_domain::classroom::{Classroom, Distribution, Graph, Network, Plan, Reach};
use kindling_domain::id::OrderId;
use kindling_domain::money::Sats;
use kindling_domain::order::{MachinePlan, NewOrder, Order, OrderRequest, TailscaleKey};
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::user_data::render;
use kindling_domain::wire::Stubs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1lAQ0eGJ7rvMPRJwAkcVvzLyPSLQhxjxwRrSq6LYDJ";

fn order(bitcoin: BitcoinImplementation, volume_size_gb: u32, tailscale: bool) -> Order {
    order_of(Product::full_node(bitcoin), volume_size_gb, tailscale)
}

fn order_of(product: Product, volume_size_gb: u32, tailscale: bool) -> Order {
    let request = OrderRequest {
        product,
        region: "nyc3".to_owned(),
        ssh_public_key: KEY.to_owned(),
        ssh_fingerprint: "aa:bb".to_owned(),
        recipients: vec![KEY.to_owned(), "age1second".to_owned()],
        refund_to: Some("refund-marker@wallet.example".to_owned()),
    };
    let plan = MachinePlan {
        stubs: Stubs {
            lightning: false,
            cloud: false,
        },
        size: "s-2vcpu-4gb".to_owned(),
        volume_size_gb,
        tailscale,
        assumeutxo_url: None,
        reach: Some(Reach {
            domain: "class.example".to_owned(),
            connect_url: "https://connect.example".to_owned(),
            wallet_url: "https://wallet.example".to_owned(),
        }),
        public_url: "https://kindling.example".to_owned(),
        hours: None,
        fleet: String::new(),
        account: String::new(),
    };
    let new = NewOrder {
        id: OrderId::from_bytes([7; 16]),
        request,
        access_hash: "access-marker".to_owned(),
        access_drawn: false,
        hook: "hook-marker".to_owned(),
        price: Sats::from_sats(10_000),
        plan,
        invoice_seconds: 3600,
        door: None,
    };
    let mut order = Order::draft(new, UnixMillis(0));
    order.resources.tailscale_key = Some(TailscaleKey {
        auth_key: Secret::new("tailscale-marker"),
    });
    order
}

/// Path to (mode, text) of every file, unpacked.
fn files(user_data: &str) -> BTreeMap<String, (String, String)> {
    let json = user_data.strip_prefix("#cloud-config\n").unwrap();
    let config: Value = serde_json::from_str(json).unwrap();
    let mut files = BTreeMap::new();
    for file in config["write_files"].as_array().unwrap() {
        let content = file["content"].as_str().unwrap();
        let path = file["path"].as_str().unwrap();
        let mode = file["permissions"].as_str().unwrap();
        if file["encoding"].is_null() {
            files.insert(path.to_owned(), (mode.to_owned(), content.to_owned()));
            continue;
        }
        assert_eq!((file["encoding"].as_str(), mode), (Some("b64"), "0600"));
        let (folder, name) = path.rsplit_once('/').unwrap();
        assert_eq!(config["runcmd"].as_array().unwrap().len(), 1);
        let start = config["runcmd"][0][2].as_str().unwrap();
        assert!(start.contains(folder) && start.contains(name));
        let packed = STANDARD.decode(content).unwrap();
        let mut archive = tar::Archive::new(lzma_rust2::XzReader::new(packed.as_slice(), false));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.path().unwrap().display());
            let mode = format!("{:04o}", entry.header().mode().unwrap());
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.insert(path, (mode, text));
        }
    }
    files
}

/// Whether `packed` is `source` without some of its comments and empty lines, and with all else.
fn only_comments_left(source: &str, packed: &str) -> bool {
    let mut packed = packed.lines().peekable();
    for line in source.lines() {
        if packed.peek() == Some(&line) {
            packed.next();
        } else if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            return false;
        }
    }
    packed.next().is_none()
}

#[test]
fn every_combination_is_small_and_carries_one_secret() {
    for bitcoin in BitcoinImplementation::ALL {
        for volume in [0, 100] {
            for tailscale in [false, true] {
                let text = render(
                    &order(bitcoin, volume, tailscale),
                    &Secret::new("pair-marker"),
                );
                assert!(
                    text.is_ascii() && text.len() < 48 * 1024,
                    "{} bytes",
                    text.len()
                );
                assert_eq!(text.matches("pair-marker").count(), 1);
                let files = files(&text);
                assert_eq!(
                    files["/etc/kindling/pair-token"],
                    ("0600".to_owned(), "pair-marker".to_owned())
                );
                let config = &files["/etc/kindling/config"];
                assert_eq!(config.0, "0600");
                let says =
                    |line: &str| assert!(config.1.lines().any(|have| have == line), "no {line}");
                says("KINDLING_URL='https://kindling.example'");
                says(&format!("BITCOIN='{}'", bitcoin.as_str()));
                says(if volume == 0 {
                    "VOLUME_NAME=''"
                } else {
                    "VOLUME_NAME='kindling-07070707070707070707070707070707'"
                });
                says(if tailscale {
                    "TAILSCALE='yes'"
                } else {
                    "TAILSCALE='no'"
                });
                assert_eq!(
                    files["/etc/kindling/recipients"].1,
                    format!("{KEY}\nage1second\n")
                );
                for (path, (_, text)) in &files {
                    for marker in [
                        "access-marker",
                        "hook-marker",
                        "tailscale-marker",
                        "refund-marker",
                    ] {
                        assert!(!text.contains(marker), "{marker} stands in {path}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_class_is_small_and_told_its_network() {
    for plan in Plan::ALL {
        for &graph in plan.graphs() {
            for distribution in Distribution::ALL {
                let class = Classroom {
                    graph,
                    distribution,
                    ..Classroom::new(plan, 48)
                };
                let order = order_of(Product::Classroom(class), 0, false);
                let text = render(&order, &Secret::new("pair-marker"));
                assert!(
                    text.is_ascii() && text.len() < 56 * 1024,
                    "{} bytes",
                    text.len()
                );
                assert_eq!(text.matches("pair-marker").count(), 1);
                let files = files(&text);
                let (mode, json) = &files["/etc/kindling/class.json"];
                assert_eq!(mode, "0644");
                let told: Value = serde_json::from_str(json).unwrap();
                let seed = 0x0707_0707;
                assert_eq!(told["seed"], seed);
                assert_eq!(told["graph"], graph.as_str());
                assert_eq!(told["distribution"], distribution.as_str());
                assert_eq!(told["domain"], "class.example");
                let network: Network = serde_json::from_value(told).unwrap();
                assert_eq!(network, Network::lay_out(class, seed));
            }
        }
    }
    let full = Classroom {
        graph: Graph::Full,
        ..Classroom::new(Plan::B, 1)
    };
    assert_eq!(Network::lay_out(full, 1).channels.len(), 120);
}

#[test]
fn every_script_of_the_machine_is_there_and_can_be_run() {
    let class = Product::Classroom(Classroom::new(Plan::A, 1));
    every_script_is_there(
        Product::full_node(BitcoinImplementation::Knots),
        "classroom",
        3,
    );
    // The class's network is a fourth file.
    every_script_is_there(class, "full_node", 4);
}

/// All of `machine/` but the folder of the `other` product, and so many files beside it.
fn every_script_is_there(product: Product, other: &str, beside: usize) {
    let files = files(&render(&order_of(product, 0, false), &Secret::new("t")));
    let machine = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../machine");
    let mut folders = vec![machine.clone()];
    let mut expected = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&machine).unwrap().to_str().unwrap();
            if name.starts_with(other) {
                continue;
            }
            let (mode, text) = &files[&format!("/opt/kindling/{name}")];
            let source = std::fs::read_to_string(&path).unwrap();
            let script = name.ends_with(".sh");
            assert!(
                *text == source || (script && only_comments_left(&source, text)),
                "{name}"
            );
            assert!(
                !script || text.starts_with('#'),
                "{name} has lost its first line"
            );
            assert_eq!(mode == "0755", script, "{name}");
            expected += 1;
        }
    }
    assert_eq!(files.len(), expected + beside);
}
