//! Why something did not work: the three classes an upstream's answer falls into, and what the customer is told in the end.

use crate::id::OrderId;
use crate::wire::Phase;
use serde::{Deserialize, Serialize};

/// A call that failed. There is no fourth class, and only the adapter that made the call can tell which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The upstream surely did nothing (refused connection, 429, 5xx of a read): try again later.
    NotApplied {
        /// What the upstream asked for, in seconds.
        retry_after: Option<u64>,
    },
    /// The upstream may have done it (time-out, broken answer): look before repeating.
    Unknown,
    /// The upstream will never do it (401, 403, 422 …).
    Final {
        /// What the customer is told.
        reason: FailureReason,
    },
}

impl Failure {
    /// What the upstream asked for, in seconds.
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::NotApplied { retry_after } => *retry_after,
            Self::Unknown | Self::Final { .. } => None,
        }
    }

    /// The class, for the journal.
    pub(super) fn text(&self) -> String {
        match self {
            Self::NotApplied { .. } => "not applied".to_owned(),
            Self::Unknown => "outcome unknown".to_owned(),
            Self::Final { reason } => format!("refused: {}", reason.code()),
        }
    }
}

/// Why a delivered machine is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The hours that were bought are over.
    HoursOver,
    /// The customer ended it.
    Destroyed,
    /// The cloud lost it.
    MachineLost,
}

impl EndReason {
    /// The stable word for `errorCode`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::HoursOver => "hours_over",
            Self::Destroyed => "destroyed",
            Self::MachineLost => "machine_lost",
        }
    }

    /// What happened, for the customer.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::HoursOver => "The hours you bought are over.",
            Self::Destroyed => "You ended it.",
            Self::MachineLost => "The cloud lost your machine. Write to whoever runs this shop.",
        }
    }
}

/// Why an order failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FailureReason {
    /// Paid after its place was given to somebody else.
    NoCapacity,
    /// The cloud account is at its limit.
    CloudFull,
    /// The cloud refuses the request or our credentials.
    CloudRefused,
    /// The tailnet refuses the request or our credentials.
    TailscaleRefused,
    /// A step took longer than its deadline.
    CloudTimeout,
    /// The machine was ordered, but the cloud never showed it.
    MachineLost,
    /// The machine did not report in time.
    MachineSilent,
    /// Its pairing token was shown by somebody else.
    PairedElsewhere,
    /// The machine reported that it cannot go on.
    MachineFailed {
        /// At which phase.
        phase: Phase,
        /// Its own sentence.
        message: Option<String>,
    },
}

impl FailureReason {
    /// The stable word for `errorCode`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoCapacity => "no_capacity",
            Self::CloudFull => "cloud_full",
            Self::CloudRefused => "cloud_refused",
            Self::TailscaleRefused => "tailscale_refused",
            Self::CloudTimeout => "cloud_timeout",
            Self::MachineLost => "machine_lost",
            Self::MachineSilent => "machine_silent",
            Self::PairedElsewhere => "paired_elsewhere",
            Self::MachineFailed { .. } => "machine_failed",
        }
    }

    /// What happened, for the customer.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoCapacity => {
                "Your payment came after the invoice ran out, and there is no room any more."
                    .to_owned()
            }
            Self::CloudFull => "The cloud has no room for another machine right now.".to_owned(),
            Self::CloudRefused => "The cloud refused to make your machine.".to_owned(),
            Self::TailscaleRefused => {
                "The private network refused to take your machine in.".to_owned()
            }
            Self::CloudTimeout => "The cloud did not answer in time.".to_owned(),
            Self::MachineLost => {
                "The cloud took the order for your machine but never showed it.".to_owned()
            }
            Self::MachineSilent => {
                "Your machine started but did not report back in time.".to_owned()
            }
            Self::PairedElsewhere => {
                "Somebody else showed your machine's one-time token, so it was not trusted."
                    .to_owned()
            }
            Self::MachineFailed {
                phase,
                message: None,
            } => {
                format!("Your machine could not be set up ({}).", phase.title())
            }
            Self::MachineFailed {
                phase,
                message: Some(message),
            } => {
                format!(
                    "Your machine could not be set up ({}: {message}).",
                    phase.title()
                )
            }
        }
    }
}

/// The longest wait between two tries, in milliseconds.
const MAX_BACKOFF: u64 = 60_000;

/// How long to wait before the next try: doubling from one second to a minute, spread by up to a quarter so that orders which
/// failed together do not return together, and never sooner than the upstream asked.
pub fn backoff_millis(id: OrderId, failures: u32, retry_after: Option<u64>) -> u64 {
    let base = 1000_u64
        .saturating_mul(1 << failures.saturating_sub(1).min(6))
        .min(MAX_BACKOFF);
    let bytes = id.as_bytes();
    let spread = u64::from(bytes[failures as usize % bytes.len()]) * base / 4 / 255;
    (base + spread).max(
        retry_after
            .unwrap_or(0)
            .saturating_mul(1000)
            .min(60 * MAX_BACKOFF),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_honour_retry_after() {
        let id = OrderId::from_bytes([0; 16]);
        let waits: Vec<u64> = (1..=8).map(|n| backoff_millis(id, n, None)).collect();
        assert_eq!(waits, [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
        assert_eq!(backoff_millis(id, 1, Some(30)), 30_000);
        assert_eq!(
            backoff_millis(OrderId::from_bytes([255; 16]), 1, None),
            1250
        );
        assert!(backoff_millis(id, u32::MAX, Some(u64::MAX)) <= 60 * MAX_BACKOFF);
    }
}
