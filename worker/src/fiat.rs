//! What a bitcoin costs in the operator's currency: asked of LNbits, or of another source that answers like it.
//!
//! The catalogue shows it and needs it for nothing: whoever asks waits for it a second at most, and one request in five minutes.

use crate::clock;
use crate::config::{Config, Fiat};
use crate::http::{Body, Call};
use kindling_domain::fiat::{Kept, hundredths};
use kindling_domain::wire::FiatPrice;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cell::RefCell;
use std::time::Duration;
use worker::{Method, console_error};

/// How long the source may take.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// What this isolate was told. It has one set of settings.
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept::NONE) };
}

/// LNbits 1.x: `{"rate": satoshis for one unit, "price": units for one bitcoin}`. The number is taken as it is written.
#[derive(Deserialize)]
struct Rate<'a> {
    #[serde(borrow)]
    price: &'a RawValue,
}

/// The price, if one is known that is not too old.
pub async fn price(config: &Config) -> Option<FiatPrice> {
    let fiat = config.fiat.as_ref()?;
    if KEPT.with_borrow_mut(|kept| kept.ask(clock::now())) {
        match ask(fiat).await {
            Some(hundredths) => KEPT.with_borrow_mut(|kept| kept.hear(hundredths, clock::now())),
            None => {
                console_error!("no price of a bitcoin: its source does not answer as it should")
            }
        }
    }
    KEPT.with_borrow(|kept| kept.price(&fiat.currency, clock::now()))
}

async fn ask(fiat: &Fiat) -> Option<u64> {
    let call = Call {
        method: Method::Get,
        url: fiat.url.clone(),
        auth: None,
        body: Body::None,
    };
    let answer = call.send_in(PATIENCE).await.ok()?;
    if answer.status != 200 {
        return None;
    }
    let rate: Rate<'_> = serde_json::from_str(answer.text()).ok()?;
    hundredths(rate.price.get())
}
