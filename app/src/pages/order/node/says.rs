//! A machine's figures in words. Computed from what it said and the time alone; nothing here draws.

use super::plot::Plot;

use crate::figures::{DATE, bytes, local_parts, local_time, number, percent, range, span};
use crate::words::node_figures as words;
use crate::words::{figures, node};
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{
    BitcoinStatus, ChainRule, LndStatus, MachineView, SnapshotStage, SnapshotStatus, SyncSample,
};

/// So many missed reports mean that the machine has gone quiet.
const MISSED: u64 = 3;

/// After this long without a pace it no longer is too early to say, in seconds.
const LONG_ENOUGH: u64 = 3 * 3600;
/// A block older than this is better told by its date, in seconds.
const OLD_BLOCK: u64 = 48 * 3600;
/// Less free disk than one part in this many needs attention.
const SCARCE: u64 = 10;

/// All that is shown of a machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// When it was heard last.
    pub heard_at: UnixMillis,
    /// Since when it is quiet, where it is.
    pub quiet: Option<String>,
    /// Whether its pairing was revoked.
    pub revoked: bool,
    /// Whether payments can be made now.
    pub usable: Mark,
    /// How much of the chain the node itself has checked.
    pub validated: Mark,
    /// The course of that.
    pub plot: Option<Plot>,
    /// The figures below the marks.
    pub figures: Vec<Figure>,
    /// What is free of the disk.
    pub disk: String,
    /// Whether that is little.
    pub scarce: bool,
    /// How much of it is used, in percent.
    pub used: u64,
    /// The rules of the chain that the software knows.
    pub rules: Vec<ChainRule>,
    /// How the last report was signed.
    pub signature: String,
    /// LND's identity key.
    pub key: Option<String>,
    /// When another LND than before began to sign.
    pub changed: Option<String>,
    /// The machine's own words.
    pub message: Option<String>,
}

impl Said {
    /// What a machine that said this is to be shown as.
    pub fn of(machine: &MachineView, revoked: bool, now: UnixMillis) -> Self {
        let heard_at = machine.last_heard_at.0;
        let silence = now.since(heard_at) / 1000;
        let is_quiet = silence > u64::from(machine.every_seconds) * MISSED;
        let disk = machine.status.disk;
        let used = disk.total_bytes.saturating_sub(disk.free_bytes);
        let bitcoin = machine.status.bitcoin.as_ref();
        let (text, scarce) = free(machine);
        Self {
            heard_at,
            quiet: is_quiet.then(|| local_time(heard_at)),
            revoked,
            usable: usable(machine),
            validated: validated(machine),
            plot: Plot::of(&machine.history),
            figures: figures(machine, now),
            disk: text,
            scarce,
            used: used.saturating_mul(100) / disk.total_bytes.max(1),
            rules: bitcoin.map_or_else(Vec::new, |bitcoin| bitcoin.rules.clone()),
            signature: signature(machine),
            key: machine.identity_key.clone(),
            changed: machine.identity_changed_at.map(|at| local_time(at.0)),
            message: machine.status.message.clone(),
        }
    }

    /// How many of the rules are enforced, in a sentence.
    pub fn enforced(&self) -> String {
        let active = self.rules.iter().filter(|rule| rule.active).count();
        let number = |count: usize| number(count as u64);
        node::chain_rules(&number(active), &number(self.rules.len()))
    }
}

/// One of the two answers that matter most.
#[derive(Clone, PartialEq, Eq)]
pub struct Mark {
    /// Yes.
    pub done: bool,
    /// The answer.
    pub word: String,
    /// Why.
    pub why: String,
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

fn figure(name: &'static str, text: impl Into<String>, more: impl Into<String>) -> Figure {
    Figure {
        name,
        text: text.into(),
        more: more.into(),
    }
}

/// Whether payments can be made now, and why.
fn usable(machine: &MachineView) -> Mark {
    let lnd = machine.status.lnd.as_ref();
    let light = lnd.is_some_and(|lnd| lnd.backend == "neutrino");
    let why = match lnd.map(|lnd| lnd.state.as_str()) {
        _ if machine.usable && light => words::usable_light(),
        _ if machine.usable => words::usable(),
        None => words::lnd_silent(),
        Some("WAITING_TO_START") => words::lnd_about_to_start(),
        Some("NON_EXISTING") => words::lnd_no_wallet(),
        Some("LOCKED") => words::lnd_locked(),
        Some("SERVER_ACTIVE") => words::lnd_catching_up(),
        Some(_) if light => words::lnd_starting_light(),
        Some(_) => words::lnd_waits(),
    };
    Mark {
        done: machine.usable,
        word: match machine.usable {
            true => words::yes().to_owned(),
            false => words::not_yet().to_owned(),
        },
        why: why.to_owned(),
    }
}

/// How much of the chain the node itself has checked, and how long the rest takes.
fn validated(machine: &MachineView) -> Mark {
    let mark = |word: String, why: String| Mark {
        done: machine.validated,
        word,
        why,
    };
    if machine.validated {
        return mark(words::yes().to_owned(), words::validated().to_owned());
    }
    let Some(ppm) = machine.status.validated_ppm() else {
        return mark(
            words::not_known().to_owned(),
            words::bitcoin_silent().to_owned(),
        );
    };
    let seen = match machine.history.first() {
        Some(SyncSample(first, _)) => machine.last_heard_at.0.seconds().saturating_sub(*first),
        None => 0,
    };
    let why = match machine.estimate {
        Some(estimate) => words::to_go(&range(estimate)),
        None if seen < LONG_ENOUGH => words::too_early().to_owned(),
        None => words::stands_still().to_owned(),
    };
    mark(percent(ppm), why)
}

/// The figures below the marks.
fn figures(machine: &MachineView, now: UnixMillis) -> Vec<Figure> {
    let status = &machine.status;
    let mut all = Vec::new();
    match &status.bitcoin {
        None => all.push(figure(words::bitcoin(), words::no_answer(), "")),
        Some(bitcoin) => {
            all.push(figure(words::chain(), chain(bitcoin), ""));
            all.push(figure(
                words::best_block(),
                words::blocks_of(
                    &number(bitcoin.blocks.into()),
                    &number(bitcoin.headers.into()),
                ),
                block_age(bitcoin.best_block_time, now),
            ));
        }
    }
    if let Some(snapshot) = status.snapshot {
        all.push(figure(words::snapshot(), stage(snapshot), ""));
    }
    if let Some(bitcoin) = &status.bitcoin {
        all.push(figure(
            words::bitcoin_peers(),
            number(bitcoin.peers.into()),
            "",
        ));
    }
    if let Some(lnd) = &status.lnd {
        all.push(figure("LND", lnd_state(lnd), lnd_more(lnd)));
    }
    let lnbits = match (status.lnbits, status.funding_connected) {
        (false, _) => words::no_answer(),
        (true, true) => words::lnbits_connected(),
        (true, false) => words::lnbits_connecting(),
    };
    all.push(figure("LNbits", lnbits, ""));
    if let Some(bitcoin) = &status.bitcoin {
        let size = bytes(bitcoin.size_bytes);
        let blocks = match bitcoin.pruned {
            true => words::blocks_take_pruned(&size),
            false => words::blocks_take(&size),
        };
        let version = bitcoin.version.trim_matches('/').replace('/', " ");
        all.push(figure(words::software(), version, blocks));
    }
    let up = machine
        .last_heard_at
        .0
        .seconds()
        .saturating_sub(status.booted_at);
    all.push(figure(words::machine(), words::up(&span(up)), ""));
    all
}

/// What is free of the disk, and whether that is little.
fn free(machine: &MachineView) -> (String, bool) {
    let disk = machine.status.disk;
    let scarce = disk.free_bytes < disk.total_bytes / SCARCE;
    let (free, total) = (bytes(disk.free_bytes), bytes(disk.total_bytes));
    let text = match scarce {
        true => words::free_scarce(&free, &total),
        false => words::free(&free, &total),
    };
    (text, scarce)
}

/// How the last report was signed, in a sentence.
fn signature(machine: &MachineView) -> String {
    let signed_by_lnd = machine.identity_verified_at >= Some(machine.last_heard_at);
    match &machine.identity_key {
        Some(key) if signed_by_lnd => words::signed(key.get(..8).unwrap_or(key)),
        _ => words::not_signed().to_owned(),
    }
}

fn chain(bitcoin: &BitcoinStatus) -> String {
    match bitcoin.chain.as_str() {
        "main" => "Mainnet",
        "signet" => "Signet",
        "testnet4" => "Testnet4",
        "regtest" => "Regtest",
        other => other,
    }
    .to_owned()
}

fn block_age(time: u64, now: UnixMillis) -> String {
    let age = now.seconds().saturating_sub(time);
    if age < OLD_BLOCK {
        words::block_old(&span(age))
    } else {
        let date = local_parts(UnixMillis(time.saturating_mul(1000)), DATE);
        words::block_from(&date)
    }
}

fn stage(snapshot: SnapshotStatus) -> String {
    let share = figures::percent(&number(snapshot.percent.into()));
    match snapshot.stage {
        SnapshotStage::Downloading => words::downloading(&share),
        SnapshotStage::Waiting => words::waiting().to_owned(),
        SnapshotStage::Loading => words::loading(&share),
        SnapshotStage::Validating => words::validating().to_owned(),
        SnapshotStage::Validated => words::was_right().to_owned(),
        SnapshotStage::Refused => words::refused().to_owned(),
    }
}

fn lnd_state(lnd: &LndStatus) -> &'static str {
    match lnd.state.as_str() {
        "SERVER_ACTIVE" if lnd.synced_to_chain => words::serves(),
        "SERVER_ACTIVE" => words::serves_behind(),
        "LOCKED" => words::locked(),
        "NON_EXISTING" => words::no_wallet(),
        _ => words::starting(),
    }
}

fn lnd_more(lnd: &LndStatus) -> String {
    let mut more = match lnd.backend.as_str() {
        "neutrino" => words::light_client(&lnd.version),
        _ => words::own_node(&lnd.version),
    };
    if lnd.state == "SERVER_ACTIVE" {
        let peers = words::peers(lnd.peers.into());
        let channels = words::channels(lnd.active_channels.into());
        more = words::joined(&words::company(&peers, &channels), &more);
    }
    if lnd.block_height > 0 {
        let block = words::at_block(&number(lnd.block_height.into()));
        more = words::joined(&block, &more);
    }
    more
}
