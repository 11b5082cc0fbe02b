//! QR codes: computed here, drawn by the page or put into a PDF.

use crate::Performed;
use crate::vault_protocol::{QrCode, VaultTrouble};
use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, Mode, QRCode};
use kindling_domain::secret::Secret;
use std::fmt::Write;

/// The light margin that scanners need, in modules (ISO/IEC 18004).
pub const MARGIN: usize = 4;

/// The code of capitals, digits and a few signs, which makes the squares bigger than bytes would; `None` where it is too long.
pub fn of_capitals(text: String) -> Option<QRCode> {
    QRBuilder::new(text)
        .mode(Mode::Alphanumeric)
        .ecl(ECL::L)
        .build()
        .ok()
}

/// The code of any text. The lowest correction, because half a thousand characters make the squares small enough.
pub fn of_text(text: &Secret) -> Performed<QRCode> {
    // Opened to be drawn.
    QRBuilder::new(text.expose())
        .ecl(ECL::L)
        .build()
        .map_err(|_| VaultTrouble::ConnectionTooLong)
}

/// The codes of several texts.
pub fn draw_all(texts: &[Secret]) -> Performed<Vec<QrCode>> {
    texts.iter().map(|it| Ok(path(&of_text(it)?))).collect()
}

/// As an SVG path.
pub fn path(code: &QRCode) -> QrCode {
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
    QrCode {
        size: code.size + 2 * MARGIN,
        path,
    }
}
