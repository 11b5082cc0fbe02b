//! The vault: the wasm program in the page's Web Worker. Everything that takes a while or opens something secret happens
//! here, so that the page's own thread never stalls and its wasm carries no cryptography.

#[path = "../vault_protocol.rs"]
mod vault_protocol;
#[path = "../win_ansi.rs"]
mod win_ansi;

mod bundle;
mod invoice;
mod order;
mod pdf;
mod qr;
mod sealed;

use vault_protocol::{Answer, Call, News, Reply, Request};
use wasm_bindgen::prelude::*;

/// Answers one message of the page. Text that is no request is dropped: nobody waits for an answer to it.
#[wasm_bindgen]
pub fn handle(message: &str) {
    let Ok(Request { id, call }) = serde_json::from_str(message) else {
        return;
    };
    let news = match perform(call, &mut |percent| tell(id, News::Progress(percent))) {
        Ok(answer) => News::Done(answer),
        Err(sentence) => News::Failed(sentence),
    };
    tell(id, news);
}

fn perform(call: Call, progress: &mut dyn FnMut(u8)) -> Result<Answer, String> {
    match call {
        Call::NewOrder => order::draw(),
        Call::SearchRsa { fragment } => order::search_rsa(&fragment, progress),
        Call::ReadLink { text } => order::read(&text),
        Call::PrivateKey { fragment } => order::private_key(&fragment),
        Call::CheckInvoice {
            payment_request,
            network,
            price,
            now,
        } => invoice::check(&payment_request, network, price, now),
        Call::OpenBundle { fragment, sealed } => bundle::open(&fragment, &sealed),
        Call::OpenClass { fragment, sealed } => bundle::open_class(&fragment, &sealed),
        Call::DrawCodes { texts } => qr::draw_all(&texts),
        Call::MakePdf(sheet) => pdf::make(&sheet),
        Call::OpenFile { fragment, sealed } => sealed::open_file(&fragment, &sealed),
    }
}

/// Posts one reply. In a Web Worker the global scope is where replies go.
fn tell(id: u32, news: News) {
    let scope: web_sys::DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    if let Ok(text) = serde_json::to_string(&Reply { id, news }) {
        // Posting a string fails only where the page is gone, and then nobody waits.
        let _ = scope.post_message(&JsValue::from_str(&text));
    }
}

fn main() {}
