//! The page's side of the vault: starts the Web Worker when it is first needed and matches replies to calls.

mod trouble;

use crate::browser::meta;
use crate::json;
use crate::vault_protocol::{
    Ask, CheckInvoice, ConfirmKey, DONE, DrawCodes, FAILED, KeyFormat, NewOrder, OpenBundle,
    OpenClass, OpenFile, OrderKeys, PROGRESS, PrivateKey, QrCode, ReadLink, SearchRsa, Sheet,
    VaultTrouble,
};
use futures_channel::oneshot;
use js_sys::Array;
use kindling_domain::bolt11::Network;
use kindling_domain::id::OrderId;
use kindling_domain::money::Sats;
use kindling_domain::secret::Secret;
use kindling_domain::wire::lean::{Json, Lean, field};
use kindling_domain::wire::{Bundle, ClassroomBundle};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

type Answered<T> = Result<T, VaultTrouble>;
type OnProgress = Box<dyn Fn(u8)>;

struct Waiting {
    progress: Option<OnProgress>,
    /// Takes the answer as it came: only who asked knows its type.
    done: oneshot::Sender<Answered<Secret>>,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // What is on its way already would call what is gone.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

#[derive(Default)]
struct Vault {
    running: Option<Running>,
    /// By the call's number; there are never many.
    waiting: Vec<(u32, Waiting)>,
    last_id: u32,
}

thread_local! {
    static VAULT: RefCell<Vault> = RefCell::default();
}

/// A new secret and what it stands for, with the Ed25519 key.
pub async fn new_order() -> Answered<OrderKeys> {
    ask_keys(NewOrder {}, None).await
}

/// The same secret with its RSA-4096 key.
pub async fn search_rsa(
    fragment: Secret,
    on_progress: impl Fn(u8) + 'static,
) -> Answered<OrderKeys> {
    ask_keys(SearchRsa { fragment }, Some(Box::new(on_progress))).await
}

/// What a link stands for.
pub async fn read_link(text: Secret) -> Answered<OrderKeys> {
    ask_keys(ReadLink { text }, None).await
}

/// Whether a link's RSA key is one.
pub async fn confirm_key(fragment: Secret) -> Answered<()> {
    ask(ConfirmKey { fragment }).await
}

/// The SSH private key's file.
pub async fn private_key(fragment: Secret) -> Answered<Secret> {
    let format = KeyFormat::OpenSsh;
    ask(PrivateKey { fragment, format }).await
}

/// The SSH private key's file for programs that do not read OpenSSH's format.
pub async fn private_key_pem(fragment: Secret) -> Answered<Secret> {
    let format = KeyFormat::Pem;
    ask(PrivateKey { fragment, format }).await
}

/// The QR code of an invoice that asks for what was agreed, or why not.
pub async fn check_invoice(
    payment_request: String,
    network: Network,
    price: Sats,
    now: u64,
) -> Answered<QrCode> {
    let what = CheckInvoice {
        payment_request,
        network,
        price,
        now,
    };
    ask(what).await
}

/// The opened bundle.
pub async fn open_bundle(fragment: Secret, sealed: String) -> Answered<Bundle> {
    ask(OpenBundle { fragment, sealed }).await
}

/// The opened bundle of a class.
pub async fn open_class(fragment: Secret, sealed: String) -> Answered<ClassroomBundle> {
    ask(OpenClass { fragment, sealed }).await
}

/// A QR code of each text.
pub async fn draw_codes(texts: Vec<Secret>) -> Answered<Vec<QrCode>> {
    ask(DrawCodes { texts }).await
}

/// Cards on paper, as a PDF in base64.
pub async fn make_pdf(sheet: Sheet) -> Answered<Secret> {
    ask(sheet).await
}

/// Another file that was sealed to the order, opened: its bytes in base64.
pub async fn open_file(fragment: Secret, sealed: String) -> Answered<Secret> {
    ask(OpenFile { fragment, sealed }).await
}

/// Ends the vault, and with it a search that nobody waits for any more; the next call starts another.
pub fn end() {
    VAULT.with_borrow_mut(|vault| {
        vault.running = None;
        // Whoever waited is told by their sender going away.
        vault.waiting.clear();
    });
}

async fn ask<A>(what: A) -> Answered<A::Answer>
where
    A: Ask<Answer: DeserializeOwned> + Serialize,
{
    let answer = begin(&what, None).await?;
    // Opened to be read.
    serde_json::from_str(answer.expose()).map_err(|_| VaultTrouble::Broken)
}

/// The same for what the first page asks.
async fn ask_keys<A>(what: A, progress: Option<OnProgress>) -> Answered<OrderKeys>
where
    A: Ask<Answer = OrderKeys> + Serialize,
{
    let answer = begin(&what, progress).await?;
    // Opened to be read.
    json::read(answer.expose()).ok_or(VaultTrouble::Broken)
}

impl Lean for OrderKeys {
    fn read(value: &impl Json) -> Option<Self> {
        let text = |name: &str| field::<String>(value, name);
        Some(Self {
            order_id: OrderId::parse(&text("order_id")?).ok()?,
            fragment: Secret::new(text("fragment")?),
            access_token: Secret::new(text("access_token")?),
            access_hash: text("access_hash")?,
            seal_to: text("seal_to")?,
            ssh_public_key: text("ssh_public_key")?,
            ssh_fingerprint: text("ssh_fingerprint")?,
        })
    }
}

/// Asks, and waits for the answer as it comes.
fn begin<A: Ask + Serialize>(
    what: &A,
    progress: Option<OnProgress>,
) -> impl Future<Output = Answered<Secret>> + use<A> {
    let text = serde_json::to_string(what).ok().map(Secret::new);
    wait(send(A::NAME, text, progress))
}

async fn wait(answer: Option<oneshot::Receiver<Answered<Secret>>>) -> Answered<Secret> {
    match answer {
        Some(answer) => answer.await.unwrap_or(Err(VaultTrouble::Broken)),
        None => Err(VaultTrouble::Broken),
    }
}

/// What all asks have in common, apart from them so that it is in the program once; `None` where there is no vault to ask.
fn send(
    name: &str,
    ask: Option<Secret>,
    progress: Option<OnProgress>,
) -> Option<oneshot::Receiver<Answered<Secret>>> {
    let (done, answer) = oneshot::channel();
    let sent =
        VAULT.with_borrow_mut(|vault| vault.send(name, &ask?, Waiting { progress, done }).ok());
    sent.map(|()| answer)
}

impl Vault {
    fn send(&mut self, name: &str, ask: &Secret, waiting: Waiting) -> Result<(), ()> {
        self.last_id += 1;
        let id = self.last_id;
        // Opened for the vault, which is this page's own.
        let message = Array::of3(&id.into(), &name.into(), &ask.expose().into());
        self.worker()?.post_message(&message).map_err(|_| ())?;
        self.waiting.push((id, waiting));
        Ok(())
    }

    fn taken(&mut self, id: u32) -> Option<Waiting> {
        let at = self.waiting.iter().position(|(other, _)| *other == id)?;
        Some(self.waiting.swap_remove(at).1)
    }

    fn worker(&mut self) -> Result<&Worker, ()> {
        let running = match self.running.take() {
            Some(running) => running,
            None => Running::start()?,
        };
        Ok(&self.running.insert(running).worker)
    }
}

impl Running {
    fn start() -> Result<Self, ()> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let path = meta("kindling-vault").ok_or(())?;
        let worker = Worker::new_with_options(&path, &options).map_err(|_| ())?;
        let on_message =
            Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| hear(&event));
        let on_error = Closure::<dyn FnMut()>::new(end);
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        })
    }
}

fn hear(event: &MessageEvent) {
    let Some((id, word, rest)) = read(&event.data()) else {
        // The loader's word for a vault that did not start or has trapped.
        return end();
    };
    // Taken out while it is told, so that what it sets off may use the vault.
    let Some(waiting) = VAULT.with_borrow_mut(|vault| vault.taken(id)) else {
        return;
    };
    let text = || rest.as_string().ok_or(VaultTrouble::Broken);
    let answer = match word.as_str() {
        PROGRESS => {
            if let (Some(progress), Some(percent)) = (&waiting.progress, rest.as_f64()) {
                progress(percent as u8);
            }
            VAULT.with_borrow_mut(|vault| vault.waiting.push((id, waiting)));
            return;
        }
        DONE => text().map(Secret::new),
        FAILED => {
            let named = |text: String| json::read::<String>(&text)?.parse().ok();
            text().and_then(|text| Err(named(text).unwrap_or(VaultTrouble::Broken)))
        }
        _ => Err(VaultTrouble::Broken),
    };
    // The other end is gone where the page has moved on.
    let _ = waiting.done.send(answer);
}

/// The call's number, the vault's word on it, and what goes with the word.
fn read(message: &JsValue) -> Option<(u32, String, JsValue)> {
    let parts: &Array = message.dyn_ref()?;
    let id = parts.get(0).as_f64()?;
    Some((id as u32, parts.get(1).as_string()?, parts.get(2)))
}
