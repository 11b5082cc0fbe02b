//! Points in time, with their unit in the name. The clock itself is the caller's.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::{Duration, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 UTC. Stored as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// This point moved later by whole seconds.
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This point moved later by milliseconds.
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this point, 0 if it is not later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds since 1970, rounded down.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// A point in time on the wire: RFC 3339, UTC, whole seconds (`2026-11-21T06:14:00Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WireTime(pub UnixMillis);

/// 9999-12-31T23:59:59Z, the last second RFC 3339 can write.
const LAST_SECOND: u64 = 253_402_300_799;

impl std::fmt::Display for WireTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = UNIX_EPOCH + Duration::from_secs(self.0.seconds().min(LAST_SECOND));
        write!(f, "{}", humantime::format_rfc3339_seconds(at))
    }
}

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = humantime::parse_rfc3339(&text)
            .map_err(|_| serde::de::Error::custom("not an RFC 3339 time"))?;
        let since = at
            .duration_since(UNIX_EPOCH)
            .map_err(|_| serde::de::Error::custom("a time before 1970"))?;
        Ok(Self(UnixMillis(since.as_secs().saturating_mul(1000))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_times_are_rfc_3339_and_read_back() {
        let time = WireTime(UnixMillis(1_763_705_640_000));
        let json = serde_json::to_string(&time).unwrap();
        assert_eq!(json, "\"2025-11-21T06:14:00Z\"");
        assert_eq!(serde_json::from_str::<WireTime>(&json).unwrap(), time);
    }

    #[test]
    fn the_far_future_does_not_panic() {
        assert_eq!(
            WireTime(UnixMillis(u64::MAX)).to_string(),
            "9999-12-31T23:59:59Z"
        );
        assert_eq!(
            UnixMillis(u64::MAX).plus_seconds(u64::MAX),
            UnixMillis(u64::MAX)
        );
    }
}
