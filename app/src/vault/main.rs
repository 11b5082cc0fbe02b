//! The vault: the wasm program in the page's Web Worker. Everything that takes a while or opens something secret happens
//! here, so that the page's own thread never stalls and its wasm carries no cryptography.

#[path = "../vault_protocol.rs"]
mod vault_protocol;
#[path = "../win_ansi.rs"]
mod win_ansi;

mod bundle;
mod crew;
mod invoice;
mod order;
mod pdf;
mod qr;
mod sealed;
mod search;
mod trial;

use js_sys::Array;
use kindling_domain::secret::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vault_protocol::{
    Ask, CheckInvoice, ConfirmKey, DONE, DrawCodes, FAILED, NewOrder, OpenBundle, OpenClass,
    OpenFile, PROGRESS, PrivateKey, ReadLink, SearchRsa, Sheet, VaultTrouble,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// What an ask comes to.
type Performed<T> = Result<T, VaultTrouble>;

/// Answers one message of the page. What is no ask is dropped: nobody waits for an answer to it.
#[wasm_bindgen]
pub fn handle(message: &Array) {
    let id = message.get(0);
    let (Some(name), Some(ask)) = (message.get(1).as_string(), message.get(2).as_string()) else {
        return;
    };
    let ask = Secret::new(ask);
    match perform(&name, &ask) {
        Some(answer) => settle(&id, answer),
        // While key workers are busy with it other asks are answered.
        None => spawn_local(async move {
            if let Some(answer) = perform_later(&name, &ask, &id).await {
                settle(&id, answer);
            }
        }),
    }
}

fn settle(id: &JsValue, answer: Performed<Secret>) {
    match answer {
        // Opened for the page.
        Ok(answer) => tell(id, DONE, &answer.expose().into()),
        Err(trouble) => {
            // One without its reason still ends the wait.
            let why = serde_json::to_string(&trouble).unwrap_or_default();
            tell(id, FAILED, &why.into());
        }
    }
}

/// The answer in JSON; `None` where this is not something that can be answered at once.
fn perform(name: &str, ask: &Secret) -> Option<Performed<Secret>> {
    match name {
        NewOrder::NAME => answer(ask, |_: NewOrder| {
            // What is asked next is its RSA key.
            crew::warm_up();
            order::draw()
        }),
        ReadLink::NAME => answer(ask, |it: ReadLink| order::read(&it.text)),
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

/// The same of what key workers have a part in; `None` where this is not something that the page asks.
async fn perform_later(name: &str, ask: &Secret, id: &JsValue) -> Option<Performed<Secret>> {
    match name {
        SearchRsa::NAME => {
            let it: SearchRsa = read(ask)?;
            let progress = |percent: u8| tell(id, PROGRESS, &percent.into());
            Some(write(order::search_rsa(&it.fragment, progress).await))
        }
        ConfirmKey::NAME => {
            let it: ConfirmKey = read(ask)?;
            Some(write(order::confirm(&it.fragment).await))
        }
        PrivateKey::NAME => {
            let it: PrivateKey = read(ask)?;
            Some(write(order::private_key(&it).await))
        }
        _ => None,
    }
}

fn answer<A>(ask: &Secret, how: impl FnOnce(A) -> Performed<A::Answer>) -> Option<Performed<Secret>>
where
    A: Ask<Answer: Serialize> + DeserializeOwned,
{
    Some(write(how(read(ask)?)))
}

fn read<A: DeserializeOwned>(ask: &Secret) -> Option<A> {
    // Opened to be read.
    serde_json::from_str(ask.expose()).ok()
}

fn write<T: Serialize>(answer: Performed<T>) -> Performed<Secret> {
    let text = serde_json::to_string(&answer?).map_err(|_| VaultTrouble::Broken)?;
    Ok(Secret::new(text))
}

/// Posts one reply. In a Web Worker the global scope is where replies go.
fn tell(id: &JsValue, word: &str, rest: &JsValue) {
    let scope: web_sys::DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    // Posting what is made of numbers and strings fails only where the page is gone, and then nobody waits.
    let _ = scope.post_message(&Array::of3(id, &word.into(), rest));
}

fn main() {}
