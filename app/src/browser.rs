//! The browser's small services: address, clock, storage, clipboard, files, and which system this is.

use js_sys::{Array, Date, Reflect, Uint8Array};
use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, HtmlAnchorElement, HtmlElement, HtmlMetaElement, Storage, Url,
};

/// Path, query and fragment of the address bar.
pub fn location() -> (String, String, String) {
    let location = window().location();
    (
        location.pathname().unwrap_or_default(),
        location.search().unwrap_or_default(),
        location.hash().unwrap_or_default(),
    )
}

/// Scheme and host.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Milliseconds since 1970, by the customer's clock.
pub fn now_millis() -> u64 {
    Date::now() as u64
}

/// Goes to another address as a link does: the page there is loaded.
pub fn navigate(href: &str) {
    // Fails for addresses that are none, and these are ours.
    let _ = window().location().assign(href);
}

/// The content of a `<meta name=…>` of `index.html`.
pub fn meta(name: &str) -> Option<String> {
    let element = document()
        .query_selector(&format!("meta[name='{name}']"))
        .ok()??;
    Some(element.unchecked_into::<HtmlMetaElement>().content())
}

/// Names the page in the tab and in the history. Never give it a secret.
pub fn set_title(title: &str) {
    document().set_title(title);
}

/// What is remembered until the tab closes. Never give it a secret.
pub fn session_storage() -> Option<Storage> {
    window().session_storage().ok()?
}

/// What is remembered in this browser. Never give it a secret.
pub fn local_storage() -> Option<Storage> {
    window().local_storage().ok()?
}

/// Puts text on the clipboard; `false` where the browser refuses.
pub async fn copy(text: &str) -> bool {
    // Outside secure contexts there is no clipboard at all, and asking for it would throw.
    if !window().is_secure_context() {
        return false;
    }
    JsFuture::from(window().navigator().clipboard().write_text(text))
        .await
        .is_ok()
}

/// Hands a file to the person.
pub fn download(name: &str, content: &[u8]) -> bool {
    let options = BlobPropertyBag::new();
    options.set_type("application/octet-stream");
    let parts = Array::of1(&Uint8Array::from(content));
    let Ok(blob) = Blob::new_with_u8_array_sequence_and_options(&parts, &options) else {
        return false;
    };
    let Ok(url) = Url::create_object_url_with_blob(&blob) else {
        return false;
    };
    let Ok(anchor) = document().create_element("a") else {
        return false;
    };
    let anchor: HtmlAnchorElement = anchor.unchecked_into();
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.click();
    // The click has started the download from the blob; the address of it must not stay open.
    let _ = Url::revoke_object_url(&url);
    true
}

/// The systems that need different commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum System {
    /// macOS.
    Mac,
    /// Linux and the other Unixes.
    Linux,
    /// Windows.
    Windows,
}

/// A guess from the user agent; the person can choose another.
pub fn system() -> System {
    let agent = window().navigator().user_agent().unwrap_or_default();
    if agent.contains("Windows") {
        System::Windows
    } else if agent.contains("Mac") || agent.contains("iPhone") {
        System::Mac
    } else {
        System::Linux
    }
}

/// Moves the focus to what has this id, which also scrolls there.
pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        // Fails for nothing that matters.
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}

/// Unfolds what stands around this id, and moves the focus there.
pub fn unfold(id: &str) {
    if let Some(element) = document().get_element_by_id(id)
        && let Ok(Some(folded)) = element.closest("details")
    {
        // Fails for nothing that matters.
        let _ = folded.set_attribute("open", "");
    }
    focus(id);
}

/// Whether the browser knows itself without a network.
pub fn is_offline() -> bool {
    !window().navigator().on_line()
}

/// Whether a name exists on something of JavaScript's, for what not every browser has.
pub fn has(object: &JsValue, name: &str) -> bool {
    Reflect::has(object, &name.into()).unwrap_or(false)
}

/// Whether this is iOS in a browser, where a page becomes an app by hand only: nothing else has this property.
pub fn is_ios_page() -> bool {
    Reflect::get(&window().navigator(), &"standalone".into()) == Ok(JsValue::FALSE)
}
