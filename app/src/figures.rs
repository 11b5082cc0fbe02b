//! Figures for people, in the page's language: amounts, times, sizes and shares.

use crate::words::{figures as words, language};
use js_sys::{Array, Date, Intl, Object, Reflect};
use kindling_domain::classroom::{Distribution, Graph};
use kindling_domain::money::Sats;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{FiatPrice, SyncEstimate};
use wasm_bindgen::JsValue;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// For `Intl`: the page's language with the digits that wallets and machines show, so that amounts can be compared.
fn locale() -> String {
    match language().as_str() {
        // Dates in the order most English readers know; the browser's own English where it has one.
        "en" => leptos::prelude::window()
            .navigator()
            .language()
            .filter(|own| own.starts_with("en"))
            .unwrap_or_else(|| "en-GB".to_owned()),
        "ar" => "ar-u-nu-latn".to_owned(),
        other => other.to_owned(),
    }
}

thread_local! {
    /// For whole numbers, of which a class's picture writes hundreds: making it is what takes its time.
    static WHOLE_NUMBERS: Intl::NumberFormat = format(&Object::new());
}

fn format(options: &Object) -> Intl::NumberFormat {
    Intl::NumberFormat::new(&Array::of1(&locale().into()), options)
}

fn written(number: f64, format: &Intl::NumberFormat) -> String {
    let written = format.format().call1(format, &number.into());
    // Fails for no number.
    written
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

/// A whole number: `823,120`.
pub fn number(number: u64) -> String {
    WHOLE_NUMBERS.with(|format| written(number as f64, format))
}

/// A number with this many digits behind the point: `4.2`.
fn decimal(number: f64, digits: u8) -> String {
    let options = Object::new();
    for name in ["minimumFractionDigits", "maximumFractionDigits"] {
        // Fails on frozen objects only.
        let _ = Reflect::set(&options, &name.into(), &digits.into());
    }
    written(number, &format(&options))
}

/// An amount: `10,000 sats`.
pub fn sats(amount: Sats) -> String {
    words::sats(&number(amount.sats()))
}

/// What an amount is about in other money: `€9.40`.
pub fn fiat(amount: Sats, price: &FiatPrice) -> String {
    let hundredths = u128::from(amount.sats()) * u128::from(price.hundredths_per_bitcoin);
    let options = Object::new();
    for (name, value) in [("style", "currency"), ("currency", &price.currency)] {
        // Fails on frozen objects only.
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    written(
        ((hundredths + 50_000_000) / 100_000_000) as f64 / 100.0,
        &format(&options),
    )
}

/// Hours: `36 hours`, `7 days`.
pub fn hours_text(hours: u32) -> String {
    match hours {
        48.. if hours.is_multiple_of(24) => words::days(u64::from(hours / 24)),
        _ => words::hours(hours.into()),
    }
}

/// What of a point in time is written, in the words of JavaScript's `Intl.DateTimeFormat`.
type Parts = &'static [(&'static str, &'static str)];

/// `21 Nov 2026`
pub const DATE: Parts = &[("day", "numeric"), ("month", "short"), ("year", "numeric")];
/// `21 Nov`
pub const DAY_OF_MONTH: Parts = &[("day", "numeric"), ("month", "short")];
/// `14:00`
pub const CLOCK: Parts = &[("hour", "2-digit"), ("minute", "2-digit")];
/// `14:00:05`
pub const TIME_OF_DAY: Parts = &[
    ("hour", "2-digit"),
    ("minute", "2-digit"),
    ("second", "2-digit"),
];
/// `Sat, 14:00`
pub const HOUR_OF_DAY: Parts = &[
    ("weekday", "short"),
    ("hour", "2-digit"),
    ("minute", "2-digit"),
];
const WHOLE: Parts = &[
    ("weekday", "short"),
    ("day", "numeric"),
    ("month", "short"),
    ("year", "numeric"),
    ("hour", "2-digit"),
    ("minute", "2-digit"),
    ("timeZoneName", "short"),
];

/// A point in time by the customer's clock, with its zone: `Fri, 27 Nov 2026, 14:00 CET`.
pub fn local_time(at: UnixMillis) -> String {
    local_parts(at, WHOLE)
}

/// Parts of a point in time by the customer's clock.
pub fn local_parts(at: UnixMillis, parts: Parts) -> String {
    let options = Object::new();
    for (name, value) in parts {
        // Fails on frozen objects only.
        let _ = Reflect::set(&options, &(*name).into(), &(*value).into());
    }
    let date = Date::new(&JsValue::from_f64(at.0 as f64));
    date.to_locale_string(&locale(), &options).into()
}

/// A size on disk, in the units disks are sold in: `41 GB`, `1.2 TB`.
pub fn bytes(bytes: u64) -> String {
    const TERA: u64 = 1_000_000_000_000;
    const GIGA: u64 = 1_000_000_000;
    match bytes {
        0..GIGA => words::megabytes(&number(bytes / 1_000_000)),
        GIGA..TERA => words::gigabytes(&number(bytes / GIGA)),
        TERA..10_000_000_000_000 => {
            words::terabytes(&decimal((bytes / (TERA / 10)) as f64 / 10.0, 1))
        }
        _ => words::terabytes(&number(bytes / TERA)),
    }
}

/// Millionths as a share, never rounded up to the whole: `47.52 %`.
pub fn percent(millionths: u32) -> String {
    match millionths {
        1_000_000.. => words::percent(&number(100)),
        _ => words::percent(&decimal(f64::from(millionths / 100) / 100.0, 2)),
    }
}

/// A share in whole hundredths: `70 %`.
pub fn whole_percent(hundredths: u8) -> String {
    words::percent(&number(hundredths.into()))
}

/// How long something is: `20 s`, `5 min`, `3 h`, `12 days`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..MINUTE => words::span_seconds(&number(seconds)),
        MINUTE..HOUR => words::span_minutes(&number(seconds / MINUTE)),
        HOUR..172_800 => words::span_hours(&number(seconds / HOUR)),
        _ => words::days(seconds / DAY),
    }
}

/// Both ends of an estimate, widened to whole units: `between 4 and 6 days`.
pub fn range(estimate: SyncEstimate) -> String {
    let SyncEstimate {
        from_seconds,
        to_seconds,
    } = estimate;
    if from_seconds > 365 * DAY {
        return words::range_years().to_owned();
    }
    let (unit, under, most, about, between): (_, Counted, Counted, Counted, Between) =
        match to_seconds {
            0..7200 => (
                MINUTE,
                words::range_minutes_under,
                words::range_minutes_most,
                words::range_minutes_about,
                words::range_minutes,
            ),
            7200..172_800 => (
                HOUR,
                words::range_hours_under,
                words::range_hours_most,
                words::range_hours_about,
                words::range_hours,
            ),
            _ => (
                DAY,
                words::range_days_under,
                words::range_days_most,
                words::range_days_about,
                words::range_days,
            ),
        };
    let (low, high) = (from_seconds / unit, to_seconds.div_ceil(unit));
    match (low, high) {
        (_, 0 | 1) => under(1),
        (0, high) => most(high),
        (low, high) if low == high => about(high),
        (low, high) => between(high, &number(low)),
    }
}

type Counted = fn(u64) -> String;
type Between = fn(u64, &str) -> String;

/// Who has channels with whom in a class: the name, and what it means.
pub fn described_graph(graph: Graph) -> (&'static str, &'static str) {
    match graph {
        Graph::Sparse => (words::sparse(), words::sparse_means()),
        Graph::Full => (words::full(), words::full_means()),
    }
}

/// Who has how much in a class: the name, and what it means.
pub fn described_distribution(distribution: Distribution) -> (&'static str, &'static str) {
    match distribution {
        Distribution::Egalitarian => (words::egalitarian(), words::egalitarian_means()),
        Distribution::Political => (words::political(), words::political_means()),
        Distribution::Poisson => (words::poisson(), words::poisson_means()),
        Distribution::ProofOfWork => (words::proof_of_work(), words::proof_of_work_means()),
    }
}

/// Time that runs out: `14:07`, `2 h 05 min` while there is plenty, and `6 days 4 h` while there is more than that.
pub fn clock(seconds: u64) -> String {
    match seconds {
        0..HOUR => format!("{}:{:02}", seconds / 60, seconds % 60),
        HOUR..172_800 => words::clock_hours(
            &number(seconds / HOUR),
            &format!("{:02}", seconds % HOUR / 60),
        ),
        _ => words::clock_days(&words::days(seconds / DAY), &number(seconds % DAY / HOUR)),
    }
}
