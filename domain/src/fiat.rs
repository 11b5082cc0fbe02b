//! What a bitcoin costs in money of the customer's: read from a source that is not trusted, kept for a while, and only ever shown.
//!
//! Integers only. No order depends on it, so whatever is wrong with it is as good as none.

use crate::time::UnixMillis;
use crate::wire::FiatPrice;

/// The highest price that is believed, in hundredths of the currency's unit.
const MAX_HUNDREDTHS: u64 = 1_000_000_000_000;
/// The longest number that is read.
const MAX_DIGITS: usize = 64;
/// The source is asked no sooner than this after the last time, in seconds.
const ASK_SECONDS: u64 = 5 * 60;
/// A price is shown for so long after it was heard, in seconds.
const FRESH_SECONDS: u64 = 3600;

/// Reads a JSON number such as `91234.565` or `9.1e4` as hundredths, rounded to the nearest. `None` for what is none, not above zero or
/// beyond belief.
pub fn hundredths(text: &str) -> Option<u64> {
    if text.len() > MAX_DIGITS {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() {
        return None;
    }
    // The first `point` digits are whole hundredths; what follows is rounded.
    let digits = || whole.bytes().chain(fraction.bytes());
    let point = i32::try_from(whole.len())
        .ok()?
        .checked_add(exponent)?
        .checked_add(2)?;
    let mut value: u64 = 0;
    let mut place: i32 = 0;
    for digit in digits() {
        if !digit.is_ascii_digit() {
            return None;
        }
        if place < point {
            value = value
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
        } else if place == point && digit >= b'5' {
            value = value.checked_add(1)?;
        }
        place += 1;
    }
    while place < point && value > 0 {
        value = value.checked_mul(10)?;
        place += 1;
    }
    (1..=MAX_HUNDREDTHS).contains(&value).then_some(value)
}

/// Whether this is the code of a currency, as ISO 4217 writes them.
pub fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// What was heard last, and when it was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    heard: Option<(u64, UnixMillis)>,
    asked: Option<UnixMillis>,
}

impl Kept {
    /// Nothing yet.
    pub const NONE: Self = Self {
        heard: None,
        asked: None,
    };

    /// Whether the source is to be asked now. If so it counts as asked, so that one that never answers is waited for once.
    pub fn ask(&mut self, now: UnixMillis) -> bool {
        let due = self
            .asked
            .is_none_or(|asked| asked > now || now >= asked.plus_seconds(ASK_SECONDS));
        if due {
            self.asked = Some(now);
        }
        due
    }

    /// The source gave this price.
    pub fn hear(&mut self, hundredths: u64, now: UnixMillis) {
        self.heard = Some((hundredths, now));
    }

    /// What may be shown.
    pub fn price(&self, currency: &str, now: UnixMillis) -> Option<FiatPrice> {
        let (hundredths_per_bitcoin, at) = self.heard?;
        (now < at.plus_seconds(FRESH_SECONDS)).then(|| FiatPrice {
            currency: currency.to_owned(),
            hundredths_per_bitcoin,
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_without_floats() {
        for (text, value) in [
            ("91234.56", 9_123_456),
            ("91234.565", 9_123_457),
            ("91234.564999999999", 9_123_456),
            ("91234", 9_123_400),
            ("0.01", 1),
            ("0.005", 1),
            ("9.1e4", 9_100_000),
            ("9.1E+4", 9_100_000),
            ("912345600e-4", 9_123_456),
            ("10000000000", MAX_HUNDREDTHS),
        ] {
            assert_eq!(hundredths(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_absurd_is_refused() {
        for text in [
            "",
            "0",
            "0.0",
            "0.004",
            "-1",
            "-91234.56",
            "1e-9",
            "10000000000.01",
            "1e12",
            "1e99999",
            "1e999999999999",
            "1e2147483647",
            "1e-2147483648",
            "NaN",
            "Infinity",
            "null",
            "\"91234\"",
            "91.234.56",
            ".5",
            "1e",
            "0x10",
            "9 1",
            "+5",
            "1_000",
            &"9".repeat(100),
            &format!("0.{}", "0".repeat(100)),
        ] {
            assert_eq!(hundredths(text), None, "{text}");
        }
    }

    #[test]
    fn a_price_is_asked_for_seldom_and_shown_for_an_hour() {
        let start = UnixMillis(1_763_705_640_000);
        let after = |seconds| start.plus_seconds(seconds);
        let mut kept = Kept::NONE;
        assert!(kept.ask(start) && !kept.ask(after(299)) && kept.price("EUR", start).is_none());
        kept.hear(9_123_456, after(1));
        assert!(kept.ask(after(300)), "it was never answered, and is kept");
        let shown = kept.price("EUR", after(3600)).unwrap();
        assert_eq!(
            (shown.hundredths_per_bitcoin, shown.at),
            (9_123_456, after(1))
        );
        assert_eq!(kept.price("EUR", after(3601)), None);
    }

    #[test]
    fn currencies_are_three_letters() {
        assert!(is_currency("EUR") && is_currency("JPY"));
        for bad in ["", "eur", "EURO", "EU", "E/R", "ÄÖ"] {
            assert!(!is_currency(bad), "{bad}");
        }
    }
}
