//! Makes an invoice of a refund address: a BOLT11 is checked, an LNURL is asked twice, and neither is trusted.

use crate::config::Config;
use crate::http::{Answer, ask_stranger};
use kindling_domain::bolt11::Network;
use kindling_domain::error::{ApiError, ErrorCode};
use kindling_domain::money::Sats;
use kindling_domain::order::{Failure, PayoutInvoice, RefundAnswer};
use kindling_domain::payee::{
    PayRequest, Payee, PayeeProblem, ResolvedInvoice, UrlPolicy, accept_invoice, read_pay_answer,
};
use kindling_domain::time::UnixMillis;

/// Which places may be asked.
fn policy(config: &Config) -> UrlPolicy {
    UrlPolicy::new(config.lnurl_allow_private, config.public_url.as_deref())
}

/// Judges an address as the customer gives it, as far as that is possible without asking anybody. `owed` is what it would get now.
pub fn check(config: &Config, to: &str, owed: Sats, now: UnixMillis) -> Result<String, ApiError> {
    let payee = Payee::parse(to)?;
    payee.check(&policy(config))?;
    if let Payee::Bolt11 { text, .. } = &payee
        && owed.sats() > 0
    {
        accept_invoice(text, config.network, owed, now).map_err(|problem| ApiError {
            code: ErrorCode::InvalidRefundAddress,
            message: problem.sentence(),
        })?;
    }
    Ok(to.trim().to_owned())
}

/// Makes an invoice of the customer's address, or says why there is none.
pub async fn resolve(
    config: &Config,
    to: &str,
    owed: Sats,
    now: UnixMillis,
) -> Result<RefundAnswer, Failure> {
    match invoice(&policy(config), config.network, to, owed, now).await {
        Ok(invoice) => Ok(RefundAnswer::Invoice(PayoutInvoice {
            payment_request: invoice.payment_request,
            payment_hash: invoice.payment_hash,
            expires_at: invoice.expires_at,
        })),
        Err(ResolveFailure::Later(retry_after)) => Err(Failure::NotApplied { retry_after }),
        Err(ResolveFailure::Problem(problem)) if problem.is_final() => {
            Ok(RefundAnswer::Problem(problem.sentence()))
        }
        Err(ResolveFailure::Problem(_)) => Err(Failure::NotApplied { retry_after: None }),
    }
}

/// Why there is no invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResolveFailure {
    /// No answer, or not now; with the seconds to wait where it named them.
    Later(Option<u64>),
    /// It answered, and that cannot be paid.
    Problem(PayeeProblem),
}

impl From<PayeeProblem> for ResolveFailure {
    fn from(problem: PayeeProblem) -> Self {
        Self::Problem(problem)
    }
}

/// An invoice of exactly `amount`, good for another minute at least, from the address `to`. Each place is judged before it is asked,
/// however the address came into the order.
async fn invoice(
    policy: &UrlPolicy,
    network: Network,
    to: &str,
    amount: Sats,
    now: UnixMillis,
) -> Result<ResolvedInvoice, ResolveFailure> {
    let url = match Payee::parse(to) {
        Ok(Payee::Bolt11 { text, .. }) => {
            return Ok(accept_invoice(&text, network, amount, now)?);
        }
        Ok(Payee::Lnurl { url }) => url,
        Err(_) => return Err(PayeeProblem::NotAPayRequest.into()),
    };
    let first = ask(policy, &url).await?;
    let request = PayRequest::read(first.text(), policy, amount)?;
    let second = ask(policy, &request.callback_url(amount.msats())).await?;
    let invoice = read_pay_answer(second.text())?;
    Ok(accept_invoice(&invoice, network, amount, now)?)
}

async fn ask(policy: &UrlPolicy, url: &str) -> Result<Answer, ResolveFailure> {
    policy.check(url).map_err(|_| PayeeProblem::Unsafe)?;
    let answer = ask_stranger(url)
        .await
        .map_err(|_| ResolveFailure::Later(None))?;
    match answer.status {
        200..=299 => Ok(answer),
        300..=399 => Err(PayeeProblem::Unsafe.into()),
        408 | 429 | 500.. => Err(ResolveFailure::Later(answer.retry_after)),
        // Some say why they refuse in the body, with a status of their own.
        _ => Err(read_pay_answer(answer.text())
            .err()
            .unwrap_or(PayeeProblem::NotAPayRequest)
            .into()),
    }
}
