//! Figures for people: times, sizes and shares in words. All of it is computed from numbers alone, so that it is the same everywhere.

use kindling_domain::classroom::{Distribution, Graph};
use kindling_domain::wire::SyncEstimate;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Digits in groups of three: `823,120`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size on disk, in the units disks are sold in: `41 GB`, `1.2 TB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [(u64, &str); 3] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
    ];
    let (unit, name) = UNITS
        .into_iter()
        .find(|(unit, _)| number >= *unit)
        .unwrap_or((1_000_000, "MB"));
    let tenths = number / (unit / 10);
    if tenths < 100 && unit > 1_000_000_000 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", number / unit)
    }
}

/// Millionths as a share, never rounded up to the whole: `47.52 %`.
pub fn percent(millionths: u32) -> String {
    match millionths {
        1_000_000.. => "100 %".to_owned(),
        _ => format!("{}.{:02} %", millionths / 10_000, millionths % 10_000 / 100),
    }
}

/// How long something is: `20 s`, `5 min`, `3 h`, `12 days`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..172_800 => format!("{} h", seconds / HOUR),
        _ => format!("{} days", seconds / DAY),
    }
}

/// Both ends of an estimate, widened to whole units: `between 4 and 6 days`.
pub fn range(estimate: SyncEstimate) -> String {
    let SyncEstimate {
        from_seconds,
        to_seconds,
    } = estimate;
    if from_seconds > 365 * DAY {
        return "more than a year".to_owned();
    }
    let (unit, one, many) = match to_seconds {
        0..7200 => (MINUTE, "minute", "minutes"),
        7200..172_800 => (HOUR, "hour", "hours"),
        _ => (DAY, "day", "days"),
    };
    let (low, high) = (from_seconds / unit, to_seconds.div_ceil(unit));
    match (low, high) {
        (_, 0 | 1) => format!("less than a {one}"),
        (0, high) => format!("at most {high} {many}"),
        (low, high) if low == high => format!("about {high} {many}"),
        (low, high) => format!("between {low} and {high} {many}"),
    }
}

/// Who has channels with whom in a class: the name, and what it means.
pub const fn described_graph(graph: Graph) -> (&'static str, &'static str) {
    match graph {
        Graph::Sparse => ("Sparse", "a ring with shortcuts, four channels to a node"),
        Graph::Full => ("Full", "everybody with everybody"),
    }
}

/// Who has how much in a class: the name, and what it means.
pub const fn described_distribution(distribution: Distribution) -> (&'static str, &'static str) {
    match distribution {
        Distribution::Egalitarian => ("Egalitarian", "all have the same"),
        Distribution::Political => ("Political", "an eighth of the nodes holds four fifths"),
        Distribution::Poisson => (
            "Poisson",
            "coins fall at random, most get about the average",
        ),
        Distribution::ProofOfWork => ("Proof of work", "who works more finds more blocks"),
    }
}
