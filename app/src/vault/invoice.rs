//! The invoice: judged before it is drawn, so that there is no QR code of an invoice that was not agreed.

use crate::qr;
use crate::vault_protocol::{Answer, QrCode};
use kindling_domain::bolt11::{self, Network};
use kindling_domain::money::Sats;

/// Refuses with the reason, or draws the QR code.
pub fn check(
    payment_request: &str,
    network: Network,
    price: Sats,
    now: u64,
) -> Result<Answer, String> {
    let invoice = bolt11::decode(payment_request).map_err(|error| error.to_string())?;
    invoice
        .check(network, price.msats().msats(), now)
        .map_err(|error| error.to_string())?;
    draw(payment_request).map(Answer::Invoice)
}

fn draw(payment_request: &str) -> Result<QrCode, String> {
    let code = qr::of_capitals(payment_request.to_ascii_uppercase());
    code.map(|code| qr::path(&code))
        .ok_or_else(|| "This invoice is too long for a QR code.".to_owned())
}
