//! Which page of an order's an address means, and how to get to another without loading it anew.
//!
//! A router crate would keep past addresses around and look for an element named like the fragment; here the fragment is
//! a secret, so it is read in one place and kept nowhere.

use crate::browser::location;
use crate::vault_protocol::OrderKeys;
use kindling_domain::id::OrderId;
use kindling_domain::secret::Secret;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

/// The pages there are.
#[derive(Clone, PartialEq, Eq)]
pub enum Route {
    /// `/orders`, or an order's address without the part behind `#`.
    SignIn {
        /// The id in the path, as it stands there.
        id: Option<String>,
    },
    /// `/orders/<id>#<fragment>`
    Order {
        /// The id in the path, as it stands there.
        id: String,
        /// What stands behind `#`.
        fragment: Secret,
        /// The save form led here (`?saved=1`).
        saved: bool,
    },
    /// Anything else.
    Nowhere,
}

/// The current route; found by `use_context`.
#[derive(Clone, Copy)]
pub struct Router {
    route: RwSignal<Route>,
    /// Whether this page was reached from another one of the app, so that its heading takes the focus.
    moved: StoredValue<bool>,
}

impl Router {
    /// Reads the address and follows the browser's back, forward and edited fragments.
    pub fn start() -> Self {
        let router = Self {
            route: RwSignal::new(read()),
            moved: StoredValue::new(false),
        };
        // Never removed: the router lives as long as the page.
        window_event_listener(ev::popstate, move |_| router.arrive());
        window_event_listener(ev::hashchange, move |_| router.arrive());
        router
    }

    /// The page to show.
    pub fn route(self) -> Route {
        self.route.get()
    }

    /// Whether the person came here by a link inside the app.
    pub fn moved(self) -> bool {
        self.moved.get_value()
    }

    /// Goes to an address of the app.
    pub fn go(self, href: &str) {
        if let Ok(history) = window().history() {
            // Refused only for addresses of another origin, which the app has none of.
            let _ = history.push_state_with_url(&JsValue::NULL, "", Some(href));
        }
        window().scroll_to_with_x_and_y(0.0, 0.0);
        self.arrive();
    }

    /// Goes to an order's page.
    pub fn enter(self, keys: &OrderKeys) {
        self.go(&address(&keys.order_id, &keys.fragment));
    }

    fn arrive(self) {
        let route = read();
        if self.route.with_untracked(|old| *old != route) {
            self.moved.set_value(true);
            self.route.set(route);
        }
    }
}

/// The address of an order's page.
pub fn address(id: &OrderId, fragment: &Secret) -> String {
    // Opened for the address bar, which is where an order link lives; the part behind # stays in the browser.
    format!("/orders/{id}#{}", fragment.expose())
}

/// The router of the app. Contexts are found while a component is made, not in its event handlers.
pub fn router() -> Router {
    use_context().unwrap_or_else(Router::start)
}

fn read() -> Route {
    let (path, query, fragment) = location();
    let saved = query
        .trim_start_matches('?')
        .split('&')
        .any(|pair| pair == "saved=1");
    let mut parts = path.trim_matches('/').split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("orders"), None, None) => Route::SignIn { id: None },
        (Some("orders"), Some(id), None) => match fragment.trim_start_matches('#') {
            "" => Route::SignIn {
                id: Some(id.to_owned()),
            },
            fragment => Route::Order {
                id: id.to_owned(),
                fragment: Secret::new(fragment),
                saved,
            },
        },
        _ => Route::Nowhere,
    }
}
