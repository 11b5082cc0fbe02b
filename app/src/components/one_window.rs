//! A window of the browser's own, such as its wallet's or the share sheet: one at a time.

use leptos::prelude::*;
use std::time::Duration;

/// Some never say that they were closed. After this another one may be asked for.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Whether one is open, or about to be.
#[derive(Clone, Copy, Default)]
pub struct OneWindow {
    is_open: RwSignal<bool>,
    opened: StoredValue<u32>,
}

impl OneWindow {
    /// Before it is asked for. `false` where one is open: then it must not be.
    pub fn open(self) -> bool {
        if self.is_open.get_untracked() {
            return false;
        }
        self.is_open.set(true);
        let this = self.opened.get_value().wrapping_add(1);
        self.opened.set_value(this);
        let forget = move || {
            if self.opened.try_get_value() == Some(this) {
                self.closed();
            }
        };
        set_timeout(forget, FORGOTTEN);
        true
    }

    /// The person may have left the page with it.
    pub fn closed(self) {
        let _ = self.is_open.try_set(false);
    }

    /// For the button's `aria-disabled`.
    pub fn disabled(self) -> Option<&'static str> {
        self.is_open.get().then_some("true")
    }
}
