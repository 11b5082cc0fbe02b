//! Where the focus goes when what had it is gone: to the page's heading, never back to the start of the document.

use leptos::prelude::{document, on_cleanup, request_animation_frame};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// To be called in what draws something that the focus may be in and that may go by itself: `selector` is around it.
pub fn rescue(selector: &'static str) {
    // Runs before it is taken away.
    on_cleanup(move || {
        let active = document().active_element();
        if active.is_some_and(|active| active.closest(selector).is_ok_and(|it| it.is_some())) {
            to_heading();
        }
    });
}

fn to_heading() {
    // After the page has been drawn anew, which happens before the next frame.
    request_animation_frame(|| {
        let document = document();
        let body = document.body().map(JsCast::unchecked_into);
        if document
            .active_element()
            .is_some_and(|active| body != Some(active))
        {
            return;
        }
        if let Ok(Some(heading)) = document.query_selector("main h1") {
            // Fails for nothing that matters.
            let _ = heading.unchecked_into::<HtmlElement>().focus();
        }
    });
}
