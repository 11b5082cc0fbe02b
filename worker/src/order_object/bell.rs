//! Who is told by a notification: subscribing, and telling them beside the order's own work.

use super::{Answered, Inside, OrderObject, ask_order, bearer};
use crate::clock::now;
use crate::{push, reply};
use kindling_domain::error::ErrorCode;
use kindling_domain::order::{Order, Told};
use kindling_domain::wire::{PushRequest, read_json};
use worker::{Method, Request, Result};

impl OrderObject {
    /// `PUT` has a device told, `DELETE` forgets it, or without a body all of them.
    pub(super) fn subscription(&self, request: &Request, body: &[u8]) -> Result<Answered> {
        let header = request.headers().get("authorization")?;
        let Some(mut order) = self.opened(bearer(header.as_deref()))? else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        let wanted = match body {
            [] => None,
            body => match read_json::<PushRequest>(body) {
                Ok(PushRequest { endpoint }) => Some(endpoint),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let changed = match (request.method(), wanted) {
            (Method::Put, None) => Err(ErrorCode::InvalidJson.into()),
            (Method::Put, Some(endpoint)) => match push::offered(&self.config()) {
                None => Err(ErrorCode::NoNotifications.into()),
                Some(push) => push
                    .hosts
                    // Opened to judge it.
                    .check(endpoint.expose())
                    .and_then(|endpoint| order.subscribe(endpoint)),
            },
            (_, endpoint) => {
                order.unsubscribe(endpoint.as_ref());
                Ok(())
            }
        };
        if let Err(refusal) = changed {
            return Ok(Err(refusal));
        }
        self.save(&mut order)?;
        Ok(Ok(reply::done()?))
    }

    /// Tells whoever is to be told now. Nothing here is waited for, so that a push service that hangs holds up nobody; what came of it
    /// comes back as a question from inside, and if it never does, the time of the next try is saved already.
    pub(super) fn ring(&self, order: &mut Order) -> Result<()> {
        if order.next_ring().is_none_or(|next| next > now()) {
            return Ok(());
        }
        let due = order.ring_begins(now());
        self.save(order)?;
        for endpoint in due {
            let message = push::message(&self.config(), order, &endpoint);
            let (env, id) = (self.env.clone(), order.id);
            self.state.wait_until(async move {
                let told = match message {
                    Some(message) => message.send().await,
                    None => Told::Refused,
                };
                let told = Inside::Told { endpoint, told };
                // Lost, it is tried again.
                let _ = ask_order::<()>(&env, id, &told).await;
            });
        }
        Ok(())
    }
}
