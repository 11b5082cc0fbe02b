//! LNbits: makes invoices, pays refunds, and says what became of both. What it says is checked before it is believed.
//!
//! A payment out is decided by looking it up, and by nothing else but a plain success (LNbits 1.6.2): 201 is also the answer for
//! pending and failed, 520 also for paid before. It pays a BOLT11 once, so that asking again is harmless, and it never retries one
//! that failed.

use crate::config::{Config, Lnbits};
use crate::http::{Body, Call};
use kindling_domain::bolt11;
use kindling_domain::id::OrderId;
use kindling_domain::money::{Msats, Sats};
use kindling_domain::order::{
    Failure, Invoice, Order, Outgoing, PaymentFacts, Payout, RefundAnswer,
};
use kindling_domain::time::UnixMillis;
use serde::Deserialize;
use serde_json::json;
use worker::{Method, console_error};

#[derive(Deserialize)]
struct Created {
    payment_hash: String,
    bolt11: String,
    wallet_id: String,
}

#[derive(Deserialize)]
struct LookedUp {
    paid: bool,
    details: Details,
}

#[derive(Deserialize)]
struct Details {
    payment_hash: String,
    amount: i64,
    wallet_id: String,
}

fn api_key(
    lnbits: &Lnbits,
) -> Option<(&'static str, &'static str, &kindling_domain::secret::Secret)> {
    Some(("x-api-key", "", &lnbits.invoice_key))
}

/// Makes an invoice for `order`. `None` if LNbits does not answer as it should; an invoice that it made all the same is shown to
/// nobody and runs out.
pub async fn create_invoice(
    lnbits: &Lnbits,
    config: &Config,
    order: &Order,
    amount: Sats,
    seconds: u64,
    memo: &str,
) -> Option<Invoice> {
    let hook = format!(
        "{}/api/lnbits/{}/{}",
        order.plan.public_url, order.id, order.hook
    );
    let body = json!({
        "out": false,
        "amount": amount.sats(),
        "unit": "sat",
        "memo": memo,
        "expiry": seconds,
        "webhook": hook,
        "external_id": order.id.to_string(),
    });
    let url = format!("{}/api/v1/payments", lnbits.url);
    let call = Call {
        method: Method::Post,
        url,
        auth: api_key(lnbits),
        body: Body::Json(body),
    };
    let answer = call.send().await.ok()?;
    let created = match answer.json::<Created>() {
        Some(created) if answer.status == 201 => created,
        _ => {
            console_error!("LNbits made no invoice: status {}", answer.status);
            return None;
        }
    };
    let Ok(invoice) = bolt11::decode(&created.bolt11) else {
        console_error!("LNbits gave an invoice that does not decode");
        return None;
    };
    let ours = invoice.network == config.network
        && invoice.amount_msat == Some(amount.msats().msats())
        && hex::encode(invoice.payment_hash) == created.payment_hash;
    if !ours {
        console_error!("LNbits gave an invoice of another network, amount or hash");
        return None;
    }
    Some(Invoice {
        payment_request: created.bolt11,
        payment_hash: created.payment_hash,
        wallet: created.wallet_id,
        expires_at: UnixMillis(
            invoice
                .timestamp
                .saturating_add(invoice.expiry_seconds)
                .saturating_mul(1000),
        ),
    })
}

/// What LNbits knows of a payment.
pub async fn look_up(lnbits: &Lnbits, payment_hash: &str) -> Result<PaymentFacts, Failure> {
    let url = format!("{}/api/v1/payments/{payment_hash}", lnbits.url);
    let call = Call {
        method: Method::Get,
        url,
        auth: api_key(lnbits),
        body: Body::None,
    };
    let answer = call
        .send()
        .await
        .map_err(|_| Failure::NotApplied { retry_after: None })?;
    match answer.json::<LookedUp>() {
        Some(found) if answer.status == 200 => Ok(PaymentFacts {
            paid: found.paid,
            payment_hash: found.details.payment_hash,
            amount: Msats::from_msats(u64::try_from(found.details.amount).unwrap_or(0)),
            wallet: found.details.wallet_id,
        }),
        _ => {
            console_error!("LNbits did not answer a look-up: status {}", answer.status);
            Err(answer.later())
        }
    }
}

#[derive(Deserialize)]
struct Paid {
    status: String,
}

#[derive(Deserialize)]
struct LookedUpOut {
    paid: bool,
    /// Absent where the key does not open the wallet that pays.
    details: Option<DetailsOut>,
}

#[derive(Deserialize)]
struct DetailsOut {
    payment_hash: String,
    /// Millisatoshis, below zero for a payment out.
    amount: i64,
    status: String,
    #[serde(default)]
    extra: Option<Extra>,
}

#[derive(Deserialize)]
struct Extra {
    #[serde(default)]
    kindling_order: Option<String>,
}

fn admin_auth(
    lnbits: &Lnbits,
) -> Result<(&'static str, &'static str, &kindling_domain::secret::Secret), Failure> {
    let key = lnbits.admin_key.as_ref();
    let key = key.ok_or(Failure::NotApplied { retry_after: None })?;
    Ok(("x-api-key", "", key))
}

/// Asks LNbits to pay `bolt11` for `order`. Asking again for the same BOLT11 never pays twice. Fails where it surely was not taken:
/// no key, or refused at the door.
pub async fn pay(lnbits: &Lnbits, bolt11: &str, order: OrderId) -> Result<RefundAnswer, Failure> {
    let body = json!({
        "out": true,
        "bolt11": bolt11,
        "extra": { "kindling_order": order.to_string() },
    });
    let call = Call {
        method: Method::Post,
        url: format!("{}/api/v1/payments", lnbits.url),
        auth: Some(admin_auth(lnbits)?),
        body: Body::Json(body),
    };
    let Ok(answer) = call.send().await else {
        return Ok(RefundAnswer::Asked);
    };
    let paid = answer
        .json::<Paid>()
        .is_some_and(|paid| paid.status == "success");
    match answer.status {
        201 if paid => Ok(RefundAnswer::Outgoing(Outgoing::Paid)),
        // It failed before, and now its node was asked, too.
        520 if answer.says("retrying is not possible") => {
            Ok(RefundAnswer::Outgoing(Outgoing::Dead))
        }
        // 400 is a limit of the wallet, 401, 403 and 404 are its key, 429 comes before everything.
        status @ 400..=499 => {
            console_error!("LNbits takes no payment: status {status}");
            Err(answer.later())
        }
        _ => Ok(RefundAnswer::Asked),
    }
}

/// What became of a payout that was asked for by `order`.
pub async fn look_up_outgoing(
    lnbits: &Lnbits,
    payout: &Payout,
    order: OrderId,
) -> Result<RefundAnswer, Failure> {
    let (payment_hash, amount) = (&payout.payment_hash, payout.amount.msats());
    let call = Call {
        method: Method::Get,
        url: format!("{}/api/v1/payments/{payment_hash}", lnbits.url),
        auth: Some(admin_auth(lnbits)?),
        body: Body::None,
    };
    let answer = call
        .send()
        .await
        .map_err(|_| Failure::NotApplied { retry_after: None })?;
    // A 404 of a proxy says nothing about payments.
    if answer.status == 404 && answer.says("payment does not exist") {
        return Ok(RefundAnswer::Outgoing(Outgoing::Missing));
    }
    let found = answer
        .json::<LookedUpOut>()
        .filter(|_| answer.status == 200)
        .and_then(|found| outgoing(found, payment_hash, amount, order));
    found.map(RefundAnswer::Outgoing).ok_or_else(|| {
        console_error!(
            "LNbits did not answer a look-up of a refund: status {}",
            answer.status
        );
        answer.later()
    })
}

/// `None` where the answer contradicts itself or what was asked.
fn outgoing(
    found: LookedUpOut,
    payment_hash: &str,
    amount: Msats,
    order: OrderId,
) -> Option<Outgoing> {
    let details = found.details?;
    if details.payment_hash != payment_hash {
        return None;
    }
    let by = details.extra.and_then(|extra| extra.kindling_order);
    // The row of the payment comes before the row of the invoice, where one wallet has both.
    if details.amount >= 0 || by != Some(order.to_string()) {
        return Some(Outgoing::Foreign);
    }
    if details.amount.unsigned_abs() != amount.msats() {
        return None;
    }
    match (found.paid, details.status.as_str()) {
        (true, "success") => Some(Outgoing::Paid),
        (false, "pending") => Some(Outgoing::Pending),
        (false, "failed") => Some(Outgoing::Failed),
        _ => None,
    }
}
