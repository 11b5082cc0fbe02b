//! The Durable Object of one order: decides with `domain`, saves, then performs.
//!
//! Atomicity: the object is the only one of its id, and everything between two awaits runs alone. Each request therefore reads,
//! decides and saves without an await in between. Effects are performed by the alarm alone, which the runtime never runs twice at
//! once, so hints, polls and webhooks can only ask it to come sooner.

mod alarm;

use crate::config::Config;
use crate::routes::{Ask, OPEN_PATH, OpenOrder, ask};
use crate::store::Store;
use crate::{lnbits, random, reply, stub};
use futures_util::lock::Mutex;
use kindling_domain::error::{ApiError, ErrorCode};
use kindling_domain::order::{Due, Event, NewOrder, Order, State as OrderState};
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{
    AckResponse, BootstrapResponse, ClaimRequest, ClaimResponse, Delivery, LIVE_PROTOCOL,
    MachineDelivery, MachineHeartbeat, MachineReport, PairRequest, SIGNATURE_HEADER, read_json,
};
use std::cell::{Cell, OnceCell, RefCell};
use worker::{
    Date, DurableObject, Env, Error, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, WebSocketPair, WebSocketRequestResponsePair, console_error,
    durable_object,
};

/// While the alarm works, the next one stands this far off, in milliseconds: if the object dies, that one takes over.
const LEASE_MILLIS: u64 = 60_000;
/// The most live connections of one order.
const MAX_LIVE: usize = 16;

/// One order.
#[durable_object]
pub struct OrderObject {
    state: State,
    env: Env,
    store: Store,
    config: OnceCell<Config>,
    /// The order as it was last saved; `None` until it was looked for.
    order: RefCell<Option<Option<Order>>>,
    /// The answer to a status read, until the order changes.
    view: RefCell<Option<String>>,
    /// Held while an invoice is asked for.
    opening: Mutex<()>,
    /// Whether the alarm is on its way already.
    called: Cell<bool>,
    /// Whether the object that was here before died in the middle of an effect, and nobody has called the alarm since.
    recovered: Cell<bool>,
}

fn now() -> UnixMillis {
    UnixMillis(Date::now().as_millis())
}

impl DurableObject for OrderObject {
    fn new(state: State, env: Env) -> Self {
        let store = Store::new(&state);
        Self {
            state,
            env,
            store,
            config: OnceCell::new(),
            order: RefCell::new(None),
            view: RefCell::new(None),
            opening: Mutex::new(()),
            called: Cell::new(false),
            recovered: Cell::new(false),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let answered = match self.answer(request).await {
            // What was cut is taken up by the alarm a lease later at the latest; whoever asks before that need not wait.
            Ok(answer) if self.recovered.take() => self.call_alarm().await.map(|()| answer),
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
            self.set_alarm(now().plus_millis(LEASE_MILLIS)).await?;
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

type Answered = std::result::Result<Response, ApiError>;

impl OrderObject {
    fn config(&self) -> &Config {
        self.config.get_or_init(|| Config::read(&self.env))
    }

    /// Looks for the order, once. Loaded anew, whatever was begun and not answered is taken as of unknown outcome.
    fn load(&self) -> Result<()> {
        if self.order.borrow().is_some() {
            return Ok(());
        }
        match self.store.order()? {
            Some(mut order) if order.is_cut() => {
                order.recover(now());
                self.save(&order)?;
                self.recovered.set(true);
            }
            order => *self.order.borrow_mut() = Some(order),
        }
        Ok(())
    }

    /// The order, to be changed and saved, or not.
    fn order(&self) -> Result<Option<Order>> {
        self.load()?;
        Ok(self.order.borrow().clone().flatten())
    }

    /// Saves the order, and tells whoever watches if it looks different now.
    fn save(&self, order: &Order) -> Result<()> {
        self.store.save(order)?;
        self.remember(order);
        let view = serde_json::to_string(&order.view())?;
        let changed = self.view.borrow().as_ref() != Some(&view);
        if changed && order.view().is_some() {
            for socket in self.state.get_websockets() {
                // A socket that cannot be written to is closing; its client polls or comes back.
                let _ = socket.send_with_str(&view);
            }
            *self.view.borrow_mut() = Some(view);
        }
        Ok(())
    }

    /// Keeps what is worth no write.
    fn remember(&self, order: &Order) {
        *self.order.borrow_mut() = Some(Some(order.clone()));
    }

    async fn set_alarm(&self, at: UnixMillis) -> Result<()> {
        // An offset from now, at least 1 ms, because the binding takes 0 for "no offset".
        let offset = i64::try_from(at.since(now()).max(1)).unwrap_or(i64::MAX);
        self.state.storage().set_alarm(offset).await
    }

    /// Asks the alarm to come at once.
    async fn call_alarm(&self) -> Result<()> {
        if !self.called.replace(true) {
            self.set_alarm(now()).await?;
        }
        Ok(())
    }

    async fn answer(&self, mut request: Request) -> Result<Answered> {
        let path = request.path();
        if path == OPEN_PATH {
            return self.open(request.json().await?).await;
        }
        match ask(&path) {
            Err(refusal) => Ok(Err(refusal)),
            Ok(Ask::View) => self.read(&request).await,
            Ok(Ask::Live) => self.live(&request),
            Ok(Ask::Hook(hook)) => self.hint(hook).await,
            Ok(Ask::StubPay(hash)) => self.stub_pay(hash).await,
            Ok(ask) => {
                let body = request.bytes().await?;
                self.command(ask, &request, &body).await
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
        if let Some(view) = &*self.view.borrow() {
            return Ok(Ok(reply::json_text(200, view.clone())?));
        }
        let view = serde_json::to_string(&self.order()?.and_then(|order| order.view()))?;
        *self.view.borrow_mut() = Some(view.clone());
        Ok(Ok(reply::json_text(200, view)?))
    }

    /// Somebody looks, or LNbits calls: look the payment up soon. Writes nothing.
    async fn hinted(&self, mut order: Order) -> Result<()> {
        if may_be_paid(&order) {
            order.apply(Event::PaymentHint, now());
            self.remember(&order);
            self.call_alarm().await?;
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

    async fn stub_pay(&self, hash: &str) -> Result<Answered> {
        let Some(mut order) = self.order()?.filter(|order| order.plan.stubs.lightning) else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        let ours = |order: &Order| match &order.state {
            OrderState::AwaitingPayment { invoice, .. } | OrderState::Expired { invoice, .. } => {
                invoice.payment_hash == hash
            }
            _ => false,
        };
        if !ours(&order) {
            return Ok(Err(ErrorCode::NotFound.into()));
        }
        order.apply(Event::Payment(Ok(stub::payment(&order, hash, true))), now());
        self.save(&order)?;
        self.call_alarm().await?;
        Ok(Ok(reply::json(200, &order.view())?))
    }

    /// Opens an order: saves a draft, asks for its invoice, and shows it. The same order again is the same answer.
    async fn open(&self, new: OpenOrder) -> Result<Answered> {
        let _opening = self.opening.lock().await;
        if let Some(order) = self
            .order()?
            .filter(|order| order.state != OrderState::Draft)
        {
            let access_hash = new
                .access_token
                .is_none()
                .then_some(new.access_hash.as_str());
            if !order.is_same(&new.request, access_hash) {
                return Ok(Err(ErrorCode::OrderExists.into()));
            }
            return created(&order, None).map(Ok);
        }
        let config = self.config();
        let now_ = now();
        let mut order = Order::draft(
            NewOrder {
                id: new.id,
                request: new.request,
                access_hash: new.access_hash,
                access_drawn: new.access_token.is_some(),
                hook: hex::encode(random::bytes::<16>()?),
                price: new.price,
                plan: new.plan,
                invoice_seconds: config.invoice_seconds,
            },
            now_,
        );
        self.store.prepare()?;
        let invoice = match &config.lnbits {
            Some(lnbits) => {
                // Saved before LNbits is asked, so that the object that comes after this one knows to throw the draft away.
                self.save(&order)?;
                if let Due::Wait(at, _) = order.due(now_) {
                    self.set_alarm(at).await?;
                }
                lnbits::create_invoice(lnbits, config, &order).await
            }
            None => Some(stub::invoice(config, &order, now_)?),
        };
        let Some(invoice) = invoice else {
            self.erase().await?;
            return Ok(Err(ErrorCode::LightningUnavailable.into()));
        };
        order.open(invoice, now());
        self.save(&order)?;
        if let Due::Wait(at, _) = order.due(now()) {
            self.set_alarm(at).await?;
        }
        created(&order, new.access_token).map(Ok)
    }

    /// Leaves no trace.
    async fn erase(&self) -> Result<()> {
        self.state.storage().delete_alarm().await?;
        self.state.storage().delete_all().await?;
        *self.order.borrow_mut() = Some(None);
        *self.view.borrow_mut() = None;
        Ok(())
    }

    /// A call with a body that changes the order: the customer's by bearer token, the machine's by signature.
    async fn command(&self, ask: Ask<'_>, request: &Request, body: &[u8]) -> Result<Answered> {
        let header = request.headers().get("authorization")?;
        let signature = request.headers().get(SIGNATURE_HEADER)?.unwrap_or_default();
        let order = match ask {
            Ask::Claim | Ask::Acknowledge => self.opened(bearer(header.as_deref()))?,
            _ => self.order()?,
        };
        let Some(mut order) = order else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        let before = order.clone();
        let outcome = match ask {
            Ask::Claim => self.claim(&mut order, body),
            Ask::Acknowledge => self.acknowledge(&mut order, body),
            Ask::Pair => pair(&mut order, body),
            _ => self.machine(&mut order, ask, body, &signature),
        };
        let text = match outcome? {
            Ok(text) => text,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if order != before {
            self.save(&order)?;
            if order.state != before.state {
                self.call_alarm().await?;
            }
        }
        Ok(Ok(reply::json_text(200, text)?))
    }

    fn claim(&self, order: &mut Order, body: &[u8]) -> Result<Outcome> {
        let mut claim = || -> std::result::Result<(), ApiError> {
            let request: ClaimRequest = read_json(body)?;
            request.check()?;
            order.claim(&request.nonce, now())
        };
        if let Err(refusal) = claim() {
            return Ok(Err(refusal));
        }
        match self.store.bundle()? {
            Some(sealed) => Ok(Ok(serde_json::to_string(&ClaimResponse { sealed })?)),
            None => Ok(Err(ErrorCode::BundleErased.into())),
        }
    }

    fn acknowledge(&self, order: &mut Order, body: &[u8]) -> Result<Outcome> {
        let mut acknowledge = || -> std::result::Result<(), ApiError> {
            let request: ClaimRequest = read_json(body)?;
            request.check()?;
            order.acknowledge(&request.nonce)
        };
        if let Err(refusal) = acknowledge() {
            return Ok(Err(refusal));
        }
        self.store.erase_bundle()?;
        Ok(Ok(serde_json::to_string(&AckResponse {
            delivery: Delivery::Erased,
        })?))
    }

    fn machine(
        &self,
        order: &mut Order,
        ask: Ask<'_>,
        body: &[u8],
        signature: &str,
    ) -> Result<Outcome> {
        if let Err(refusal) = order.verify_machine(body, signature) {
            return Ok(Err(refusal));
        }
        let heard = match ask {
            Ask::Report => {
                read_json::<MachineReport>(body).and_then(|report| order.report(&report, now()))
            }
            Ask::Heartbeat => {
                read_json::<MachineHeartbeat>(body).and_then(|beat| order.hear(beat.nonce, now()))
            }
            _ => {
                let delivery = read_json::<MachineDelivery>(body);
                match delivery.and_then(|delivery| Ok((order.deliver(&delivery, now())?, delivery)))
                {
                    Ok((true, delivery)) => {
                        return self
                            .store
                            .save_bundle(&delivery.sealed)
                            .map(|()| Ok("{}".to_owned()));
                    }
                    Ok((false, _)) => Ok(()),
                    Err(refusal) => Err(refusal),
                }
            }
        };
        Ok(heard.map(|()| "{}".to_owned()))
    }

    /// Opens a live connection. Browsers cannot set headers on a WebSocket, so the token comes as a subprotocol.
    fn live(&self, request: &Request) -> Result<Answered> {
        let headers = request.headers();
        if headers
            .get("upgrade")?
            .is_none_or(|value| !value.eq_ignore_ascii_case("websocket"))
        {
            return Ok(Err(ErrorCode::UpgradeRequired.into()));
        }
        let offered = headers.get("sec-websocket-protocol")?.unwrap_or_default();
        let mut offered = offered.split(',').map(str::trim);
        let token = if offered.next() == Some(LIVE_PROTOCOL) {
            offered.next()
        } else {
            None
        };
        let Some(order) = self.opened(token)? else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        if self.state.get_websockets().len() >= MAX_LIVE {
            return Ok(Err(ErrorCode::TooManyRequests.into()));
        }
        let pair = WebSocketPair::new()?;
        self.state
            .set_websocket_auto_response(&WebSocketRequestResponsePair::new("ping", "pong")?);
        self.state.accept_web_socket(&pair.server);
        pair.server
            .send_with_str(serde_json::to_string(&order.view())?)?;
        let response = Response::from_websocket(pair.client)?;
        response
            .headers()
            .set("sec-websocket-protocol", LIVE_PROTOCOL)?;
        Ok(Ok(response))
    }
}

type Outcome = std::result::Result<String, ApiError>;

fn pair(order: &mut Order, body: &[u8]) -> Result<Outcome> {
    match read_json::<PairRequest>(body).and_then(|request| order.pair(&request, now())) {
        Ok(answer) => Ok(Ok(serde_json::to_string(&answer)?)),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// The 201 of a new order, and of the same order asked for again.
fn created(order: &Order, access_token: Option<Secret>) -> Result<Response> {
    let Some(mut view) = order.view() else {
        return reply::refuse(ErrorCode::TemporarilyUnavailable);
    };
    if order.access_drawn && access_token.is_none() {
        view.message = "The access token of this order was given once, with its first answer. Without it, do not pay: order anew."
            .to_owned();
    }
    let order_url = format!("{}/orders/{}", order.plan.public_url, order.id);
    reply::json(
        201,
        &BootstrapResponse {
            order: view,
            order_url,
            access_token,
        },
    )
}

/// Whether a bearer token opens the order. A draft is nothing anybody has seen.
fn opened_by(order: &Order, token: Option<&str>) -> bool {
    order.state != OrderState::Draft && token.is_some_and(|token| order.opens_with(token))
}

/// Whether a look at LNbits could find the order paid.
fn may_be_paid(order: &Order) -> bool {
    let unpaid = matches!(
        order.state,
        OrderState::AwaitingPayment { .. } | OrderState::Expired { .. }
    );
    unpaid && !order.plan.stubs.lightning
}

/// The token of an `Authorization: Bearer …` header (RFC 6750).
fn bearer(header: Option<&str>) -> Option<&str> {
    let (scheme, token) = header?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
