//! What an order's fleet has to know of it: whether it still needs its place, and what a person should look at.

use super::{Attempt, Failure, Order, Standing, State, TeardownStep};
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// What the fleet was told last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FleetWord {
    /// It may have a place for this order that does not lapse by itself.
    #[serde(default)]
    pub place: bool,
    /// What it shows the operator.
    #[serde(default)]
    pub note: Option<String>,
    /// It was being told something else, and may have heard it.
    #[serde(default)]
    pub in_doubt: bool,
    /// How telling it goes.
    #[serde(default)]
    pub attempt: Attempt,
}

/// After this many failures in a row a teardown is shown to the operator.
const STUCK_FAILURES: u32 = 10;

/// What the fleet is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetNews {
    /// The place is no longer needed.
    pub release: bool,
    /// What the operator should look at; `None`: nothing (any more).
    pub note: Option<String>,
}

impl Order {
    /// Whether something at the cloud is, or may be, this order's.
    pub fn has_machine(&self) -> bool {
        match &self.state {
            State::Provisioning { .. } | State::Ready { .. } => true,
            State::Failed { step, .. } | State::Ended { step, .. } => *step != TeardownStep::Done,
            State::Draft | State::AwaitingPayment | State::Expired => false,
        }
    }

    /// What the fleet does not know yet.
    pub fn fleet_news(&self) -> Option<FleetNews> {
        let release = self.fleet.place && !self.has_machine();
        let note = self.attention();
        (release || self.fleet.in_doubt || note != self.fleet.note)
            .then_some(FleetNews { release, note })
    }

    pub(super) fn fleet_told(&mut self, told: Result<FleetNews, Failure>, now: UnixMillis) {
        let id = self.id;
        match told {
            Ok(news) => {
                self.fleet.place &= !news.release;
                self.fleet.note = news.note;
                self.fleet.in_doubt = false;
                self.fleet.attempt = Attempt::fresh(now);
            }
            Err(failure) => self.fleet.attempt.failed(id, failure.retry_after(), now),
        }
    }

    /// What a person should look at, in words for the operator.
    fn attention(&self) -> Option<String> {
        let odd = self
            .bills
            .iter()
            .filter(|bill| matches!(bill.standing, Standing::Open | Standing::Lapsed))
            .find_map(|bill| bill.odd)
            .map(|odd| format!("payment in quarantine: {}", odd.text()));
        let owed = self.owed().sats();
        let refund = (owed > 0).then(|| {
            let refused = self.refund.problem.is_some();
            let how = if refused {
                ", its address was refused"
            } else {
                ""
            };
            format!("refund of {owed} sats owed{how}")
        });
        let stuck = match &self.state {
            State::Failed { step, attempt, .. } | State::Ended { step, attempt, .. }
                if attempt.failures >= STUCK_FAILURES =>
            {
                Some(format!("cannot remove: {step:?}"))
            }
            _ => None,
        };
        let all: Vec<String> = [odd, refund, stuck].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}
