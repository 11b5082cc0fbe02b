//! The two calls of lnplay.live's front end. They are a face: what they make is an order like every other.

use crate::config::Config;
use crate::order_object::{Inside, ask_order};
use crate::routes::place;
use crate::{clock, random, reply};
use kindling_domain::catalogue::Product;
use kindling_domain::error::{ApiError, ErrorCode};
use kindling_domain::id::OrderId;
use kindling_domain::keys;
use kindling_domain::link::{KeyHint, LinkSecret, OrderLink, access_hash};
use kindling_domain::secret::Secret;
use kindling_domain::time::WireTime;
use kindling_domain::wire::lnplay::{
    CreateOrder, CreatedOrder, InvoiceStatus, InvoiceStatusRequest,
};
use kindling_domain::wire::{BootstrapRequest, BootstrapResponse, OneOrMany, OrderView, read_json};
use worker::{Env, Error, Response, Result};

/// What comes with keys that the server drew.
const DRAWN: &str = "Keep order_url: it opens the class, and nobody can restore it. This server made its keys for you and has not kept them; for keys that no server has seen, order on the page or by POST /api/bootstrap.";
/// What comes with keys of the caller's.
const OWN: &str = "Claim the sealed credentials with access_token, or with the token whose hash you sent, once the class is ready.";

type Answered = std::result::Result<Response, ApiError>;

/// Lets the operator's front end read an answer from a page of another origin (the Fetch standard's CORS protocol); nobody else.
pub fn shared(response: Response, env: &Env) -> Result<Response> {
    if let Some(origin) = &Config::of(env).lnplay_origin {
        // A copy: those of an answer that an object gave cannot be changed.
        let headers = response.headers().clone();
        headers.set("access-control-allow-origin", origin)?;
        headers.set("access-control-allow-methods", "POST")?;
        headers.set("access-control-allow-headers", "content-type")?;
        // Or a page that isolates itself (COEP) could not read it after all.
        headers.set("cross-origin-resource-policy", "cross-origin")?;
        return Ok(response.with_headers(headers));
    }
    Ok(response)
}

/// When a class of so many hours would end that began now.
fn end_of(hours: u32) -> WireTime {
    WireTime(clock::now().plus_seconds(u64::from(hours) * 3600))
}

/// `POST /api/createorder`.
pub async fn create_order(
    body: &[u8],
    env: &Env,
    origin: &str,
    visitor: Option<String>,
) -> Result<Answered> {
    let wanted = match read_json::<CreateOrder>(body) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (request, link) = match wanted.with_own_key() {
        Ok(Some(request)) => (request, None),
        Ok(None) => {
            let link = draw()?;
            match drawn(&wanted, &link)? {
                Ok(request) => (request, Some(link)),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut answer = match place(request, env, origin, visitor).await? {
        Ok(answer) => Response::from(answer),
        Err(refusal) => return Ok(Err(refusal)),
    };
    if answer.status_code() != 201 {
        return Ok(Ok(answer));
    }
    let made: BootstrapResponse = serde_json::from_str(&answer.text().await?)?;
    let Some(invoice) = made.order.invoice else {
        return Ok(Err(ErrorCode::LightningUnavailable.into()));
    };
    let base = made
        .order_url
        .split_once("/orders/")
        .map_or(origin, |(base, _)| base);
    let created = CreatedOrder {
        node_count: wanted.node_count,
        hours: wanted.hours,
        expiration_date: end_of(wanted.hours),
        bolt11_invoice_id: made.order.bootstrap_job_id,
        bolt11_invoice: invoice.payment_request,
        message: if link.is_some() { DRAWN } else { OWN }.to_owned(),
        order_url: match &link {
            Some(link) => link.url(base),
            None => Secret::new(made.order_url),
        },
        access_token: made.access_token,
    };
    reply::json(201, &created).map(Ok)
}

/// An order link of this request's own.
fn draw() -> Result<OrderLink> {
    Ok(OrderLink {
        secret: LinkSecret::from_bytes(random::bytes()?),
        key: KeyHint::Ed25519,
    })
}

/// The order of a drawn link: its public halves and hashes, as a browser sends them.
fn drawn(
    wanted: &CreateOrder,
    link: &OrderLink,
) -> Result<std::result::Result<BootstrapRequest, ApiError>> {
    let class = match wanted.class() {
        Ok(class) => class,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let key = keys::ed25519(&link.secret.ssh_seed())
        .map_err(|error| Error::RustError(error.to_string()))?;
    // Opened to hash it; it goes no further.
    let access_hash = access_hash(link.secret.access_token().expose());
    Ok(Ok(BootstrapRequest {
        order_id: Some(link.secret.order_id()),
        product: Product::Classroom(class),
        region: wanted.region.clone(),
        ssh_public_key: key.public_openssh("").trim().to_owned(),
        seal_to: Some(OneOrMany::One(link.secret.seal_recipient())),
        access_hash: Some(access_hash),
        refund_to: None,
    }))
}

/// `POST /api/invoicestatus`.
pub async fn invoice_status(body: &[u8], env: &Env) -> Result<Answered> {
    let asked = match read_json::<InvoiceStatusRequest>(body) {
        Ok(asked) => asked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Ok(id) = OrderId::parse(&asked.invoice_id) else {
        return Ok(Err(ErrorCode::NotFound.into()));
    };
    let Ok(view) = ask_order::<Option<OrderView>>(env, id, &Inside::Look).await else {
        return Ok(Err(ErrorCode::TemporarilyUnavailable.into()));
    };
    match view.and_then(|view| InvoiceStatus::of(&view, end_of)) {
        Some(status) => reply::json(200, &status).map(Ok),
        None => Ok(Err(ErrorCode::NotFound.into())),
    }
}
