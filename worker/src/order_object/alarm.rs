//! The working half of an order's object: what its alarm does.

use super::{LEASE_MILLIS, OrderObject, next_of};
use crate::apart::apart;
use crate::clock::now;
use crate::perform::perform;
use crate::random;
use kindling_domain::order::{Answer, Due, Effect, Event, Order, State as OrderState, Step};
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use worker::Result;

/// The most effects one alarm performs before it hands over to the next.
const MAX_EFFECTS: usize = 30;

impl OrderObject {
    /// Performs what is due, then sleeps until something is, be it a notification.
    pub(super) async fn drive(&self) -> Result<()> {
        self.alarm.rang();
        // What the last answer made of the order. It is saved with what is begun next, or before anything is awaited.
        let mut answered = None;
        for _ in 0..MAX_EFFECTS {
            let unsaved = answered.is_some();
            let order = match answered.take() {
                Some(order) => Some(order),
                None => self.order()?,
            };
            let Some(mut order) = order else {
                return self.alarm.clear(&self.state).await;
            };
            self.ring(&mut order)?;
            match order.due(now()) {
                Due::Idle | Due::Wait(..) => {
                    if unsaved {
                        self.save(&mut order)?;
                    }
                    return match next_of(&order) {
                        Some(at) => self.alarm.set(&self.state, at).await,
                        None => self.alarm.clear(&self.state).await,
                    };
                }
                Due::Perform(Effect::Erase) => {
                    // A draft that is being opened right now is somebody's.
                    let Some(_opening) = self.opening.try_lock() else {
                        let later = now().plus_millis(LEASE_MILLIS);
                        return self.alarm.set(&self.state, later).await;
                    };
                    return self.erase().await;
                }
                Due::Perform(effect) => {
                    answered = self.perform(order, unsaved, &effect).await?;
                }
            }
        }
        if let Some(mut order) = answered {
            self.save(&mut order)?;
        }
        self.alarm.set(&self.state, now()).await
    }

    /// One effect: saved as begun, performed, its answer taken in. What that makes of the order is not saved yet.
    async fn perform(
        &self,
        mut order: Order,
        unsaved: bool,
        effect: &Effect,
    ) -> Result<Option<Order>> {
        let token = if *effect == Effect::Provision(Step::CreateDroplet) {
            random::token()?
        } else {
            Secret::new("")
        };
        if unsaved && !effect.leaves_traces() {
            self.save(&mut order)?;
        }
        order.begin(effect, now());
        match effect {
            Effect::EraseBundle => self.store.erase_bundle()?,
            Effect::Provision(Step::CreateDroplet) => order.expect_machine(&token, now()),
            _ => {}
        }
        if effect.leaves_traces() {
            self.save(&mut order)?;
        } else {
            self.remember(&order);
        }
        // Armed before the work: if the object dies in the middle, this alarm takes it up.
        self.alarm.set_by(&self.state, lease(&order)).await?;
        let event = apart(perform(&self.env, &self.config(), &order, effect, &token)).await;
        // The world may have moved on while the call was under way: the answer is taken in by the order as it is now.
        let Some(mut order) = self.order()? else {
            return Ok(None);
        };
        let sealed = match &event {
            Event::Answer(Ok(Answer::StubDelivery(delivery))) => Some(delivery.sealed.clone()),
            _ => None,
        };
        order.apply(event, now());
        if let (Some(sealed), OrderState::Ready { .. }) = (sealed, &order.state) {
            self.store.save_bundle(&sealed)?;
        }
        Ok(Some(order))
    }
}

/// When somebody else takes over what has been begun. Where the next look comes sooner than that, its alarm does for both.
fn lease(order: &Order) -> UnixMillis {
    let lease = now().plus_millis(LEASE_MILLIS);
    match order.due(now()) {
        Due::Wait(at, _) => at.min(lease),
        Due::Perform(_) | Due::Idle => lease,
    }
}
