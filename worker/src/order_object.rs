//! The Durable Object of one order: decides with `domain`, saves, then performs.
//!
//! Atomicity: the object is the only one of its id, and everything between two awaits runs alone. Each request therefore reads,
//! decides and saves without an await in between. Effects are performed by the alarm alone, which the runtime never runs twice at
//! once, so hints, polls and webhooks can only ask it to come sooner.

mod alarm;
mod bell;
mod commands;
mod inside;
mod invoices;
mod live;

use crate::alarm_clock::AlarmClock;
use crate::apart::apart;
use crate::clock::{self, now};
use crate::config::Config;
use crate::objects;
use crate::reply;
use crate::routes::{Ask, ask, path_of};
use crate::store::Store;
use futures_util::lock::Mutex;
use kindling_domain::error::{ApiError, ErrorCode};
use kindling_domain::order::{Due, Event, Order, State as OrderState};
use kindling_domain::time::{UnixMillis, WireTime};
use kindling_domain::wire::BackupResponse;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use worker::js_sys::JsString;
use worker::wasm_bindgen;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::web_sys;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, console_error, durable_object,
};

pub use inside::{Audit, Inside, Story, ask_order};

/// While the alarm works, the next one stands this far off, in milliseconds: if the object dies, that one takes over.
const LEASE_MILLIS: u64 = 60_000;

/// One order.
#[durable_object]
pub struct OrderObject {
    state: State,
    env: Env,
    store: Store,
    /// The order as it was last saved or remembered; `None` until it was looked for.
    order: RefCell<Option<Option<Order>>>,
    /// Its row as it stands in the storage.
    row: RefCell<String>,
    /// The answer to a status read, until the order changes.
    view: RefCell<Option<String>>,
    /// The same as JavaScript has it, once somebody has read it.
    seen: RefCell<Option<JsString>>,
    /// Held while an invoice is asked for.
    opening: Mutex<()>,
    alarm: AlarmClock,
    /// Whether the object that was here before left something undone, and nobody has called the alarm since.
    recovered: Cell<bool>,
}

impl DurableObject for OrderObject {
    fn new(state: State, env: Env) -> Self {
        clock::configure(&env);
        let store = Store::new(&state);
        Self {
            state,
            env,
            store,
            order: RefCell::new(None),
            row: RefCell::new(String::new()),
            view: RefCell::new(None),
            seen: RefCell::new(None),
            opening: Mutex::new(()),
            alarm: AlarmClock::new(),
            recovered: Cell::new(false),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let answered = match self.answer(request).await {
            // What was cut is taken up by the alarm a lease later at the latest; whoever asks before that need not wait.
            Ok(answer) if self.recovered.take() => {
                let called = self.alarm.set_by(&self.state, now()).await;
                called.map(|()| answer)
            }
            answered => answered,
        };
        match answered {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(refusal)) => reply::refuse(refusal),
            Err(error) => reply::broken("an order", &error),
        }
    }

    /// Never fails: the runtime gives a failing alarm up after a few tries, and a paid order must not be given up.
    async fn alarm(&self) -> Result<Response> {
        if let Err(error) = self.drive().await {
            console_error!("an order's alarm: {error}");
            // Read again before anything else is done: what was begun and not saved as answered is of unknown outcome.
            *self.order.borrow_mut() = None;
            self.alarm.doubt();
            let later = now().plus_millis(LEASE_MILLIS);
            self.alarm.set(&self.state, later).await?;
        }
        Response::empty()
    }

    /// Clients have nothing to say here; their "ping" is answered by the runtime without waking the object.
    async fn websocket_message(
        &self,
        _socket: WebSocket,
        _message: WebSocketIncomingMessage,
    ) -> Result<()> {
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        _code: usize,
        _reason: String,
        _clean: bool,
    ) -> Result<()> {
        // Already closed by the other side; answering completes the handshake where it is still open.
        let _ = socket.close(Some(1000), Some("bye"));
        Ok(())
    }

    async fn websocket_error(&self, _socket: WebSocket, _error: Error) -> Result<()> {
        Ok(())
    }
}

#[wasm_bindgen]
impl OrderObject {
    /// Answers a status read of an order that has nothing else to do, without a future, a copy of the order or of its view: this is what
    /// is asked most. `None` leaves the request to `fetch`.
    #[wasm_bindgen(js_name = readAtOnce)]
    pub fn read_at_once(&self, request: &web_sys::Request) -> Option<reply::Seen> {
        if !matches!(ask(path_of(&request.url())), Ok(Ask::View)) {
            return None;
        }
        let header = request.headers().get("authorization").ok()?;
        self.load().ok()?;
        let readable = match &*self.order.borrow() {
            Some(Some(order)) => opened_by(order, bearer(header.as_deref())) && !may_be_paid(order),
            _ => false,
        };
        if !readable || self.recovered.get() {
            return None;
        }
        let mut seen = self.seen.borrow_mut();
        if seen.is_none() {
            *seen = Some(JsString::from(self.view.borrow().as_deref()?));
        }
        reply::seen(seen.as_ref()?)
    }
}

type Answered = std::result::Result<Response, ApiError>;

impl OrderObject {
    fn config(&self) -> Rc<Config> {
        Config::of(&self.env)
    }

    fn set_view(&self, view: Option<String>) {
        self.seen.take();
        *self.view.borrow_mut() = view;
    }

    /// Looks for the order, once. Loaded anew, whatever was begun and not answered is taken as of unknown outcome.
    fn load(&self) -> Result<()> {
        if self.order.borrow().is_some() {
            return Ok(());
        }
        let Some(row) = self.store.order()? else {
            *self.order.borrow_mut() = Some(None);
            return Ok(());
        };
        self.take_up(row)
    }

    /// Remembers an order as it was found.
    fn take_up(&self, row: String) -> Result<()> {
        let mut order = Order::read(&row)?;
        self.set_view(shown(&order)?);
        *self.row.borrow_mut() = row;
        let cut = order.is_cut();
        if cut {
            order.recover(now());
            self.save(&mut order)?;
        } else {
            self.remember(&order);
        }
        let waits = cut || matches!(order.due(now()), Due::Perform(_));
        self.recovered.set(waits);
        Ok(())
    }

    /// The order, to be changed and saved, or not.
    fn order(&self) -> Result<Option<Order>> {
        self.load()?;
        Ok(self.order.borrow().clone().flatten())
    }

    /// Saves what is new of the order, in one row, and tells whoever watches if it looks different now.
    fn save(&self, order: &mut Order) -> Result<()> {
        let changed = shown(order)? != *self.view.borrow();
        if changed {
            order.revision += 1;
        }
        let old = order.take_old_lines();
        let row = serde_json::to_string(order)?;
        if !old.is_empty() {
            self.store.append(&old)?;
        }
        if row != *self.row.borrow() {
            self.store.save(&row)?;
            *self.row.borrow_mut() = row;
        }
        if matches!(order.state, OrderState::Ended { .. }) {
            // The machine it opens is no more. Deleting what is not there writes nothing.
            self.store.erase_bundle()?;
        }
        self.remember(order);
        if changed && let Some(view) = shown(order)? {
            self.broadcast(&view);
            self.set_view(Some(view));
        }
        Ok(())
    }

    /// Keeps what is worth no write.
    fn remember(&self, order: &Order) {
        *self.order.borrow_mut() = Some(Some(order.clone()));
    }

    /// Has the alarm come by the time that the order needs it.
    async fn wake_for(&self, order: &Order) -> Result<()> {
        match next_of(order) {
            Some(at) => self.alarm.set_by(&self.state, at).await,
            // One that stands will find nothing to do; taking it away would cost as much.
            None => Ok(()),
        }
    }

    async fn answer(&self, mut request: Request) -> Result<Answered> {
        let path = request.path();
        if path == inside::PATH {
            let question = objects::question(&mut request).await?;
            return apart(self.inside(question)).await;
        }
        self.alarm.learn(&self.state).await?;
        match ask(&path) {
            Err(refusal) => Ok(Err(refusal)),
            Ok(Ask::View) => apart(self.read(&request)).await,
            Ok(Ask::Live) => self.live(&request),
            Ok(Ask::KeptBackup) => self.kept_backup(&request),
            Ok(Ask::Hook(hook)) => apart(self.hint(hook)).await,
            Ok(Ask::StubPay(hash)) => apart(self.stub_pay(hash)).await,
            Ok(Ask::Push) => {
                let body = request.bytes().await?;
                self.subscription(&request, &body)
            }
            Ok(ask) => {
                let body = request.bytes().await?;
                apart(self.command(ask, &request, &body)).await
            }
        }
    }

    /// The order, if the request's bearer token opens it.
    fn opened(&self, token: Option<&str>) -> Result<Option<Order>> {
        Ok(self.order()?.filter(|order| opened_by(order, token)))
    }

    async fn read(&self, request: &Request) -> Result<Answered> {
        let header = request.headers().get("authorization")?;
        let token = bearer(header.as_deref());
        self.load()?;
        // Looked at in place: a copy of the order would be the dearest part of a status read.
        let (opens, waits) = match &*self.order.borrow() {
            Some(Some(order)) => (opened_by(order, token), may_be_paid(order)),
            _ => (false, false),
        };
        if !opens {
            return Ok(Err(ErrorCode::NotFound.into()));
        }
        if waits && let Some(order) = self.order()? {
            self.hinted(order).await?;
        }
        match &*self.view.borrow() {
            Some(view) => Ok(Ok(reply::json_text(200, view.clone())?)),
            None => Ok(Err(ErrorCode::NotFound.into())),
        }
    }

    /// The channel backup that is kept under the order link.
    fn kept_backup(&self, request: &Request) -> Result<Answered> {
        let header = request.headers().get("authorization")?;
        let kept = match self.opened(bearer(header.as_deref()))? {
            Some(order) => self.store.backup()?.zip(order.backup_at),
            None => None,
        };
        Ok(match kept {
            Some((sealed, at)) => {
                let at = WireTime(at);
                Ok(reply::json(200, &BackupResponse { sealed, at })?)
            }
            None => Err(ErrorCode::NotFound.into()),
        })
    }

    /// Somebody looks, or LNbits calls: look the payment up soon. Writes nothing.
    async fn hinted(&self, mut order: Order) -> Result<()> {
        if may_be_paid(&order) {
            order.apply(Event::PaymentHint, now());
            self.remember(&order);
            self.wake_for(&order).await?;
        }
        Ok(())
    }

    async fn hint(&self, hook: &str) -> Result<Answered> {
        match self.order()? {
            Some(order) if order.hook == hook => {
                self.hinted(order).await?;
                Ok(Ok(reply::json_text(200, "{}".to_owned())?))
            }
            _ => Ok(Err(ErrorCode::NotFound.into())),
        }
    }
}

/// When the order has something to do next, be it a notification.
fn next_of(order: &Order) -> Option<UnixMillis> {
    let due = match order.due(now()) {
        Due::Perform(_) => Some(now()),
        Due::Wait(at, _) => Some(at),
        Due::Idle => None,
    };
    let ring = order.next_ring();
    due.zip(ring)
        .map_or(due.or(ring), |(due, ring)| Some(due.min(ring)))
}

/// What a customer sees, as JSON.
fn shown(order: &Order) -> Result<Option<String>> {
    Ok(order
        .view()
        .map(|view| serde_json::to_string(&view))
        .transpose()?)
}

/// Whether a bearer token opens the order. A draft is nothing anybody has seen.
fn opened_by(order: &Order, token: Option<&str>) -> bool {
    order.state != OrderState::Draft && token.is_some_and(|token| order.opens_with(token))
}

/// Whether a look at LNbits could find the order paid.
fn may_be_paid(order: &Order) -> bool {
    order.may_be_paid() && !order.plan.stubs.lightning
}

/// The token of an `Authorization: Bearer …` header (RFC 6750).
pub fn bearer(header: Option<&str>) -> Option<&str> {
    let (scheme, token) = header?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
