//! What other parts of the Worker ask an order: to open, what is its own, its story. No path from outside leads here.

use super::{Answered, OrderObject};
use crate::apart::apart;
use crate::clock::now;
use crate::objects::{self, ORDERS};
use crate::reply;
use crate::routes::OpenOrder;
use kindling_domain::error::ErrorCode;
use kindling_domain::id::OrderId;
use kindling_domain::order::{Due, Entry, Event, Order, Resource, Told};
use kindling_domain::secret::Secret;
use kindling_domain::wire::OrderView;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::{Env, Result};

/// Where [`Inside`] questions go; a path of the outside begins with `/api/`.
pub const PATH: &str = "/";

/// A question from inside.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inside {
    /// Open this order; answered as the customer is.
    Open(Box<OpenOrder>),
    /// Which of these are not yours?
    Audit {
        /// Things that bear the order's name.
        found: Vec<Resource>,
    },
    /// The cloud's list has no droplet of yours.
    Unlisted,
    /// What does the customer see? It may be paid by now, too. Answered by `null` where there is nothing to be seen.
    Look,
    /// Tell the operator everything that is not secret.
    Story,
    /// The operator has paid back by hand what is owed.
    Refunded,
    /// What a push service made of a notification.
    Told {
        /// Whom it was for.
        endpoint: Secret,
        /// What came of it.
        told: Told,
    },
    /// Look whether something is due: the clock was moved, or an alarm was lost.
    Wake,
    /// Panic, for the test of what a panic leaves unharmed. Development only.
    Panic,
}

/// The answer to [`Inside::Audit`].
#[derive(Serialize, Deserialize)]
pub struct Audit {
    /// Whether there is such an order here.
    pub known: bool,
    /// What is not the order's.
    pub orphans: Vec<Resource>,
}

/// An order as the operator sees it.
#[derive(Serialize, Deserialize)]
pub struct Story {
    /// What the customer sees.
    pub order: OrderView,
    /// What the order knows beyond that: bills, refund, resources, fleet. Without anything that opens something.
    pub inner: serde_json::Value,
    /// What happened, oldest first.
    pub journal: Vec<Entry>,
}

/// Asks an order's object something.
///
/// # Errors
/// `Unknown` if it did not answer in time, or refused.
pub async fn ask_order<T: DeserializeOwned>(
    env: &Env,
    id: OrderId,
    question: &Inside,
) -> std::result::Result<T, kindling_domain::order::Failure> {
    objects::ask(env, ORDERS, &id.to_string(), question, objects::TIMEOUT).await
}

impl OrderObject {
    pub(super) async fn inside(&self, question: Inside) -> Result<Answered> {
        if let Inside::Open(new) = question {
            return apart(self.open(*new)).await;
        }
        let order = self.order()?;
        let Some(mut order) = order else {
            return match question {
                Inside::Audit { found } => Ok(Ok(reply::json(
                    200,
                    &Audit {
                        known: false,
                        orphans: found,
                    },
                )?)),
                Inside::Wake | Inside::Unlisted | Inside::Look | Inside::Told { .. } => {
                    Ok(Ok(reply::json(200, &())?))
                }
                _ => Ok(Err(ErrorCode::NotFound.into())),
            };
        };
        match question {
            Inside::Open(_) => Ok(Err(ErrorCode::NotFound.into())),
            Inside::Audit { mut found } => {
                found.retain(|resource| !order.owns(resource));
                // Whoever is asked every few minutes finds an alarm that got lost.
                let waits = order.due(now()) != Due::Idle || order.next_ring().is_some();
                if waits && self.state.storage().get_alarm().await?.is_none() {
                    self.alarm.doubt();
                    self.alarm.set_by(&self.state, now()).await?;
                }
                Ok(Ok(reply::json(
                    200,
                    &Audit {
                        known: true,
                        orphans: found,
                    },
                )?))
            }
            Inside::Unlisted => {
                if let Some(id) = order.believes_in() {
                    order.apply(Event::DropletMissed(id), now());
                    self.save(&mut order)?;
                }
                self.alarm.set_by(&self.state, now()).await?;
                Ok(Ok(reply::json(200, &())?))
            }
            Inside::Look => {
                let view = order.view();
                self.hinted(order).await?;
                Ok(Ok(reply::json(200, &view)?))
            }
            Inside::Story => Ok(Ok(reply::json(200, &self.story(&order)?)?)),
            Inside::Refunded => match order.refunded_by_hand(now()) {
                Ok(_) => {
                    self.save(&mut order)?;
                    self.wake_for(&order).await?;
                    Ok(Ok(reply::json(200, &order.view())?))
                }
                Err(refusal) => Ok(Err(refusal)),
            },
            Inside::Told { endpoint, told } => {
                order.told(&endpoint, told, now());
                self.save(&mut order)?;
                Ok(Ok(reply::json(200, &())?))
            }
            Inside::Wake => {
                self.alarm.doubt();
                self.alarm.set_by(&self.state, now()).await?;
                Ok(Ok(reply::json(200, &())?))
            }
            #[allow(clippy::panic)] // that is what it is for
            Inside::Panic => panic!("asked to"),
        }
    }

    fn story(&self, order: &Order) -> Result<Story> {
        let Some(view) = order.view() else {
            return Err("a draft has no story".into());
        };
        Ok(Story {
            order: view,
            inner: order.for_operator(),
            journal: [self.store.journal()?, order.journal.clone()].concat(),
        })
    }
}
