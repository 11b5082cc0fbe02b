//! `cargo xtask vapid`: draws the key that the shop's notifications are signed with.

use std::fs;
use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The order of P-256: a private key is a number from 1 to one less.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// Prints a new key, and on a terminal what to do with it. Nothing else keeps it.
pub fn run() -> Result<ExitCode> {
    let mut random = fs::File::open("/dev/urandom").context("no randomness")?;
    let key = loop {
        let mut bytes = [0; 32];
        random.read_exact(&mut bytes).context("no randomness")?;
        if is_key(&bytes) {
            break URL_SAFE_NO_PAD.encode(bytes);
        }
    };
    println!("{key}");
    if std::io::stdout().is_terminal() {
        eprintln!(
            "\nThat is a new VAPID_PRIVATE_KEY, kept nowhere but on this screen. It is a secret:\n  \
             cargo xtask wrangler secret put VAPID_PRIVATE_KEY    gives it to a deployment, which asks for it,\n  \
             VAPID_PRIVATE_KEY=\"...\" in .dev.vars                 to `cargo xtask dev`.\n\
             Straight from here to a deployment, without a screen:\n  \
             cargo xtask vapid | cargo xtask wrangler secret put VAPID_PRIVATE_KEY\n\
             Browsers tie what they subscribe to to this key: with another one, whoever waits for an order is not told."
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether these bytes are a private key of P-256.
fn is_key(bytes: &[u8; 32]) -> bool {
    // Of the same length, they compare as the numbers that they write.
    bytes.iter().any(|byte| *byte != 0) && hex::encode(bytes).as_str() < ORDER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_number_below_the_order_of_the_curve() {
        let mut order = [0; 32];
        hex::decode_to_slice(ORDER, &mut order).unwrap();
        assert!(!is_key(&order) && !is_key(&[0; 32]) && !is_key(&[255; 32]));
        order[31] -= 1;
        assert!(is_key(&order) && is_key(&[7; 32]));
    }
}
