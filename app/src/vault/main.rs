//! The vault: the wasm program in the page's Web Worker. Everything that takes a while or opens something secret happens
//! here, so that the page's own thread never stalls and its wasm carries no cryptography.

#[path = "../vault_protocol.rs"]
mod vault_protocol;

mod bundle;
mod invoice;
mod order;
mod pdf;
mod qr;
mod sealed;

use js_sys::Array;
use kindling_domain::secret::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vault_protocol::{
    Ask, CheckInvoice, DONE, DrawCodes, FAILED, NewOrder, OpenBundle, OpenClass, OpenFile,
    PROGRESS, PrivateKey, ReadLink, SearchRsa, Sheet, VaultTrouble,
};
use wasm_bindgen::prelude::*;

/// What an ask comes to.
type Performed<T> = Result<T, VaultTrouble>;

/// Answers one message of the page. What is no ask is dropped: nobody waits for an answer to it.
#[wasm_bindgen]
pub fn handle(message: &Array) {
    let id = message.get(0);
    let (Some(name), Some(ask)) = (message.get(1).as_string(), message.get(2).as_string()) else {
        return;
    };
    let progress = &mut |percent: u8| tell(&id, PROGRESS, &percent.into());
    match perform(&name, &Secret::new(ask), progress) {
        // Opened for the page.
        Some(Ok(answer)) => tell(&id, DONE, &answer.expose().into()),
        Some(Err(trouble)) => {
            // One without its reason still ends the wait.
            let why = serde_json::to_string(&trouble).unwrap_or_default();
            tell(&id, FAILED, &why.into());
        }
        None => {}
    }
}

/// The answer in JSON; `None` where this is not something that the page asks.
fn perform(name: &str, ask: &Secret, progress: &mut dyn FnMut(u8)) -> Option<Performed<Secret>> {
    match name {
        NewOrder::NAME => answer(ask, |_: NewOrder| order::draw()),
        SearchRsa::NAME => answer(ask, |it: SearchRsa| {
            order::search_rsa(&it.fragment, progress)
        }),
        ReadLink::NAME => answer(ask, |it: ReadLink| order::read(&it.text)),
        PrivateKey::NAME => answer(ask, |it: PrivateKey| order::private_key(&it)),
        CheckInvoice::NAME => answer(ask, |it: CheckInvoice| invoice::check(&it)),
        OpenBundle::NAME => answer(ask, |it: OpenBundle| bundle::open(&it.fragment, &it.sealed)),
        OpenClass::NAME => answer(ask, |it: OpenClass| {
            bundle::open_class(&it.fragment, &it.sealed)
        }),
        DrawCodes::NAME => answer(ask, |it: DrawCodes| qr::draw_all(&it.texts)),
        Sheet::NAME => answer(ask, |it: Sheet| pdf::make(&it)),
        OpenFile::NAME => answer(ask, |it: OpenFile| {
            sealed::open_file(&it.fragment, &it.sealed)
        }),
        _ => None,
    }
}

fn answer<A>(ask: &Secret, how: impl FnOnce(A) -> Performed<A::Answer>) -> Option<Performed<Secret>>
where
    A: Ask<Answer: Serialize> + DeserializeOwned,
{
    // Opened to be read.
    let ask = serde_json::from_str(ask.expose()).ok()?;
    Some(how(ask).and_then(|answer| {
        let text = serde_json::to_string(&answer).map_err(|_| VaultTrouble::Broken)?;
        Ok(Secret::new(text))
    }))
}

/// Posts one reply. In a Web Worker the global scope is where replies go.
fn tell(id: &JsValue, word: &str, rest: &JsValue) {
    let scope: web_sys::DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    // Posting what is made of numbers and strings fails only where the page is gone, and then nobody waits.
    let _ = scope.post_message(&Array::of3(id, &word.into(), rest));
}

fn main() {}
