//! A machine's figures in words. Computed from what it said and the time alone; nothing here draws.

use super::plot::Plot;

use crate::figures::{DATE, bytes, local_parts, local_time, number, percent, range, span};
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
        format!("Chain rules: {active} of {} enforced", self.rules.len())
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
        _ if machine.usable && light => {
            "LND is a light client for now; it switches to your own node by itself."
        }
        _ if machine.usable => "LND serves, and it follows your own node.",
        None => "LND does not answer at the moment.",
        Some("WAITING_TO_START") => "LND is about to start.",
        Some("NON_EXISTING") => "LND has no wallet yet.",
        Some("LOCKED") => "LND's wallet is locked.",
        Some("SERVER_ACTIVE") => "LND runs and catches up with the chain.",
        Some(_) if light => "LND is starting as a light client.",
        Some(_) => "LND waits until Bitcoin has caught up.",
    };
    Mark {
        done: machine.usable,
        word: if machine.usable { "Yes" } else { "Not yet" }.to_owned(),
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
        return mark(
            "Yes".to_owned(),
            "Your node has checked every block itself.".to_owned(),
        );
    }
    let Some(ppm) = machine.status.validated_ppm() else {
        return mark(
            "Not known".to_owned(),
            "Bitcoin does not answer at the moment.".to_owned(),
        );
    };
    let seen = match machine.history.first() {
        Some(SyncSample(first, _)) => machine.last_heard_at.0.seconds().saturating_sub(*first),
        None => 0,
    };
    let why = match machine.estimate {
        Some(estimate) => format!("To go: {}, at the pace seen so far.", range(estimate)),
        None if seen < LONG_ENOUGH => "Too early to say how long it takes.".to_owned(),
        None => "It stands still: nothing was added in the last hours.".to_owned(),
    };
    mark(percent(ppm), why)
}

/// The figures below the marks.
fn figures(machine: &MachineView, now: UnixMillis) -> Vec<Figure> {
    let status = &machine.status;
    let mut all = Vec::new();
    match &status.bitcoin {
        None => all.push(figure("Bitcoin", "does not answer", "")),
        Some(bitcoin) => {
            all.push(figure("Chain", chain(bitcoin), ""));
            all.push(figure(
                "Best block",
                format!(
                    "{} of {}",
                    number(bitcoin.blocks.into()),
                    number(bitcoin.headers.into())
                ),
                block_age(bitcoin.best_block_time, now),
            ));
        }
    }
    if let Some(snapshot) = status.snapshot {
        all.push(figure("Snapshot", stage(snapshot), ""));
    }
    if let Some(bitcoin) = &status.bitcoin {
        all.push(figure("Bitcoin peers", bitcoin.peers.to_string(), ""));
    }
    if let Some(lnd) = &status.lnd {
        all.push(figure("LND", lnd_state(lnd), lnd_more(lnd)));
    }
    let lnbits = match (status.lnbits, status.funding_connected) {
        (false, _) => "does not answer",
        (true, true) => "runs, connected to LND",
        (true, false) => "runs; connects to LND by itself",
    };
    all.push(figure("LNbits", lnbits, ""));
    if let Some(bitcoin) = &status.bitcoin {
        let pruned = if bitcoin.pruned {
            ", old ones dropped"
        } else {
            ""
        };
        let blocks = format!("blocks take {}{pruned}", bytes(bitcoin.size_bytes));
        let version = bitcoin.version.trim_matches('/').replace('/', " ");
        all.push(figure("Software", version, blocks));
    }
    let up = machine
        .last_heard_at
        .0
        .seconds()
        .saturating_sub(status.booted_at);
    all.push(figure("Machine", format!("up for {}", span(up)), ""));
    all
}

/// What is free of the disk, and whether that is little.
fn free(machine: &MachineView) -> (String, bool) {
    let disk = machine.status.disk;
    let scarce = disk.free_bytes < disk.total_bytes / SCARCE;
    let text = format!(
        "{}{} free of {}",
        if scarce { "Only " } else { "" },
        bytes(disk.free_bytes),
        bytes(disk.total_bytes)
    );
    (text, scarce)
}

/// How the last report was signed, in a sentence.
fn signature(machine: &MachineView) -> String {
    let signed_by_lnd = machine.identity_verified_at >= Some(machine.last_heard_at);
    match &machine.identity_key {
        Some(key) if signed_by_lnd => {
            format!(
                "These figures were signed by your LND ({}…)",
                key.get(..8).unwrap_or(key)
            )
        }
        _ => "LND does not sign at the moment; the machine itself does.".to_owned(),
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
        format!("{} old", span(age))
    } else {
        let date = local_parts(UnixMillis(time.saturating_mul(1000)), DATE);
        format!("from {date}")
    }
}

fn stage(snapshot: SnapshotStatus) -> String {
    let percent = snapshot.percent;
    match snapshot.stage {
        SnapshotStage::Downloading => format!("downloading, {percent} %"),
        SnapshotStage::Waiting => "here; the node does not know its block yet".to_owned(),
        SnapshotStage::Loading => format!("the node reads and checks it, {percent} %"),
        SnapshotStage::Validating => "in use; what is before it is being checked".to_owned(),
        SnapshotStage::Validated => "was right: the node has checked it all".to_owned(),
        SnapshotStage::Refused => "the node did not take it and syncs the ordinary way".to_owned(),
    }
}

fn lnd_state(lnd: &LndStatus) -> &'static str {
    match lnd.state.as_str() {
        "SERVER_ACTIVE" if lnd.synced_to_chain => "serves, caught up",
        "SERVER_ACTIVE" => "serves, catching up",
        "LOCKED" => "locked",
        "NON_EXISTING" => "without a wallet",
        _ => "starting",
    }
}

fn lnd_more(lnd: &LndStatus) -> String {
    let source = match lnd.backend.as_str() {
        "neutrino" => "light client",
        _ => "on your own node",
    };
    let plural = |number: u32, one: &str| {
        let s = if number == 1 { "" } else { "s" };
        format!("{number} {one}{s}")
    };
    let mut more = format!("{source}, version {}", lnd.version);
    if lnd.state == "SERVER_ACTIVE" {
        more = format!(
            "{}, {}; {more}",
            plural(lnd.peers, "peer"),
            plural(lnd.active_channels, "open channel")
        );
    }
    if lnd.block_height > 0 {
        more = format!("block {}; {more}", number(lnd.block_height.into()));
    }
    more
}
