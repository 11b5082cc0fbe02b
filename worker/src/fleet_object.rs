//! The Durable Object of one fleet: who holds a place in it. Named after the fleet, such as `nyc3` or `fra1@b`.
//!
//! Atomicity: the object is the only one of its name, and each question is answered, decided and saved without an await in between;
//! so no two orders get the last place. What limits there are comes with the question: the object reads no settings.

use crate::rows::Rows;
use crate::{clock, objects, reply};
use kindling_domain::error::ErrorCode;
use kindling_domain::fleet::{Fleet, Limits, Row};
use kindling_domain::id::OrderId;
use kindling_domain::order::Failure;
use kindling_domain::time::UnixMillis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::time::Duration;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

/// The Durable Object binding of fleets.
const FLEETS: &str = "FLEET";

/// One fleet.
#[durable_object(fetch)]
pub struct FleetObject {
    rows: Rows,
    /// The fleet as it was last saved; `None` until it was looked for, and while it is worked on.
    fleet: RefCell<Option<Fleet>>,
}

/// What is asked of a fleet.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    Reserve {
        id: OrderId,
        until: UnixMillis,
        limits: Limits,
    },
    Claim {
        id: OrderId,
        limits: Limits,
    },
    Release {
        id: OrderId,
    },
    Note {
        id: OrderId,
        note: Option<String>,
    },
    Free {
        limits: Limits,
    },
    Status {
        limits: Limits,
    },
}

/// A fleet as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetStatus {
    /// How many more orders it takes.
    pub free: u32,
    /// Every order that holds a place or needs a look.
    pub orders: Vec<FleetOrder>,
}

/// One order in a [`FleetStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetOrder {
    /// The order.
    pub id: OrderId,
    /// Its place and its note.
    #[serde(flatten)]
    pub row: Row,
}

impl DurableObject for FleetObject {
    fn new(state: State, env: Env) -> Self {
        clock::configure(&env);
        Self {
            rows: Rows::new(&state),
            fleet: RefCell::new(None),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let question = objects::question(&mut request).await?;
        match self.answer(question) {
            Ok(text) => reply::json_text(200, text),
            Err(error) => reply::broken("a fleet", &error),
        }
    }
}

impl FleetObject {
    /// On an error the memory stays empty, so that the next question finds what was really saved.
    fn answer(&self, question: Question) -> Result<String> {
        let now = clock::now();
        let mut fleet = match self.fleet.take() {
            Some(fleet) => fleet,
            None => self.load()?,
        };
        let answer = match question {
            Question::Reserve { id, until, limits } => {
                serde_json::to_string(&fleet.reserve(id, until, limits, now))
            }
            Question::Claim { id, limits } => serde_json::to_string(&fleet.claim(id, limits, now)),
            Question::Release { id } => serde_json::to_string(&fleet.release(id)),
            Question::Note { id, note } => serde_json::to_string(&fleet.note(id, note)),
            Question::Free { limits } => serde_json::to_string(&fleet.free(limits, now)),
            Question::Status { limits } => serde_json::to_string(&status(&fleet, limits, now)),
        }?;
        for (id, row) in fleet.take_changes() {
            match row {
                Some(row) => self.rows.put(&id.to_string(), row)?,
                None => self.rows.delete(&id.to_string())?,
            }
        }
        self.fleet.replace(Some(fleet));
        Ok(answer)
    }

    fn load(&self) -> Result<Fleet> {
        let mut rows = Vec::new();
        for (key, row) in self.rows.all::<Row>()? {
            let id = OrderId::parse(&key)
                .map_err(|_| Error::RustError("a fleet's row is under no order's id".to_owned()))?;
            rows.push((id, row));
        }
        Ok(Fleet::load(rows))
    }
}

fn status(fleet: &Fleet, limits: Limits, now: UnixMillis) -> FleetStatus {
    let orders = fleet.list(now).into_iter();
    FleetStatus {
        free: fleet.free(limits, now),
        orders: orders.map(|(id, row)| FleetOrder { id, row }).collect(),
    }
}

/// A fleet as the rest of the Worker asks it. A fleet that does not answer is [`Failure::Unknown`]; any call may be repeated.
pub struct FleetClient<'a> {
    /// Where the binding is.
    pub env: &'a Env,
    /// The fleet's name.
    pub name: String,
    /// The operator's settings for it.
    pub limits: Limits,
}

impl FleetClient<'_> {
    /// Keeps a place for an order until then, while its invoice can be paid. `Ok(Err(no_capacity))` if there is none.
    pub async fn reserve(
        &self,
        id: OrderId,
        until: UnixMillis,
    ) -> std::result::Result<std::result::Result<(), ErrorCode>, Failure> {
        let limits = self.limits;
        self.ask(&Question::Reserve { id, until, limits }).await
    }

    /// The order is paid: whether it has a place, now for good.
    pub async fn claim(&self, id: OrderId) -> std::result::Result<bool, Failure> {
        let limits = self.limits;
        self.ask(&Question::Claim { id, limits }).await
    }

    /// Gives an order's place back.
    pub async fn release(&self, id: OrderId) -> std::result::Result<(), Failure> {
        self.ask(&Question::Release { id }).await
    }

    /// Tells the operator something about an order, or takes it back. It is kept when the place is released.
    pub async fn note(
        &self,
        id: OrderId,
        note: Option<String>,
    ) -> std::result::Result<(), Failure> {
        self.ask(&Question::Note { id, note }).await
    }

    /// How many more orders the fleet takes, if it says so within this time.
    pub async fn free(&self, within: Duration) -> std::result::Result<u32, Failure> {
        let limits = self.limits;
        let question = Question::Free { limits };
        objects::ask(self.env, FLEETS, &self.name, &question, within).await
    }

    /// Who holds a place, and what the operator should look at.
    pub async fn status(&self) -> std::result::Result<FleetStatus, Failure> {
        let limits = self.limits;
        self.ask(&Question::Status { limits }).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        question: &Question,
    ) -> std::result::Result<T, Failure> {
        objects::ask(self.env, FLEETS, &self.name, question, objects::TIMEOUT).await
    }
}
