//! The server as the page sees it: the only file that fetches or opens a WebSocket.

use crate::browser::origin;
use crate::{json, refusals, words};
use js_sys::{Array, Promise, Reflect};
use kindling_domain::error::{ApiError, ErrorBody};
use kindling_domain::id::OrderId;
use kindling_domain::money::Sats;
use kindling_domain::secret::Secret;
use kindling_domain::wire::lean::{Json, Lean, field};
use kindling_domain::wire::{
    AckResponse, BackupResponse, BootstrapRequest, Catalogue, ClaimRequest, ClaimResponse,
    ExtendRequest, LIVE_PROTOCOL, OrderView, PairingResponse, PushRequest, RefundRequest,
};
use leptos::prelude::window;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, MessageEvent, ReferrerPolicy, RequestCache, RequestCredentials,
    RequestInit, RequestRedirect, Response, WebSocket,
};

/// How long an answer may take, in milliseconds. The server itself waits for Lightning at most a few seconds.
const PATIENCE: u32 = 20_000;

/// Why a call gave no answer to work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server said no, with its reason.
    Refused(ApiError),
    /// No connection, or nothing came back in time.
    Unreachable,
    /// Something answered that does not speak this API: a proxy, a captive portal, a broken deployment.
    Strange,
}

impl Failure {
    /// One sentence for the person.
    pub fn sentence(&self) -> String {
        match self {
            Self::Refused(error) => refusals::sentence(error),
            Self::Unreachable => words::errors::unreachable().to_owned(),
            Self::Strange => words::errors::strange().to_owned(),
        }
    }
}

/// What is sold.
pub async fn catalogue() -> Result<Catalogue, Failure> {
    let answered = match asked_already() {
        Some(answer) => JsFuture::from(answer).await.map(|answer| {
            let parts: Array = answer.unchecked_into();
            (
                parts.get(0).is_truthy(),
                parts.get(1).as_string().unwrap_or_default(),
            )
        }),
        None => exchange("GET", "/api/catalogue", None, None).await,
    };
    json::read(&accepted(answered)?).ok_or(Failure::Strange)
}

/// The call for the catalogue that `boot.js` has made before this program was here. It serves once.
fn asked_already() -> Option<Promise> {
    const CALL: &str = "kindlingCatalogue";
    let window = window();
    let call = Reflect::get(&window, &CALL.into()).ok()?.dyn_into().ok()?;
    // Fails for nothing on this object.
    let _ = Reflect::delete_property(&window, &CALL.into());
    Some(call)
}

/// What the page reads of a new order: it made id, token and link itself, and reads the rest on the order's own page.
pub struct Made {
    /// The price.
    pub amount_sats: Sats,
}

impl Lean for Made {
    fn read(value: &impl Json) -> Option<Self> {
        let amount_sats = field(value, "amountSats")?;
        Some(Self { amount_sats })
    }
}

/// Orders. The same request again gives the same order.
pub async fn bootstrap(request: &BootstrapRequest) -> Result<Made, Failure> {
    let text = answer("POST", "/api/bootstrap", None, Some(written(request)?)).await?;
    json::read(&text).ok_or(Failure::Strange)
}

/// The order as it stands.
pub async fn order(id: &OrderId, token: &Secret) -> Result<OrderView, Failure> {
    call("GET", &format!("/api/bootstrap/{id}"), Some(token), None).await
}

/// Takes the sealed bundle.
pub async fn claim(id: &OrderId, token: &Secret, nonce: String) -> Result<ClaimResponse, Failure> {
    let body = written(&ClaimRequest { nonce })?;
    call(
        "POST",
        &format!("/api/bootstrap/{id}/claim"),
        Some(token),
        Some(body),
    )
    .await
}

/// Has the sealed bundle erased.
pub async fn acknowledge(
    id: &OrderId,
    token: &Secret,
    nonce: String,
) -> Result<AckResponse, Failure> {
    let body = written(&ClaimRequest { nonce })?;
    call(
        "POST",
        &format!("/api/bootstrap/{id}/ack"),
        Some(token),
        Some(body),
    )
    .await
}

/// Has a one-shot token made that pairs the machine again.
pub async fn pair_again(id: &OrderId, token: &Secret) -> Result<PairingResponse, Failure> {
    let path = format!("/api/bootstrap/{id}/pairing");
    call("POST", &path, Some(token), Some("{}".to_owned())).await
}

/// The kept channel backup, sealed.
pub async fn backup(id: &OrderId, token: &Secret) -> Result<BackupResponse, Failure> {
    let path = format!("/api/bootstrap/{id}/backup");
    call("GET", &path, Some(token), None).await
}

/// A call that changes the order.
pub enum Act {
    /// An invoice for more hours; for the same hours again it is the same one while it is payable.
    Extend(u32),
    /// Where a refund is to go; the last word counts.
    Refund(String),
    /// The machine is removed before its time.
    Destroy,
    /// Another invoice after the first one ran out.
    Renew,
    /// The machine's key is forgotten.
    RevokePairing,
}

/// Makes that call; the answer is what has become of the order.
pub async fn act(id: &OrderId, token: &Secret, act: Act) -> Result<OrderView, Failure> {
    let (what, body) = match act {
        Act::Extend(hours) => ("extend", written(&ExtendRequest { hours })?),
        Act::Refund(refund_to) => ("refund", written(&RefundRequest { refund_to })?),
        Act::Destroy => ("destroy", "{}".to_owned()),
        Act::Renew => ("renew", "{}".to_owned()),
        Act::RevokePairing => ("pairing/revoke", "{}".to_owned()),
    };
    let path = format!("/api/bootstrap/{id}/{what}");
    call("POST", &path, Some(token), Some(body)).await
}

/// Has this device told when the order is ready or has failed.
pub async fn tell(id: &OrderId, token: &Secret, endpoint: Secret) -> Result<(), Failure> {
    push("PUT", id, token, endpoint).await
}

/// Has this device told no more.
pub async fn tell_no_more(id: &OrderId, token: &Secret, endpoint: Secret) -> Result<(), Failure> {
    push("DELETE", id, token, endpoint).await
}

async fn push(method: &str, id: &OrderId, token: &Secret, endpoint: Secret) -> Result<(), Failure> {
    let path = format!("/api/bootstrap/{id}/push");
    let body = written(&PushRequest { endpoint })?;
    call(method, &path, Some(token), Some(body)).await
}

/// Pays an invoice of stub Lightning.
pub async fn pay_stub(payment_hash: &str) -> Result<OrderView, Failure> {
    call(
        "POST",
        &format!("/api/dev/stub/pay/{payment_hash}"),
        None,
        None,
    )
    .await
}

fn written(body: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(body).map_err(|_| Failure::Strange)
}

async fn call<T: DeserializeOwned>(
    method: &str,
    path: &str,
    token: Option<&Secret>,
    body: Option<String>,
) -> Result<T, Failure> {
    let text = answer(method, path, token, body).await?;
    // 204 has no text, and says nothing.
    let text = if text.is_empty() { "null" } else { &text };
    serde_json::from_str(text).map_err(|_| Failure::Strange)
}

/// The text of an answer that is no refusal; apart from [`call`] so that it is compiled once and not per type of answer.
async fn answer(
    method: &str,
    path: &str,
    token: Option<&Secret>,
    body: Option<String>,
) -> Result<String, Failure> {
    accepted(exchange(method, path, token, body).await)
}

/// Whether it was answered, and that with a yes.
fn accepted(answered: Result<(bool, String), JsValue>) -> Result<String, Failure> {
    let (ok, text) = answered.map_err(|_| Failure::Unreachable)?;
    if ok {
        return Ok(text);
    }
    let refusal = json::read::<ErrorBody>(&text);
    Err(refusal.map_or(Failure::Strange, |body| Failure::Refused(body.error)))
}

/// One request.
async fn exchange(
    method: &str,
    path: &str,
    token: Option<&Secret>,
    body: Option<String>,
) -> Result<(bool, String), JsValue> {
    let headers = Headers::new()?;
    if let Some(token) = token {
        // Opened for the one header it exists for.
        headers.set("authorization", &["Bearer ", token.expose()].concat())?;
    }
    let init = RequestInit::new();
    init.set_method(method);
    init.set_cache(RequestCache::NoStore);
    init.set_credentials(RequestCredentials::Omit);
    init.set_redirect(RequestRedirect::Error);
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE)));
    if let Some(body) = body {
        headers.set("content-type", "application/json")?;
        init.set_body(&body.into());
    }
    init.set_headers(&headers);
    let response: Response = JsFuture::from(window().fetch_with_str_and_init(path, &init))
        .await?
        .unchecked_into();
    let text = JsFuture::from(response.text()?).await?;
    Ok((response.ok(), text.as_string().unwrap_or_default()))
}

/// An open `/live` connection; closed when dropped.
pub struct Live {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut()>,
}

impl Live {
    /// Connects. `on_text` gets what the server says, `on_close` is called when it is over, or never began.
    pub fn open(
        id: &OrderId,
        token: &Secret,
        on_text: impl Fn(String) + 'static,
        on_close: impl Fn() + 'static,
    ) -> Option<Self> {
        // Browsers cannot set headers here, so the token travels as a second subprotocol.
        let protocols = Array::of2(&LIVE_PROTOCOL.into(), &token.expose().into());
        let url = format!(
            "{}/api/bootstrap/{id}/live",
            origin().replacen("http", "ws", 1)
        );
        let socket = WebSocket::new_with_str_sequence(&url, &protocols).ok()?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                on_text(text);
            }
        });
        let on_close = Closure::<dyn FnMut()>::new(on_close);
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self {
            socket,
            _on_message: on_message,
            _on_close: on_close,
        })
    }

    /// Asks for a sign of life.
    pub fn ping(&self) {
        // Fails only while connecting or after the end, and both have their own notice.
        let _ = self.socket.send_with_str("ping");
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
