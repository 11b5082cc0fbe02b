//! Where a refund may go: the customer's text read, judged, and turned into one invoice that may be paid.
//!
//! Nothing here repeats the customer's text in an error, and nothing is asked for at an address that has not passed
//! [`UrlPolicy::check`]: a callback is as foreign as the address that named it.

mod lnurl;
mod place;

pub use lnurl::{PayRequest, read_pay_answer};
pub use place::UrlPolicy;

use crate::bolt11::{self, Invoice, LongBech32, Network};
use crate::error::{ApiError, ErrorCode};
use crate::money::Sats;
use crate::time::UnixMillis;
use bech32::primitives::decode::CheckedHrpstring;
use serde::{Deserialize, Serialize};

/// The longest text that is read: a BOLT11 with route hints fits.
const MAX_LENGTH: usize = 2048;
/// An invoice that is shorter lived than this is not paid: the answer might come too late.
const MIN_LIFE_SECONDS: u64 = 60;
/// What wallets put before invoices and LNURLs.
const SCHEME: &str = "lightning:";
/// LUD-17's scheme of an address that is paid to.
const PAY_SCHEME: &str = "lnurlp:";

/// A refund address that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payee {
    /// An invoice, which is good for one payment.
    Bolt11 {
        /// What it says.
        invoice: Box<Invoice>,
        /// The invoice in lower case without `lightning:`, the one spelling that LNbits pays.
        text: String,
    },
    /// A place that makes invoices of the amount it is asked for.
    Lnurl {
        /// Where to ask first. Not yet judged: [`UrlPolicy::check`].
        url: String,
    },
}

impl Payee {
    /// Reads a BOLT11 (with or without `lightning:`), a Lightning Address (LUD-16), an LNURL (LUD-01) or `lnurlp://` (LUD-17), in
    /// any case.
    ///
    /// # Errors
    /// `invalid_refund_address` with a sentence about the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(refuse("The refund address is too long."));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(refuse(
                "The refund address has spaces or letters that none of its kinds has.",
            ));
        }
        let text = after(text, SCHEME).unwrap_or(text);
        let lower = text.to_ascii_lowercase();
        if let Some(place) = after(text, PAY_SCHEME) {
            lud17(place)
        } else if lower.contains('@') {
            lightning_address(&lower)
        } else if lower.starts_with("lnurl1") {
            Ok(Self::Lnurl {
                url: lnurl_text(text)?,
            })
        } else if lower.starts_with("lnurl") || lower.starts_with("keyauth:") {
            Err(refuse("This LNURL is not one that can be paid to."))
        } else if lower.starts_with("ln") {
            invoice(text)
        } else {
            Err(ErrorCode::InvalidRefundAddress.into())
        }
    }

    /// Judges the place that is asked first; an invoice has none.
    ///
    /// # Errors
    /// Those of [`UrlPolicy::check`].
    pub fn check(&self, policy: &UrlPolicy) -> Result<(), ApiError> {
        match self {
            Self::Bolt11 { .. } => Ok(()),
            Self::Lnurl { url } => policy.check(url),
        }
    }
}

/// An invoice that a refund can be paid with. It is stored before it is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedInvoice {
    /// The BOLT11 in lower case, without `lightning:`.
    pub payment_request: String,
    /// What its payment is looked up by, in hex.
    pub payment_hash: String,
    /// What it asks for, to the satoshi.
    pub amount: Sats,
    /// From when on it is no longer good.
    pub expires_at: UnixMillis,
}

/// Checks an invoice against what is to be paid: this network, exactly this amount, good for another minute at least.
///
/// # Errors
/// The first [`PayeeProblem`]; [`PayeeProblem::NotAPayRequest`] where it is no invoice at all.
pub fn accept_invoice(
    text: &str,
    network: Network,
    amount: Sats,
    now: UnixMillis,
) -> Result<ResolvedInvoice, PayeeProblem> {
    let Ok(Payee::Bolt11 { invoice, text }) = Payee::parse(text) else {
        return Err(PayeeProblem::NotAPayRequest);
    };
    let soon = now.plus_seconds(MIN_LIFE_SECONDS).seconds();
    invoice
        .check(network, amount.msats().msats(), soon)
        .map_err(|refusal| match refusal {
            bolt11::InvoiceRefusal::WrongNetwork => PayeeProblem::WrongNetwork,
            bolt11::InvoiceRefusal::WrongAmount => PayeeProblem::WrongAmount,
            bolt11::InvoiceRefusal::Expired => PayeeProblem::Expired,
        })?;
    Ok(ResolvedInvoice {
        payment_request: text,
        payment_hash: hex::encode(invoice.payment_hash),
        amount,
        expires_at: UnixMillis(invoice.expires_at().saturating_mul(1000)),
    })
}

/// Why a refund address could not be paid to. None of these carries text of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PayeeProblem {
    /// It did not answer, or not now.
    Unreachable,
    /// What answers does not speak LUD-06, or not for paying.
    NotAPayRequest,
    /// It takes less or more at once; both ends are included.
    AmountOutOfRange {
        /// The least it takes, in satoshis.
        min: u64,
        /// The most it takes, in satoshis.
        max: u64,
    },
    /// The invoice is for another chain.
    WrongNetwork,
    /// The invoice asks for another amount, or names none.
    WrongAmount,
    /// The invoice is good for less than a minute.
    Expired,
    /// It leads to a place where nothing is asked for: no https, private, our own, or elsewhere by a redirect.
    Unsafe,
    /// It said no.
    Refused,
    /// The invoice was made by our own wallet, or another order has used it.
    UsedBefore,
    /// The invoice was good, its payment failed.
    PaymentFailed,
}

impl PayeeProblem {
    /// Whether asking this address again will not help; the customer then has to give another. An invoice is good for one payment,
    /// so that for a bare invoice [`Self::PaymentFailed`] is the end, too.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Unreachable | Self::Refused | Self::PaymentFailed => false,
            Self::NotAPayRequest
            | Self::AmountOutOfRange { .. }
            | Self::WrongNetwork
            | Self::WrongAmount
            | Self::Expired
            | Self::Unsafe
            | Self::UsedBefore => true,
        }
    }

    /// One plain sentence for the customer.
    pub fn sentence(self) -> String {
        match self {
            Self::Unreachable => {
                "Your refund address does not answer; it will be tried again.".to_owned()
            }
            Self::NotAPayRequest => {
                "Nothing can be paid at your refund address: check its spelling or give another one.".to_owned()
            }
            Self::AmountOutOfRange { min, max } => {
                format!("Your refund address takes between {min} and {max} sats at once; give another one.")
            }
            Self::WrongNetwork => {
                "The refund invoice is for another Bitcoin network; give another one.".to_owned()
            }
            Self::WrongAmount => {
                "The refund invoice does not ask for exactly what is owed; give another one.".to_owned()
            }
            Self::Expired => {
                "The refund invoice has expired or is about to; give a fresh one.".to_owned()
            }
            Self::Unsafe => {
                "Your refund address is not reachable by https on the public internet; give another one.".to_owned()
            }
            Self::Refused => {
                "The service behind your refund address refuses the payment; it will be tried again, or give another one.".to_owned()
            }
            Self::UsedBefore => {
                "The refund invoice belongs to another payment; give a fresh one.".to_owned()
            }
            Self::PaymentFailed => {
                "The payment to your refund address did not arrive there; check that it can receive, or give another one.".to_owned()
            }
        }
    }
}

fn refuse(sentence: &str) -> ApiError {
    ApiError {
        code: ErrorCode::InvalidRefundAddress,
        message: sentence.to_owned(),
    }
}

/// What stands after a scheme, in any case and with or without its slashes.
fn after<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (before, rest) = text.split_at_checked(scheme.len())?;
    before
        .eq_ignore_ascii_case(scheme)
        .then(|| rest.strip_prefix("//").unwrap_or(rest))
}

fn invoice(text: &str) -> Result<Payee, ApiError> {
    let invoice = bolt11::decode(text).map_err(|error| refuse(&error.to_string()))?;
    if invoice.amount_msat.is_none() {
        return Err(refuse(
            "The refund invoice names no amount, and such invoices cannot be paid from here.",
        ));
    }
    Ok(Payee::Bolt11 {
        invoice: Box::new(invoice),
        text: text.to_ascii_lowercase(),
    })
}

/// `user@host`, in lower case.
fn lightning_address(text: &str) -> Result<Payee, ApiError> {
    let (user, host) = text.split_once('@').unwrap_or((text, ""));
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.+".contains(&b);
    // Dots alone would be steps in the path.
    if !user.bytes().all(allowed) || user.bytes().all(|b| b == b'.') {
        return Err(refuse(
            "The part before the @ of the Lightning Address has to be letters, digits, -, _, . or +.",
        ));
    }
    // A port is read here and judged with the rest of the place.
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b);
    if host.is_empty() || !host.bytes().all(allowed) {
        return Err(refuse(
            "The part after the @ of the Lightning Address is not a host's name.",
        ));
    }
    Ok(Payee::Lnurl {
        url: format!("https://{host}/.well-known/lnurlp/{user}"),
    })
}

/// `host/path` after `lnurlp://`.
fn lud17(place: &str) -> Result<Payee, ApiError> {
    let host = place.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() {
        return Err(refuse("There is no host after lnurlp://."));
    }
    Ok(Payee::Lnurl {
        url: format!("https://{place}"),
    })
}

fn lnurl_text(text: &str) -> Result<String, ApiError> {
    let parsed = CheckedHrpstring::new::<LongBech32>(text)
        .map_err(|_| refuse("The LNURL is mistyped or cut off."))?;
    let url = String::from_utf8(parsed.byte_iter().collect())
        .ok()
        .filter(|url| url.bytes().all(|b| b.is_ascii_graphic()));
    url.filter(|url| parsed.hrp().as_str().eq_ignore_ascii_case("lnurl") && url.contains("://"))
        .ok_or_else(|| refuse("The LNURL does not name a place on the web."))
}

#[cfg(test)]
mod tests;
