//! The page's side of the vault: starts the Web Worker when it is first needed and matches replies to calls.

use crate::browser::meta;
use crate::vault_protocol::{Answer, Call, News, OrderKeys, QrCode, Reply, Request, Sheet};
use futures_channel::oneshot;
use kindling_domain::bolt11::Network;
use kindling_domain::money::Sats;
use kindling_domain::secret::Secret;
use kindling_domain::wire::{Bundle, ClassroomBundle};
use std::cell::RefCell;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

const BROKEN: &str = "The part of this page that handles keys did not start. Reload the page; if that does not help, try another browser.";

/// A sentence for the person.
type Answered<T> = Result<T, String>;
type OnProgress = Box<dyn Fn(u8)>;

struct Waiting {
    progress: Option<OnProgress>,
    done: oneshot::Sender<Answered<Answer>>,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

#[derive(Default)]
struct Vault {
    running: Option<Running>,
    waiting: BTreeMap<u32, Waiting>,
    last_id: u32,
}

thread_local! {
    static VAULT: RefCell<Vault> = RefCell::default();
}

/// A new secret and what it stands for, with the Ed25519 key.
pub async fn new_order() -> Answered<OrderKeys> {
    order(Call::NewOrder, None).await
}

/// The same secret with its RSA-4096 key.
pub async fn search_rsa(
    fragment: Secret,
    on_progress: impl Fn(u8) + 'static,
) -> Answered<OrderKeys> {
    order(Call::SearchRsa { fragment }, Some(Box::new(on_progress))).await
}

/// What a link stands for.
pub async fn read_link(text: Secret) -> Answered<OrderKeys> {
    order(Call::ReadLink { text }, None).await
}

/// The SSH private key's file.
pub async fn private_key(fragment: Secret) -> Answered<Secret> {
    match call(Call::PrivateKey { fragment }, None).await? {
        Answer::PrivateKey(text) => Ok(text),
        _ => Err(BROKEN.to_owned()),
    }
}

/// The QR code of an invoice that asks for what was agreed, or why not.
pub async fn check_invoice(
    payment_request: String,
    network: Network,
    price: Sats,
    now: u64,
) -> Answered<QrCode> {
    match call(
        Call::CheckInvoice {
            payment_request,
            network,
            price,
            now,
        },
        None,
    )
    .await?
    {
        Answer::Invoice(code) => Ok(code),
        _ => Err(BROKEN.to_owned()),
    }
}

/// The opened bundle.
pub async fn open_bundle(fragment: Secret, sealed: String) -> Answered<Bundle> {
    match call(Call::OpenBundle { fragment, sealed }, None).await? {
        Answer::Bundle(bundle) => Ok(*bundle),
        _ => Err(BROKEN.to_owned()),
    }
}

/// The opened bundle of a class.
pub async fn open_class(fragment: Secret, sealed: String) -> Answered<ClassroomBundle> {
    match call(Call::OpenClass { fragment, sealed }, None).await? {
        Answer::Class(bundle) => Ok(*bundle),
        _ => Err(BROKEN.to_owned()),
    }
}

/// A QR code of each text.
pub async fn draw_codes(texts: Vec<Secret>) -> Answered<Vec<QrCode>> {
    match call(Call::DrawCodes { texts }, None).await? {
        Answer::Codes(codes) => Ok(codes),
        _ => Err(BROKEN.to_owned()),
    }
}

/// Cards on paper, as a PDF in base64.
pub async fn make_pdf(sheet: Sheet) -> Answered<Secret> {
    match call(Call::MakePdf(Box::new(sheet)), None).await? {
        Answer::Pdf(file) => Ok(file),
        _ => Err(BROKEN.to_owned()),
    }
}

/// Another file that was sealed to the order, opened: its bytes in base64.
pub async fn open_file(fragment: Secret, sealed: String) -> Answered<Secret> {
    match call(Call::OpenFile { fragment, sealed }, None).await? {
        Answer::File(content) => Ok(content),
        _ => Err(BROKEN.to_owned()),
    }
}

/// Ends the vault, and with it a search that nobody waits for any more; the next call starts another.
pub fn end() {
    VAULT.with_borrow_mut(|vault| {
        vault.running = None;
        // Whoever waited is told by their sender going away.
        vault.waiting.clear();
    });
}

async fn order(what: Call, progress: Option<OnProgress>) -> Answered<OrderKeys> {
    match call(what, progress).await? {
        Answer::Order(keys) => Ok(*keys),
        _ => Err(BROKEN.to_owned()),
    }
}

async fn call(call: Call, progress: Option<OnProgress>) -> Answered<Answer> {
    let (done, answer) = oneshot::channel();
    VAULT
        .with_borrow_mut(|vault| vault.send(call, Waiting { progress, done }))
        .map_err(|()| BROKEN.to_owned())?;
    answer.await.unwrap_or_else(|_| Err(BROKEN.to_owned()))
}

impl Vault {
    fn send(&mut self, call: Call, waiting: Waiting) -> Result<(), ()> {
        self.last_id += 1;
        let request = Request {
            id: self.last_id,
            call,
        };
        let text = serde_json::to_string(&request).map_err(|_| ())?;
        self.worker()?.post_message(&text.into()).map_err(|_| ())?;
        self.waiting.insert(request.id, waiting);
        Ok(())
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
    let text = event.data().as_string().unwrap_or_default();
    let Ok(Reply { id, news }) = serde_json::from_str(&text) else {
        // The loader's word for a vault that did not start or has trapped.
        return end();
    };
    // Taken out while it is told, so that what it sets off may use the vault.
    let Some(waiting) = VAULT.with_borrow_mut(|vault| vault.waiting.remove(&id)) else {
        return;
    };
    let answer = match news {
        News::Progress(percent) => {
            if let Some(progress) = &waiting.progress {
                progress(percent);
            }
            VAULT.with_borrow_mut(|vault| vault.waiting.insert(id, waiting));
            return;
        }
        News::Done(answer) => Ok(answer),
        News::Failed(sentence) => Err(sentence),
    };
    // The other end is gone where the page has moved on.
    let _ = waiting.done.send(answer);
}
