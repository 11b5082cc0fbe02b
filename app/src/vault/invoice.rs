//! The invoice: judged before it is drawn, so that there is no QR code of an invoice that was not agreed.

use crate::vault_protocol::{Answer, QrCode};
use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, Mode};
use kindling_domain::bolt11::{self, Network};
use kindling_domain::money::Sats;
use std::fmt::Write;

/// The light margin that scanners need, in modules (ISO/IEC 18004).
const MARGIN: usize = 4;

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

/// In capitals BOLT11 fits the alphanumeric mode, which makes the squares bigger than bytes would.
fn draw(payment_request: &str) -> Result<QrCode, String> {
    let code = QRBuilder::new(payment_request.to_ascii_uppercase())
        .mode(Mode::Alphanumeric)
        .ecl(ECL::L)
        .build()
        .map_err(|_| "This invoice is too long for a QR code.".to_owned())?;
    let mut path = String::new();
    for y in 0..code.size {
        let mut x = 0;
        while x < code.size {
            let run = (x..code.size).take_while(|&at| code[y][at].value()).count();
            if run > 0 {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + MARGIN, y + MARGIN);
            }
            x += run.max(1);
        }
    }
    Ok(QrCode {
        size: code.size + 2 * MARGIN,
        path,
    })
}
