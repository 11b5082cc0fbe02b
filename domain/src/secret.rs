//! A wrapper for text that must never be printed; opening it is always spelled out at the call.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// Secret text. `Debug` is redacted, there is no `Display`, and the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every caller says beside the call why it may look.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("marker-4711");
        assert!(!format!("{secret:?} {:?}", Some(&secret)).contains("4711"));
        assert_eq!(secret.expose(), "marker-4711");
    }
}
