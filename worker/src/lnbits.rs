//! LNbits: makes invoices and says what became of them. What it says is checked before it is believed.

use crate::config::{Config, Lnbits};
use crate::http::{Body, Call};
use kindling_domain::bolt11;
use kindling_domain::money::Msats;
use kindling_domain::order::{Failure, Invoice, Order, PaymentFacts};
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
pub async fn create_invoice(lnbits: &Lnbits, config: &Config, order: &Order) -> Option<Invoice> {
    let hook = format!(
        "{}/api/lnbits/{}/{}",
        order.plan.public_url, order.id, order.hook
    );
    let body = json!({
        "out": false,
        "amount": order.price.sats(),
        "unit": "sat",
        "memo": format!("Kindling order {}", order.id),
        "expiry": config.invoice_seconds,
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
        && invoice.amount_msat == Some(order.price.msats().msats())
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
