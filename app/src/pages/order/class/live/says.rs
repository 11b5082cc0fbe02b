//! A class in words and figures. Computed from what its machine said and the time alone; nothing here draws.

use super::picture::Picture;
use crate::figures::{bytes, local_time, number, span};
use crate::words::class_live as words;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{ClassNodeStatus, ClassState, ClassView};

/// So many missed reports mean that the machine has gone quiet.
const MISSED: u64 = 3;
/// Blocks come every few seconds; after so many seconds without one something is wrong.
const OLD_BLOCK: u64 = 60;
/// Less free disk than one part in this many needs attention.
const SCARCE: u64 = 10;

/// All that is shown of a class.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// When it was heard last.
    pub heard_at: UnixMillis,
    /// Since when it is quiet, where it is.
    pub quiet: Option<String>,
    /// Whether its pairing was revoked.
    pub revoked: bool,
    /// The machine's own words.
    pub message: Option<String>,
    /// `None` while nothing answers.
    pub class: Option<Class>,
    /// What is free of the disk, where that is little.
    pub scarce_disk: Option<String>,
}

/// A class that answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Class {
    /// The figures that people look for.
    pub figures: Vec<Figure>,
    /// The nodes, in their order.
    pub nodes: Vec<Node>,
    /// All of it to look at.
    pub picture: Picture,
}

/// A named figure.
#[derive(Clone, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// The figure.
    pub text: String,
    /// What goes with it.
    pub more: String,
}

/// How a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A wallet is connected.
    Connected,
    /// It waits for one.
    Waiting,
    /// It does not answer.
    Down,
}

/// A node.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is called.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// The same in words.
    pub wallet: String,
    /// How many channels it has.
    pub channels: usize,
    /// What it has on chain.
    pub onchain_sats: u64,
    /// What it has in channels.
    pub channel_sats: u64,
}

impl Node {
    /// What it has on chain in words: one that does not answer tells nothing of it.
    pub fn onchain(&self) -> String {
        match self.standing {
            Standing::Down => words::unknown().to_owned(),
            _ => number(self.onchain_sats),
        }
    }

    /// All that it owns, as far as it is known.
    pub fn wealth(&self) -> u64 {
        self.onchain_sats.saturating_add(self.channel_sats)
    }
}

impl Said {
    /// What a class whose machine said this is to be shown as.
    pub fn of(view: &ClassView, revoked: bool, now: UnixMillis) -> Self {
        let heard_at = view.last_heard_at.0;
        let silence = now.since(heard_at) / 1000;
        let is_quiet = silence > u64::from(view.every_seconds) * MISSED;
        let disk = view.status.disk;
        let is_scarce = disk.free_bytes < disk.total_bytes / SCARCE;
        Self {
            heard_at,
            quiet: is_quiet.then(|| local_time(heard_at)),
            revoked,
            message: view.status.message.clone(),
            class: view
                .status
                .class
                .as_ref()
                .map(|class| Class::of(class, heard_at)),
            scarce_disk: is_scarce
                .then(|| words::scarce_disk(&bytes(disk.free_bytes), &bytes(disk.total_bytes))),
        }
    }

    /// How many nodes stand so.
    pub fn count(&self, standing: Standing) -> usize {
        self.nodes()
            .iter()
            .filter(|node| node.standing == standing)
            .count()
    }

    /// The nodes, as far as they are known.
    pub fn nodes(&self) -> &[Node] {
        self.class.as_ref().map_or(&[], |class| &class.nodes)
    }
}

impl Class {
    fn of(state: &ClassState, heard_at: UnixMillis) -> Self {
        let mut state = state.clone();
        let is_here = |node: u32| (node as usize) < state.nodes.len();
        state
            .channels
            .retain(|channel| is_here(channel.from) && is_here(channel.to));
        let state = &state;
        let nodes: Vec<Node> = (0..)
            .zip(&state.nodes)
            .map(|(at, node)| node_of(state, at, node))
            .collect();
        Self {
            figures: figures(state, &nodes, heard_at),
            picture: Picture::of(state, &nodes),
            nodes,
        }
    }
}

fn node_of(state: &ClassState, at: u32, node: &ClassNodeStatus) -> Node {
    let own = state
        .channels
        .iter()
        .filter(|channel| channel.from == at || channel.to == at);
    let balances = own.clone().map(|channel| match channel.from == at {
        true => channel.from_sats,
        false => channel.sats.saturating_sub(channel.from_sats),
    });
    let (standing, wallet) = match (node.up, node.wallets) {
        (false, _) => (Standing::Down, words::wallet_down().to_owned()),
        (true, 0) => (Standing::Waiting, words::wallet_waiting().to_owned()),
        (true, wallets) => (Standing::Connected, words::wallet_connected(wallets.into())),
    };
    Node {
        name: node.name.clone(),
        standing,
        wallet,
        channels: own.count(),
        onchain_sats: node.onchain_sats,
        channel_sats: balances.sum(),
    }
}

fn figures(state: &ClassState, nodes: &[Node], heard_at: UnixMillis) -> Vec<Figure> {
    let count = |standing| {
        nodes
            .iter()
            .filter(|node| node.standing == standing)
            .count()
    };
    let open = state
        .channels
        .iter()
        .filter(|channel| channel.active)
        .count();
    let block_age = (heard_at.0 / 1000).saturating_sub(state.best_block_time);
    let unless_none = |count: usize, sentence: fn(u64) -> String| match count {
        0 => String::new(),
        count => sentence(count as u64),
    };
    vec![
        Figure {
            name: words::wallets(),
            text: words::wallets_connected(
                count(Standing::Connected) as u64,
                &number(nodes.len() as u64),
            ),
            more: unless_none(count(Standing::Down), words::nodes_down),
        },
        Figure {
            name: words::channels(),
            text: words::channels_open(open as u64),
            more: unless_none(state.channels.len() - open, words::channels_stuck),
        },
        Figure {
            name: words::block(),
            text: number(state.blocks.into()),
            more: match block_age {
                0..=OLD_BLOCK => String::new(),
                age => words::no_block_for(&span(age)),
            },
        },
    ]
}
