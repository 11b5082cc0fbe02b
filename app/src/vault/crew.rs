//! Key workers: Web Workers of the vault's own, each with one engine of `kindling_primes`, that answer tasks in their order.
//!
//! What the crew has to tell comes as [`News`], one at a time. A worker that fails is let go at once; it is for the others to do its work.
//! A crew works on one seed and ends with that: the memory of its workers, which nobody could wipe for sure, goes with them.

use js_sys::{Array, Function, Uint8Array, WebAssembly, global};
use kindling_domain::keys::SshSeed;
use kindling_primes::{Outcome, Task};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

/// How many search a key: one for each core, and not more than a phone has of the fast ones.
const SEARCHERS: (usize, usize) = (2, 4);
/// How many judge the primes of a link: one each.
const JUDGES: usize = 2;
/// The crew is looked after this often, in milliseconds.
const LOOK: i32 = 5_000;
/// So many looks without a word from anybody, and nothing more is waited for: what a worker is made of are 40 kB, and the longest task takes
/// a tenth of a second on a laptop.
const PATIENCE: u32 = 4;

/// The arithmetic that a crew works with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `kindling_primes::Fused`.
    Fused,
    /// `kindling_primes::Scalar`.
    Scalar,
}

impl Engine {
    /// What a key worker of it is called.
    const fn name(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::Scalar => "scalar",
        }
    }

    /// So few that nobody waits long for the last one, so many that talking about them takes no time.
    pub const fn tests_per_task(self) -> usize {
        match self {
            Self::Fused => 4,
            Self::Scalar => 1,
        }
    }
}

/// Where the files are that key workers are made of.
struct Files {
    key_worker: String,
    fused: String,
    scalar: String,
}

thread_local! {
    static FILES: OnceCell<Files> = const { OnceCell::new() };
    /// Who has never had anything to do, for the next search.
    static IDLE: RefCell<Option<Crew>> = const { RefCell::new(None) };
    /// The module that was compiled last. Workers come and go; it stays.
    static COMPILED: RefCell<Option<(Engine, JsValue)>> = const { RefCell::new(None) };
    static FUSED_HAS_FAILED: Cell<bool> = const { Cell::new(false) };
}

/// The loader's word on where the files are.
#[wasm_bindgen]
pub fn equip(key_worker: String, fused: String, scalar: String) {
    let files = Files {
        key_worker,
        fused,
        scalar,
    };
    // The loader says it once.
    FILES.with(|it| drop(it.set(files)));
}

/// Has a crew at hand for a search that is about to come.
pub fn warm_up() {
    // One that does not start is tried again by the search, which tells of it.
    IDLE.set(Crew::for_search().ok());
}

/// Something has happened.
pub enum News {
    /// There is room for work, or was already.
    Ready,
    /// An answer to the task of this number; `None` where it is none.
    Answer(u32, Option<Outcome>),
    /// Nobody is left, or nobody says anything.
    Over,
}

/// Key workers with the same engine.
pub struct Crew {
    /// Which.
    pub engine: Engine,
    hands: Vec<Hand>,
    inbox: Rc<Inbox>,
    /// Of tasks.
    last_number: u32,
    clock: i32,
    _on_look: Closure<dyn FnMut()>,
}

struct Hand {
    place: usize,
    worker: Worker,
    /// Its engine works on this machine.
    is_up: bool,
    /// It knows the seed.
    has_begun: bool,
    /// It has a task.
    is_busy: bool,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Drop for Hand {
    fn drop(&mut self) {
        // What is on its way already would call what is gone.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        scope().clear_interval_with_handle(self.clock);
    }
}

/// What the workers have said and nobody has read yet.
#[derive(Default)]
struct Inbox {
    said: RefCell<VecDeque<(usize, Said)>>,
    looks: Cell<u32>,
    reader: RefCell<Option<Waker>>,
}

/// By a worker.
enum Said {
    Up,
    Answer(u32, JsValue),
    Failed,
}

impl Inbox {
    fn put(&self, place: usize, said: Said) {
        self.said.borrow_mut().push_back((place, said));
        self.wake();
    }

    fn look(&self) {
        self.looks.set(self.looks.get() + 1);
        self.wake();
    }

    fn wake(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// The next word; `None` once nobody has said anything for too long.
    async fn take(&self) -> Option<(usize, Said)> {
        poll_fn(|context| {
            if let Some(next) = self.said.borrow_mut().pop_front() {
                self.looks.set(0);
                return Poll::Ready(Some(next));
            }
            if self.looks.get() >= PATIENCE {
                return Poll::Ready(None);
            }
            self.reader.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

impl Crew {
    /// Who waits for work, or a new crew with a worker for each core.
    pub fn for_search() -> Result<Self, JsValue> {
        let cores = scope().navigator().hardware_concurrency() as usize;
        Self::idle().map_or_else(|| Self::start(cores.clamp(SEARCHERS.0, SEARCHERS.1)), Ok)
    }

    /// Who waits for work, or a new crew that is small.
    pub fn for_judgement() -> Result<Self, JsValue> {
        Self::idle().map_or_else(|| Self::start(JUDGES), Ok)
    }

    fn idle() -> Option<Self> {
        let crew = IDLE.take().filter(|crew| !crew.hands.is_empty())?;
        crew.inbox.looks.set(0);
        Some(crew)
    }

    /// What this crew says cannot be right: the next one works with the other engine.
    pub fn distrust(self) {
        if self.engine == Engine::Fused {
            FUSED_HAS_FAILED.set(true);
        }
    }

    fn start(count: usize) -> Result<Self, JsValue> {
        let engine = engine();
        let inbox = Rc::<Inbox>::default();
        let (script, module) = FILES.with(|files| {
            let files = files.get().ok_or(JsValue::UNDEFINED)?;
            let module = match engine {
                Engine::Fused => &files.fused,
                Engine::Scalar => &files.scalar,
            };
            Ok::<_, JsValue>((files.key_worker.clone(), module.clone()))
        })?;
        let hand = |place| Hand::start(place, &script, engine, &inbox);
        let hands = (0..count).map(hand).collect::<Result<Vec<_>, _>>()?;
        let workers: Vec<Worker> = hands.iter().map(|hand| hand.worker.clone()).collect();
        spawn_local(bring_up(workers, engine, module, Rc::clone(&inbox)));
        let on_look = Closure::<dyn FnMut()>::new({
            let inbox = Rc::clone(&inbox);
            move || inbox.look()
        });
        let look: &Function = on_look.as_ref().unchecked_ref();
        let clock = scope().set_interval_with_callback_and_timeout_and_arguments_0(look, LOOK)?;
        Ok(Self {
            engine,
            hands,
            inbox,
            last_number: START,
            clock,
            _on_look: on_look,
        })
    }

    /// Gives work to whoever has none, for as long as there is `some`; that is told each task's number.
    pub fn share(&mut self, seed: &SshSeed, mut some: impl FnMut(u32) -> Option<Task>) {
        for hand in self.hands.iter_mut().filter(|hand| hand.is_free()) {
            let Some(task) = some(self.last_number + 1) else {
                return;
            };
            self.last_number += 1;
            if hand.assign(seed, self.last_number, task).is_err() {
                self.inbox.put(hand.place, Said::Failed);
            }
        }
    }

    /// Waits until something happens.
    pub async fn news(&mut self) -> News {
        loop {
            if self.hands.is_empty() {
                return News::Over;
            }
            let Some((place, said)) = self.inbox.take().await else {
                return News::Over;
            };
            let Some(at) = self.hands.iter().position(|hand| hand.place == place) else {
                continue;
            };
            match said {
                Said::Up => self.hands[at].is_up = true,
                Said::Answer(number, answer) => {
                    self.hands[at].is_busy = false;
                    return News::Answer(number, outcome(&answer));
                }
                Said::Failed => drop(self.hands.remove(at)),
            }
            if !self.hands.is_empty() {
                return News::Ready;
            }
        }
    }
}

impl Hand {
    fn start(
        place: usize,
        script: &str,
        engine: Engine,
        inbox: &Rc<Inbox>,
    ) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(engine.name());
        let worker = Worker::new_with_options(script, &options)?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
            let inbox = Rc::clone(inbox);
            move |event: MessageEvent| {
                if let Some(said) = read(&event.data()) {
                    inbox.put(place, said);
                }
            }
        });
        let on_error = Closure::<dyn FnMut(Event)>::new({
            let inbox = Rc::clone(inbox);
            move |event: Event| {
                // Else it would be the vault's own error, which ends the vault.
                event.prevent_default();
                inbox.put(place, Said::Failed);
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self {
            place,
            worker,
            is_up: false,
            has_begun: false,
            is_busy: false,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    fn is_free(&self) -> bool {
        self.is_up && !self.is_busy
    }

    fn assign(&mut self, seed: &SshSeed, number: u32, task: Task) -> Result<(), JsValue> {
        if !self.has_begun {
            // Opened for a worker of our own, which keeps nothing of it but the starting points.
            let bytes = Uint8Array::from(seed.expose().as_slice());
            let told = self.tell(UNANSWERED, "begin", &[&bytes]);
            bytes.fill(0, 0, bytes.length());
            told?;
            self.has_begun = true;
        }
        self.is_busy = true;
        match task {
            Task::Sieve { prime, window } => {
                self.tell(number, "sieve", &[&(prime as u32).into(), &window.into()])
            }
            Task::Test { prime, counters } => {
                let counters = js_sys::Uint32Array::from(counters.as_slice());
                self.tell(number, "test", &[&(prime as u32).into(), &counters])
            }
            Task::Confirm { prime, counter } => self.tell(
                number,
                "confirm",
                &[&(prime as u32).into(), &counter.into()],
            ),
        }
    }

    fn tell(&self, number: u32, name: &str, rest: &[&JsValue]) -> Result<(), JsValue> {
        post(&self.worker, number, name, rest)
    }
}

fn post(worker: &Worker, number: u32, name: &str, rest: &[&JsValue]) -> Result<(), JsValue> {
    let message = Array::of2(&number.into(), &name.into());
    for it in rest {
        message.push(it);
    }
    worker.post_message(&message)
}

/// Gives the engine's module to all.
async fn bring_up(workers: Vec<Worker>, engine: Engine, file: String, inbox: Rc<Inbox>) {
    let module = compiled(engine, &file).await;
    for (place, worker) in workers.iter().enumerate() {
        let told = module
            .as_ref()
            .is_ok_and(|module| post(worker, START, "start", &[module]).is_ok());
        if !told {
            inbox.put(place, Said::Failed);
        }
    }
}

/// Streams and compiles the module once.
async fn compiled(engine: Engine, file: &str) -> Result<JsValue, JsValue> {
    let kept = COMPILED.with_borrow(|kept| kept.clone().filter(|(of, _)| *of == engine));
    if let Some((_, module)) = kept {
        return Ok(module);
    }
    let file = scope().fetch_with_str(file);
    let module = JsFuture::from(WebAssembly::compile_streaming(&file)).await?;
    COMPILED.set(Some((engine, module.clone())));
    Ok(module)
}

/// The number of what needs no answer.
const UNANSWERED: u32 = 0;
/// The number of what a worker is told first. Tasks have those behind.
const START: u32 = 1;

/// A worker's message: `[number, answer]`, or anything else from one that has failed. `None` of what nobody asked for.
fn read(message: &JsValue) -> Option<Said> {
    let parts = message.dyn_ref::<Array>();
    let number = parts.and_then(|parts| parts.get(0).as_f64());
    let (Some(parts), Some(number)) = (parts, number) else {
        return Some(Said::Failed);
    };
    let answer = parts.get(1);
    match number as u32 {
        UNANSWERED => None,
        // Whether the engine computes right on this machine.
        START if answer.is_truthy() => Some(Said::Up),
        START => Some(Said::Failed),
        number => Some(Said::Answer(number, answer)),
    }
}

fn outcome(answer: &JsValue) -> Option<Outcome> {
    if let Some(survivors) = answer.dyn_ref::<js_sys::Uint32Array>() {
        return Some(Outcome::Survivors(survivors.to_vec()));
    }
    if let Some(verdict) = answer.as_bool() {
        return Some(Outcome::Confirmed(verdict));
    }
    if answer.is_undefined() {
        return Some(Outcome::Tested(None));
    }
    let counter = answer.as_f64()?;
    Some(Outcome::Tested(Some(counter as u32)))
}

/// The fastest one that this browser has and nobody has found fault with.
fn engine() -> Engine {
    let module = Uint8Array::from(RELAXED_SIMD.as_slice());
    let has_it = || WebAssembly::validate(&module).unwrap_or(false);
    if !FUSED_HAS_FAILED.get() && has_it() {
        Engine::Fused
    } else {
        Engine::Scalar
    }
}

/// A module with one function: `f64x2.relaxed_madd` of three vectors of zeros.
const RELAXED_SIMD: [u8; 40] = [
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // "\0asm", version 1
    1, 5, 1, 0x60, 0, 1, 0x7b, // types: () -> v128
    3, 2, 1, 0, // functions: one, of that type
    10, 19, 1, 17, 0, // code: one body without locals
    0x41, 0, 0xfd, 0x0f, // i32.const 0, i8x16.splat
    0x41, 0, 0xfd, 0x0f, //
    0x41, 0, 0xfd, 0x0f, //
    0xfd, 0x87, 0x02, // f64x2.relaxed_madd
    0x0b, // end
];

fn scope() -> DedicatedWorkerGlobalScope {
    global().unchecked_into()
}
