//! The working half of an order's object: what its alarm does.

use super::{LEASE_MILLIS, OrderObject};
use crate::clock::{self, now};
use crate::perform::perform;
use crate::random;
use kindling_domain::order::{Answer, Due, Effect, Event, Order, State as OrderState, Step};
use kindling_domain::secret::Secret;
use worker::Result;

/// The most effects one alarm performs before it hands over to the next.
const MAX_EFFECTS: usize = 30;

impl OrderObject {
    /// Performs what is due, then sleeps until something is, be it a notification.
    pub(super) async fn drive(&self) -> Result<()> {
        for _ in 0..MAX_EFFECTS {
            // Whoever calls from here on is not yet seen by what follows, so their call must count.
            self.called.set(false);
            let Some(mut order) = self.order()? else {
                return self.state.storage().delete_alarm().await;
            };
            self.ring(&mut order)?;
            let ring = order.next_ring();
            match (order.due(now()), ring) {
                (Due::Idle, None) => return self.state.storage().delete_alarm().await,
                (Due::Idle, Some(at)) => return clock::set_alarm(&self.state, at).await,
                (Due::Wait(at, _), ring) => {
                    let at = ring.map_or(at, |ring| ring.min(at));
                    return clock::set_alarm(&self.state, at).await;
                }
                (Due::Perform(Effect::Erase), _) => {
                    // A draft that is being opened right now is somebody's.
                    let Some(_opening) = self.opening.try_lock() else {
                        let later = now().plus_millis(LEASE_MILLIS);
                        return clock::set_alarm(&self.state, later).await;
                    };
                    return self.erase().await;
                }
                (Due::Perform(effect), _) => self.perform(&mut order, &effect).await?,
            }
        }
        clock::set_alarm(&self.state, now()).await
    }

    /// One effect: saved as begun, performed, its answer taken in.
    async fn perform(&self, order: &mut Order, effect: &Effect) -> Result<()> {
        let token = if *effect == Effect::Provision(Step::CreateDroplet) {
            random::token()?
        } else {
            Secret::new("")
        };
        order.begin(effect, now());
        match effect {
            Effect::EraseBundle => self.store.erase_bundle()?,
            Effect::Provision(Step::CreateDroplet) => order.expect_machine(&token, now()),
            _ => {}
        }
        if effect.leaves_traces() {
            self.save(order)?;
        } else {
            self.remember(order);
        }
        // Armed before the work: if the object dies in the middle, this alarm takes it up.
        clock::set_alarm(&self.state, now().plus_millis(LEASE_MILLIS)).await?;
        let event = perform(&self.env, self.config(), order, effect, &token).await;
        // The world may have moved on while the call was under way: the answer is taken in by the order as it is now.
        let Some(mut order) = self.order()? else {
            return Ok(());
        };
        let sealed = match &event {
            Event::Answer(Ok(Answer::StubDelivery(delivery))) => Some(delivery.sealed.clone()),
            _ => None,
        };
        order.apply(event, now());
        if let (Some(sealed), OrderState::Ready { .. }) = (sealed, &order.state) {
            self.store.save_bundle(&sealed)?;
        }
        self.save(&mut order)
    }
}
