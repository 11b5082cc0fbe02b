//! The Durable Object of one network address: how many unpaid orders came from there. Named by a hash of the address, which it
//! does not know otherwise.
//!
//! Invariant: where there is a row, there is an alarm, and it wipes the object once the row no longer matters. Read, decided and
//! saved without an await in between, as in a fleet.

use crate::rows::Rows;
use crate::{clock, objects, reply};
use kindling_domain::door::{Door, Limits};
use kindling_domain::error::ErrorCode;
use kindling_domain::id::OrderId;
use kindling_domain::order::Failure;
use kindling_domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// The Durable Object binding of doors.
const DOORS: &str = "DOOR";
/// The key of the one row.
const ROW: &str = "door";

/// One door.
#[durable_object(alarm)]
pub struct DoorObject {
    state: State,
    rows: Rows,
    /// The door as it was last saved; `None` until it was looked for, and while it is worked on.
    door: RefCell<Option<Door>>,
}

/// What is asked of a door.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    Admit {
        id: OrderId,
        until: UnixMillis,
        limits: Limits,
    },
    Leave {
        id: OrderId,
    },
}

impl DurableObject for DoorObject {
    fn new(state: State, env: Env) -> Self {
        clock::configure(&env);
        let rows = Rows::new(&state);
        Self {
            state,
            rows,
            door: RefCell::new(None),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let question = objects::question(&mut request).await?;
        match self.answer(question).await {
            Ok(answer) => reply::json(200, &answer),
            Err(error) => reply::broken("a door", &error),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        match self.load()?.empties_at() {
            Some(at) if at > clock::now() => clock::set_alarm(&self.state, at).await?,
            _ => {
                self.door.take();
                self.rows.forget();
                self.state.storage().delete_all().await?;
            }
        }
        Response::empty()
    }
}

impl DoorObject {
    /// On an error the memory stays empty, so that the next question finds what was really saved.
    async fn answer(&self, question: Question) -> Result<std::result::Result<(), ErrorCode>> {
        let now = clock::now();
        let before = match self.door.take() {
            Some(door) => door,
            None => self.load()?,
        };
        let mut door = before.clone();
        let answer = match question {
            Question::Admit { id, until, limits } => door.admit(id, until, limits, now),
            Question::Leave { id } => {
                door.leave(id);
                Ok(())
            }
        };
        if door != before {
            self.rows.put(ROW, &door)?;
        }
        let first = before.empties_at().is_none().then(|| door.empties_at());
        self.door.replace(Some(door));
        // Set in the same turn as the row is written, so both are saved or neither is. Later visits leave it where it is.
        if let Some(at) = first.flatten() {
            clock::set_alarm(&self.state, at).await?;
        }
        Ok(answer)
    }

    fn load(&self) -> Result<Door> {
        let row = self.rows.all()?.into_iter().next();
        Ok(row.map(|(_, door)| door).unwrap_or_default())
    }
}

/// A door as the rest of the Worker asks it. A door that does not answer is [`Failure::Unknown`]; any call may be repeated.
pub struct DoorClient<'a> {
    /// Where the binding is.
    pub env: &'a Env,
    /// What [`kindling_domain::door::visitor`] made of the address.
    pub name: String,
    /// The operator's settings.
    pub limits: Limits,
}

impl DoorClient<'_> {
    /// Lets an order in that can be paid until then. `Ok(Err(too_many_orders or too_many_requests))` if it must stay outside.
    pub async fn admit(
        &self,
        id: OrderId,
        until: UnixMillis,
    ) -> std::result::Result<std::result::Result<(), ErrorCode>, Failure> {
        let limits = self.limits;
        self.ask(&Question::Admit { id, until, limits }).await
    }

    /// The order was paid, or nothing came of it: it no longer counts as unpaid.
    pub async fn leave(&self, id: OrderId) -> std::result::Result<(), Failure> {
        self.ask(&Question::Leave { id }).await.map(|_| ())
    }

    async fn ask(
        &self,
        question: &Question,
    ) -> std::result::Result<std::result::Result<(), ErrorCode>, Failure> {
        objects::ask(self.env, DOORS, &self.name, question, objects::TIMEOUT).await
    }
}
