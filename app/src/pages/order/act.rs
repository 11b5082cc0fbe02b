//! A call that changes the order, as its page makes it: one at a time, with its trouble kept where it was asked for.

use super::Order;
use crate::api::{self, Act, Failure};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// How such a call goes.
#[derive(Clone, Copy)]
pub struct Acting {
    order: Order,
    /// It is under way.
    pub busy: RwSignal<bool>,
    /// Why the last one did not work, as a sentence.
    pub trouble: RwSignal<Option<String>>,
}

impl Acting {
    /// Nothing is called yet.
    pub fn new(order: Order) -> Self {
        Self {
            order,
            busy: RwSignal::new(false),
            trouble: RwSignal::new(None),
        }
    }

    /// Calls; after success runs `done` and then shows what has become of the order.
    pub fn start(self, act: Act, done: Option<Box<dyn FnOnce()>>) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.trouble.set(None);
        spawn_local(async move {
            let keys = self.order.keys();
            let answer = api::act(&keys.order_id, &keys.access_token, act).await;
            // The order may have moved on meanwhile, and with it what asked.
            let is_here = self.busy.try_set(false).is_none();
            match answer {
                Ok(view) => {
                    if let (true, Some(done)) = (is_here, done) {
                        done();
                    }
                    self.order.feed.accept(view);
                }
                Err(failure) => {
                    // A refusal may mean that this page is behind.
                    if matches!(failure, Failure::Refused(_)) {
                        self.order.feed.refresh();
                    }
                    let _ = self.trouble.try_set(Some(failure.sentence()));
                }
            }
        });
    }
}
