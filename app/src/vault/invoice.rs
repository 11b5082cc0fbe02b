//! The invoice: judged before it is drawn, so that there is no QR code of an invoice that was not agreed.

use crate::vault_protocol::{CheckInvoice, QrCode, VaultTrouble};
use crate::{Performed, qr};
use kindling_domain::bolt11;

/// Refuses with the reason, or draws the QR code.
pub fn check(ask: &CheckInvoice) -> Performed<QrCode> {
    let invoice = bolt11::decode(&ask.payment_request)?;
    invoice.check(ask.network, ask.price.msats().msats(), ask.now)?;
    draw(&ask.payment_request)
}

fn draw(payment_request: &str) -> Performed<QrCode> {
    let code = qr::of_capitals(payment_request.to_ascii_uppercase());
    code.map(|code| qr::path(&code))
        .ok_or(VaultTrouble::InvoiceTooLong)
}
