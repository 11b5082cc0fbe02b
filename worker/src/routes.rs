//! The paths of the API: which there are, who answers them, and what is refused at the door.

use crate::apart::apart;
use crate::config::Config;
use crate::operator::{self, Matter};
use crate::order_object::Inside;
use crate::{catalogue, clock, dev, lnplay, objects, payee, random, reply};
use kindling_domain::door;
use kindling_domain::error::{ApiError, ErrorCode};
use kindling_domain::fleets::FleetSpec;
use kindling_domain::id::OrderId;
use kindling_domain::link::access_hash;
use kindling_domain::money::Sats;
use kindling_domain::order::{MachinePlan, OrderRequest};
use kindling_domain::secret::Secret;
use kindling_domain::user_data;
use kindling_domain::wire::{
    BootstrapRequest, Health, IDENTITY_HEADER, MAX_BODY_BYTES, MAX_DELIVERY_BYTES,
    MAX_MACHINE_BODY_BYTES, SIGNATURE_HEADER, read_json,
};
use serde::{Deserialize, Serialize};
use worker::js_sys::{Promise, futures::JsFuture};
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::web_sys;
use worker::{Env, Headers, Method, Request, RequestInit, Response, Result};

/// Where Cloudflare tells the caller's network address.
const ADDRESS_HEADER: &str = "cf-connecting-ip";
/// Tells an object which door its caller's network address leads to, or of a pairing the address itself; set here, and never taken
/// from outside.
pub const VISITOR_HEADER: &str = "x-kindling-visitor";

/// What is asked of one order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ask<'a> {
    View,
    Live,
    Claim,
    Acknowledge,
    Extend,
    Refund,
    Destroy,
    Renew,
    Pair,
    Report,
    Deliver,
    Heartbeat,
    Backup,
    KeptBackup,
    Pairing,
    RevokePairing,
    Push,
    Hook(&'a str),
    StubPay(&'a str),
}

/// A path of the API.
enum Route<'a> {
    Health,
    Catalogue,
    Releases,
    Create,
    CreateOrder,
    InvoiceStatus,
    Order(OrderId, Ask<'a>),
    Operator(operator::Matter),
    Clock,
    Panic(OrderId),
}

/// A checked order on its way to its object.
#[derive(Serialize, Deserialize)]
pub struct OpenOrder {
    pub id: OrderId,
    pub request: OrderRequest,
    pub access_hash: String,
    pub price: Sats,
    pub plan: MachinePlan,
    /// The fleets that may take it, the first one with room does.
    pub fleets: Vec<String>,
    /// The door that its caller's network address leads to.
    pub visitor: Option<String>,
    /// Present where the edge drew it because the caller sent no hash.
    pub access_token: Option<Secret>,
}

/// Reads a path: the method it takes, and where it leads.
fn route(path: &str) -> std::result::Result<(Method, Route<'_>), ApiError> {
    let mut parts = path.strip_prefix("/api/").unwrap_or_default().split('/');
    let words = [
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ];
    let order = |id: &str| OrderId::parse(id).map_err(|_| ApiError::from(ErrorCode::NotFound));
    Ok(match words {
        [Some("health"), None, ..] => (Method::Get, Route::Health),
        [Some("catalogue"), None, ..] => (Method::Get, Route::Catalogue),
        [Some("releases"), None, ..] => (Method::Get, Route::Releases),
        [Some("bootstrap"), None, ..] => (Method::Post, Route::Create),
        [Some("createorder"), None, ..] => (Method::Post, Route::CreateOrder),
        [Some("invoicestatus"), None, ..] => (Method::Post, Route::InvoiceStatus),
        [Some("bootstrap"), Some(id), None, ..] => {
            (Method::Get, Route::Order(order(id)?, Ask::View))
        }
        [Some("bootstrap"), Some(id), Some("live"), None, _] => {
            (Method::Get, Route::Order(order(id)?, Ask::Live))
        }
        [Some("bootstrap"), Some(id), Some("claim"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Claim))
        }
        [Some("bootstrap"), Some(id), Some("ack"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Acknowledge))
        }
        [Some("bootstrap"), Some(id), Some("extend"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Extend))
        }
        [Some("bootstrap"), Some(id), Some("refund"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Refund))
        }
        [Some("bootstrap"), Some(id), Some("destroy"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Destroy))
        }
        [Some("bootstrap"), Some(id), Some("renew"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Renew))
        }
        [Some("bootstrap"), Some(id), Some("backup"), None, _] => {
            (Method::Get, Route::Order(order(id)?, Ask::KeptBackup))
        }
        [Some("bootstrap"), Some(id), Some("pairing"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Pairing))
        }
        [
            Some("bootstrap"),
            Some(id),
            Some("pairing"),
            Some("revoke"),
            None,
        ] => (Method::Post, Route::Order(order(id)?, Ask::RevokePairing)),
        [Some("bootstrap"), Some(id), Some("push"), None, _] => {
            (Method::Put, Route::Order(order(id)?, Ask::Push))
        }
        [Some("operator"), Some("fleets"), None, ..] => {
            (Method::Get, Route::Operator(Matter::Fleets))
        }
        [Some("operator"), Some("orders"), Some(id), None, _] => {
            (Method::Get, Route::Operator(Matter::Story(order(id)?)))
        }
        [
            Some("operator"),
            Some("orders"),
            Some(id),
            Some("refunded"),
            None,
        ] => (Method::Post, Route::Operator(Matter::Refunded(order(id)?))),
        [Some("dev"), Some("clock"), None, ..] => (Method::Post, Route::Clock),
        [Some("dev"), Some("panic"), Some(id), None, _] => (Method::Post, Route::Panic(order(id)?)),
        [Some("machine"), Some(id), Some("pair"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Pair))
        }
        [Some("machine"), Some(id), Some("report"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Report))
        }
        [Some("machine"), Some(id), Some("deliver"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Deliver))
        }
        [Some("machine"), Some(id), Some("heartbeat"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Heartbeat))
        }
        [Some("machine"), Some(id), Some("backup"), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Backup))
        }
        [Some("lnbits"), Some(id), Some(hook), None, _] => {
            (Method::Post, Route::Order(order(id)?, Ask::Hook(hook)))
        }
        [Some("dev"), Some("stub"), Some("pay"), Some(hash), None] => {
            // A stub's payment hash begins with its order's id.
            let id = hash.get(..32).unwrap_or_default();
            (Method::Post, Route::Order(order(id)?, Ask::StubPay(hash)))
        }
        _ => return Err(ErrorCode::NotFound.into()),
    })
}

/// A refusal that names what would be taken instead (RFC 9110 §15.5.6).
fn method_not_allowed(wanted: &Method) -> Result<Response> {
    let response = reply::refuse(ErrorCode::MethodNotAllowed)?;
    let allowed = match wanted {
        Method::Get => "GET, HEAD",
        Method::Put => "PUT, DELETE",
        wanted => wanted.as_ref(),
    };
    response.headers().set("allow", allowed)?;
    Ok(response)
}

/// Whether a path that wants one method takes this one.
fn takes(wanted: &Method, method: &Method) -> bool {
    match (wanted, method) {
        // HEAD is GET without a body; the runtime drops it.
        (Method::Get, Method::Head) => true,
        // What can be put can be taken away.
        (Method::Put, Method::Delete) => true,
        (wanted, method) => wanted == method,
    }
}

/// What a request that reached an object asks of it.
pub fn ask(path: &str) -> std::result::Result<Ask<'_>, ApiError> {
    match route(path)? {
        (_, Route::Order(_, ask)) => Ok(ask),
        _ => Err(ErrorCode::NotFound.into()),
    }
}

/// What only asks to see an order goes to its object as it is, and so does the answer come back. `None` where there is more to do.
pub fn pass_through(request: &web_sys::Request, env: &Env) -> Option<Promise> {
    let url = request.url();
    match route(path_of(&url)) {
        Ok((_, Route::Order(id, Ask::View | Ask::Live))) if request.method() == "GET" => {
            objects::order(env, id).ok()?.fetch(request).ok()
        }
        _ => None,
    }
}

/// The path of a URL as requests have it: whole.
pub fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    path.split_once(['?', '#']).map_or(path, |(path, _)| path)
}

/// Answers any other request for `/api/`. What an order's object answers goes out as it is.
pub async fn answer(request: Request, env: &Env) -> Result<web_sys::Response> {
    let method = request.method();
    let path = request.path();
    let answered = match route(&path) {
        Ok((_, Route::Create)) if method == Method::Post => {
            ("creating an order", apart(create(request, env)).await)
        }
        Ok((wanted, Route::Order(id, ask))) if takes(&wanted, &method) => (
            "asking an order",
            apart(to_object(request, env, id, ask)).await,
        ),
        _ => return Ok(apart(own_answer(request, env)).await?.into()),
    };
    let refusal = match answered {
        (_, Ok(Ok(response))) => return Ok(response),
        (_, Ok(Err(refusal))) => reply::refuse(refusal),
        (what, Err(error)) => reply::broken(what, &error),
    };
    Ok(refusal?.into())
}

/// Answers what is no single order's matter, and refuses what nobody takes.
async fn own_answer(mut request: Request, env: &Env) -> Result<Response> {
    let path = request.path();
    let (wanted, route) = match route(&path) {
        Ok(found) => found,
        Err(error) => return reply::refuse(error),
    };
    let method = request.method();
    if method == Method::Options && matches!(route, Route::CreateOrder | Route::InvoiceStatus) {
        return lnplay::shared(reply::done()?, env);
    }
    if !takes(&wanted, &method) {
        return method_not_allowed(&wanted);
    }
    match route {
        Route::Health => health(env),
        Route::Catalogue => apart(catalogue::answer(env)).await,
        Route::Releases => reply::text(user_data::RELEASES),
        Route::CreateOrder | Route::InvoiceStatus => {
            let response = match apart(lnplay(request, env, route)).await {
                Ok(Ok(response)) => response,
                Ok(Err(refusal)) => reply::refuse(refusal)?,
                Err(error) => reply::broken("a call of lnplay's", &error)?,
            };
            lnplay::shared(response, env)
        }
        Route::Operator(matter) => apart(operator::answer(&request, env, matter)).await,
        Route::Clock => match read_body(&mut request, MAX_BODY_BYTES).await? {
            Ok(body) => dev::clock(&body, env).await,
            Err(refusal) => reply::refuse(refusal),
        },
        Route::Panic(id) => dev::panic(id, env).await,
        Route::Create | Route::Order(..) => reply::refuse(ErrorCode::NotFound),
    }
}

fn health(env: &Env) -> Result<Response> {
    let config = Config::of(env);
    reply::json(
        200,
        &Health {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stubs: config.stubs(),
            tailscale: config.tailscale.is_some(),
        },
    )
}

type Answered = std::result::Result<Response, ApiError>;
/// What an order's object answered, untouched.
pub type Passed = std::result::Result<web_sys::Response, ApiError>;

/// Reads an order at the door.
async fn create(mut request: Request, env: &Env) -> Result<Passed> {
    // Read by the standard's own rules: the Host header may spell it as it likes.
    let origin = request.url()?.origin().ascii_serialization();
    let visitor = visitor(&request)?;
    let body = match read_body(&mut request, MAX_BODY_BYTES).await? {
        Ok(body) => body,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match read_json(&body) {
        Ok(body) => place(body, env, &origin, visitor).await,
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// The calls that have other names.
async fn lnplay(mut request: Request, env: &Env, route: Route<'_>) -> Result<Answered> {
    // Read by the standard's own rules: the Host header may spell it as it likes.
    let origin = request.url()?.origin().ascii_serialization();
    let visitor = visitor(&request)?;
    let body = match read_body(&mut request, MAX_BODY_BYTES).await? {
        Ok(body) => body,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match route {
        Route::CreateOrder => lnplay::create_order(&body, env, &origin, visitor).await,
        _ => lnplay::invoice_status(&body, env).await,
    }
}

/// Checks an order that came in at `origin` and hands it to its object.
pub async fn place(
    body: BootstrapRequest,
    env: &Env,
    origin: &str,
    visitor: Option<String>,
) -> Result<Passed> {
    let config = Config::of(env);
    let checked = || -> std::result::Result<_, ApiError> {
        let request = OrderRequest::check(&body, &config.region)?;
        request.product.check(config.sells_assumeutxo())?;
        let price = config.prices.quote(request.product, &request.region)?;
        if let Some(to) = &request.refund_to {
            payee::check(&config, to, Sats::default(), clock::now())?;
        }
        Ok((request, price))
    };
    let (request, price) = match checked() {
        Ok(checked) => checked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (access_hash, access_token) = match body.access_hash {
        Some(hash) => (hash, None),
        None => {
            let token = random::token()?;
            // Opened to hash it; the caller gets it once, below.
            (access_hash(token.expose()), Some(token))
        }
    };
    let id = match body.order_id {
        Some(id) => id,
        None => OrderId::from_bytes(random::bytes()?),
    };
    let open = OpenOrder {
        id,
        access_hash,
        price,
        plan: config.plan(origin, request.product),
        fleets: fleets(&config, id, &request.region),
        request,
        visitor,
        access_token,
    };
    let stub = objects::order(env, id)?;
    Ok(Ok(
        objects::post(&stub, &Inside::Open(Box::new(open))).await?
    ))
}

/// The door that a request's network address leads to. Cloudflare sets the header itself.
fn visitor(request: &Request) -> Result<Option<String>> {
    let address = request.headers().get(ADDRESS_HEADER)?;
    Ok(address.and_then(|address| door::visitor(&address)))
}

/// The fleets of a region. They are tried in an order of the order's own, so that accounts fill evenly.
fn fleets(config: &Config, id: OrderId, region: &str) -> Vec<String> {
    let mut names: Vec<String> = config.fleets_in(region).map(FleetSpec::name).collect();
    if !names.is_empty() {
        let first = usize::from(id.as_bytes()[0]) % names.len();
        names.rotate_left(first);
    }
    names
}

/// Forwards a request to its order; bodies are read here, so that an object never holds an unbounded one.
async fn to_object(mut request: Request, env: &Env, id: OrderId, ask: Ask<'_>) -> Result<Passed> {
    let stub = objects::order(env, id)?;
    let limit = match ask {
        Ask::View | Ask::Live | Ask::KeptBackup => {
            return handed_on(&stub, request.inner()).await;
        }
        Ask::Claim
        | Ask::Acknowledge
        | Ask::Extend
        | Ask::Refund
        | Ask::Destroy
        | Ask::Renew
        | Ask::Pairing
        | Ask::RevokePairing
        | Ask::Push => MAX_BODY_BYTES,
        Ask::Pair | Ask::Report | Ask::Heartbeat | Ask::Backup => MAX_MACHINE_BODY_BYTES,
        Ask::Deliver => MAX_DELIVERY_BYTES,
        // A hint is a hint whatever it says, and a stub payment says it all in its path.
        Ask::Hook(_) | Ask::StubPay(_) => 0,
    };
    let headers = Headers::new();
    for name in ["authorization", SIGNATURE_HEADER, IDENTITY_HEADER] {
        if let Some(value) = request.headers().get(name)? {
            headers.set(name, &value)?;
        }
    }
    let caller = match ask {
        Ask::Renew => visitor(&request)?,
        // A pairing is for one address, not for its network.
        Ask::Pair => request.headers().get(ADDRESS_HEADER)?,
        _ => None,
    };
    if let Some(caller) = caller {
        headers.set(VISITOR_HEADER, &caller)?;
    }
    let mut init = RequestInit::new();
    let method = match ask {
        Ask::Push => request.method(),
        _ => Method::Post,
    };
    init.with_method(method).with_headers(headers);
    if limit > 0 {
        let body = match read_body(&mut request, limit).await? {
            Ok(body) => body,
            Err(refusal) => return Ok(Err(refusal)),
        };
        init.with_body(Some(
            worker::js_sys::Uint8Array::from(body.as_slice()).into(),
        ));
    }
    let inner = Request::new_with_init(&request.inner().url(), &init)?;
    handed_on(&stub, inner.inner()).await
}

async fn handed_on(stub: &objects::Stub, request: &web_sys::Request) -> Result<Passed> {
    let answer = JsFuture::from(stub.fetch(request)?).await?;
    Ok(Ok(answer.unchecked_into()))
}

/// Reads a body of at most `limit` bytes; the rest of a longer one is not read.
async fn read_body(
    request: &mut Request,
    limit: usize,
) -> Result<std::result::Result<Vec<u8>, ApiError>> {
    use futures_util::StreamExt;
    let mut body = Vec::new();
    // The runtime delivers no more than the length says.
    let length = request.headers().get("content-length")?;
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length > limit => return Ok(Err(ErrorCode::BodyTooLarge.into())),
        Some(_) => return Ok(Ok(request.bytes().await?)),
        None if request.inner().body().is_none() => return Ok(Ok(body)),
        None => {}
    }
    let mut stream = request.stream()?;
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > limit {
            return Ok(Err(ErrorCode::BodyTooLarge.into()));
        }
    }
    Ok(Ok(body))
}
