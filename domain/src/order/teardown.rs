//! Removing all that an order has made. It never gives up: what cannot be removed now is tried again.

use super::step::{DROPLET_VISIBLE_SECONDS, outcome};
use super::{Answer, Attempt, Failure, Order, State, TeardownStep};
use crate::time::UnixMillis;

/// A droplet that is still there so long after its delete is deleted once more, in seconds. The cloud may have said 404 of it before it
/// knew it everywhere, or forgotten what it was asked.
const DELETE_AGAIN_SECONDS: u64 = 60;

/// The longest that the answer to a delete may be on its way, in seconds.
const DELETION_SECONDS: u64 = 30;

impl Order {
    pub(super) fn tear_down(&mut self, answer: Result<Answer, Failure>, now: UnixMillis) {
        let (State::Failed { step, attempt, .. } | State::Ended { step, attempt, .. }) =
            &mut self.state
        else {
            return;
        };
        let (step, since) = (*step, attempt.since);
        attempt.in_flight = false;
        let still_there = matches!(
            (step, &answer),
            (TeardownStep::AwaitDropletGone, Ok(Answer::Droplet(Some(_))))
        );
        if !still_there {
            self.note(now, "tear_down", outcome(&step, answer.as_ref().err()));
        }
        match (step, answer) {
            (TeardownStep::FindDroplet, Ok(Answer::Droplet(Some(droplet)))) => {
                self.resources.droplet = Some(droplet.id);
                self.tear_down_from(TeardownStep::DeleteDroplet, now);
            }
            (TeardownStep::FindDroplet, Ok(Answer::Droplet(None))) => {
                match self.resources.droplet_asked {
                    // What was asked for may still turn up in the cloud's lists.
                    Some(asked) if now < asked.plus_seconds(DROPLET_VISIBLE_SECONDS) => {
                        self.retry(None, now)
                    }
                    _ => {
                        self.resources.droplet_asked = None;
                        self.tear_down_from(TeardownStep::FindVolume, now);
                    }
                }
            }
            // A fresh droplet may be one that the cloud does not know everywhere yet.
            (TeardownStep::DeleteDroplet, Ok(Answer::Droplet(None)))
                if self.resources.droplet_asked.is_some_and(|asked| {
                    now < asked.plus_seconds(DROPLET_VISIBLE_SECONDS + DELETION_SECONDS)
                }) =>
            {
                self.retry(None, now)
            }
            (TeardownStep::DeleteDroplet, Ok(Answer::Gone | Answer::Droplet(None))) => {
                self.tear_down_from(TeardownStep::AwaitDropletGone, now);
            }
            (TeardownStep::AwaitDropletGone, Ok(Answer::Droplet(None))) => {
                self.resources.droplet = None;
                self.resources.droplet_asked = None;
                self.tear_down_from(TeardownStep::FindVolume, now);
            }
            (TeardownStep::AwaitDropletGone, Ok(Answer::Droplet(Some(_))))
                if now >= since.plus_seconds(DELETE_AGAIN_SECONDS) =>
            {
                self.tear_down_from(TeardownStep::DeleteDroplet, now);
            }
            // Looked at again when the look that has just ended said.
            (TeardownStep::AwaitDropletGone, Ok(Answer::Droplet(Some(_)))) => {}
            (TeardownStep::FindVolume, Ok(Answer::Volume(volume))) => {
                self.resources.volume_asked = false;
                self.resources.volume = volume;
                self.tear_down_from(TeardownStep::DeleteVolume, now);
            }
            (TeardownStep::DeleteVolume, Ok(Answer::Gone)) => {
                self.resources.volume = None;
                self.tear_down_from(TeardownStep::FindSshKey, now);
            }
            (TeardownStep::FindSshKey, Ok(Answer::SshKey(key))) => {
                self.resources.ssh_key_asked = false;
                self.resources.ssh_key = key;
                self.tear_down_from(TeardownStep::DeleteSshKey, now);
            }
            (TeardownStep::DeleteSshKey, Ok(Answer::Gone)) => {
                self.resources.ssh_key = None;
                self.tear_down_from(TeardownStep::DeleteTailscaleDevice, now);
            }
            (TeardownStep::DeleteTailscaleDevice, Ok(Answer::Gone)) => {
                self.resources.tailscale_node = None;
                self.tear_down_from(TeardownStep::Done, now);
            }
            (_, Err(Failure::NotApplied { retry_after })) => self.retry(retry_after, now),
            (_, _) => self.retry(None, now),
        }
    }

    /// Whether the order has something that this step removes.
    fn needs(&self, step: TeardownStep) -> bool {
        let has = &self.resources;
        match step {
            TeardownStep::FindDroplet => has.droplet.is_none() && has.droplet_asked.is_some(),
            TeardownStep::DeleteDroplet | TeardownStep::AwaitDropletGone => has.droplet.is_some(),
            TeardownStep::FindVolume => has.volume.is_none() && has.volume_asked,
            TeardownStep::DeleteVolume => has.volume.is_some(),
            TeardownStep::FindSshKey => has.ssh_key.is_none() && has.ssh_key_asked,
            TeardownStep::DeleteSshKey => has.ssh_key.is_some_and(|key| key.owned),
            TeardownStep::DeleteTailscaleDevice => has.tailscale_node.is_some(),
            TeardownStep::Done => true,
        }
    }

    /// Goes to the first step from `first` on that has something to remove.
    pub(super) fn tear_down_from(&mut self, first: TeardownStep, now: UnixMillis) {
        const ORDER: [TeardownStep; 9] = [
            TeardownStep::FindDroplet,
            TeardownStep::DeleteDroplet,
            TeardownStep::AwaitDropletGone,
            TeardownStep::FindVolume,
            TeardownStep::DeleteVolume,
            TeardownStep::FindSshKey,
            TeardownStep::DeleteSshKey,
            TeardownStep::DeleteTailscaleDevice,
            TeardownStep::Done,
        ];
        let next = ORDER
            .into_iter()
            .skip_while(|step| *step != first)
            .find(|step| self.needs(*step));
        if let State::Failed { step, attempt, .. } | State::Ended { step, attempt, .. } =
            &mut self.state
        {
            *step = next.unwrap_or(TeardownStep::Done);
            *attempt = Attempt::fresh(now);
        }
    }
}
