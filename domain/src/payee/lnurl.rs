//! LUD-06, the payer's side: the first answer says what is taken, the second is an invoice. Both are foreign text.

use super::{PayeeProblem, UrlPolicy};
use crate::money::{Msats, Sats};
use serde::Deserialize;

/// A service's first answer, once it has been found good for the amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayRequest {
    callback: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct First {
    tag: String,
    callback: String,
    min_sendable: u64,
    max_sendable: u64,
}

#[derive(Deserialize)]
struct Second {
    pr: String,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

impl PayRequest {
    /// Reads the first answer and holds it against the amount; its callback is judged like the address itself.
    ///
    /// # Errors
    /// `Refused`, `NotAPayRequest`, `Unsafe` or `AmountOutOfRange`.
    pub fn read(body: &str, policy: &UrlPolicy, amount: Sats) -> Result<Self, PayeeProblem> {
        let first: First = read(body)?;
        if first.tag != "payRequest" {
            return Err(PayeeProblem::NotAPayRequest);
        }
        policy
            .check(&first.callback)
            .map_err(|_| PayeeProblem::Unsafe)?;
        let msats = amount.msats().msats();
        if !(first.min_sendable..=first.max_sendable).contains(&msats) {
            return Err(PayeeProblem::AmountOutOfRange {
                min: first.min_sendable.div_ceil(1000),
                max: first.max_sendable / 1000,
            });
        }
        Ok(Self {
            callback: first.callback,
        })
    }

    /// Where the invoice is asked for.
    pub fn callback_url(&self, amount: Msats) -> String {
        let place = self
            .callback
            .split_once('#')
            .map_or(self.callback.as_str(), |(before, _)| before);
        let join = match place.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some((_, query)) if query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{place}{join}amount={}", amount.msats())
    }
}

/// The invoice in the second answer, as text: [`super::accept_invoice`] judges it.
///
/// # Errors
/// `Refused` or `NotAPayRequest`.
pub fn read_pay_answer(body: &str) -> Result<String, PayeeProblem> {
    read::<Second>(body).map(|second| second.pr)
}

/// Its reason is not kept: it is text of a stranger.
fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, PayeeProblem> {
    match serde_json::from_str::<Status>(body) {
        Ok(answer) if answer.status.eq_ignore_ascii_case("error") => Err(PayeeProblem::Refused),
        _ => serde_json::from_str(body).map_err(|_| PayeeProblem::NotAPayRequest),
    }
}
