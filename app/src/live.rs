//! An order followed as it happens: by WebSocket, and by asking wherever that is not enough.
//!
//! The view only moves forward, by its revision: an answer that was on its way while something newer arrived is dropped.

use crate::api::{self, Failure, Live};
use crate::browser::now_millis;
use crate::vault_protocol::OrderKeys;
use kindling_domain::wire::{Delivery, OrderView, RefundState, StateName};
use leptos::leptos_dom::helpers::{IntervalHandle, WindowListenerHandle};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;
use web_sys::VisibilityState;

/// Every other tick asks and looks whether the socket lives; the ones between are for who looks at an unpaid invoice.
const TICK: Duration = Duration::from_millis(2500);
/// In ticks.
const ONCE_A_MINUTE: u32 = 24;
/// A socket that has not answered a ping for this long is not waited for while a payment is.
const MUTE_MILLIS: u64 = 3500;
/// A socket that has been silent for this long, pings included, is dead: phones change networks without saying so.
const SILENCE_MILLIS: u64 = 40_000;
const LONGEST_PAUSE_SECONDS: u32 = 30;

/// An order and how following it goes. It ends with the page that began it.
#[derive(Clone, Copy)]
pub struct Feed {
    /// The order as last heard.
    pub view: RwSignal<Option<OrderView>>,
    /// Why the last attempt to ask failed; gone with the next success.
    pub failure: RwSignal<Option<Failure>>,
    follower: StoredValue<Rc<Follower>, LocalStorage>,
}

impl Feed {
    /// Follows an order from now on.
    pub fn follow(keys: &OrderKeys) -> Self {
        let view = RwSignal::new(None);
        let failure = RwSignal::new(None);
        let follower = Follower::start(keys.clone(), view, failure);
        Self {
            view,
            failure,
            follower: StoredValue::new_local(follower),
        }
    }

    /// Asks now.
    pub fn refresh(self) {
        // Nobody is left to ask for where the page has gone.
        let _ = self.follower.try_with_value(Follower::ask);
    }

    /// Asks now, and says what came of it.
    pub async fn look(self) -> Result<(), Failure> {
        let Some(follower) = self.follower.try_get_value() else {
            return Ok(());
        };
        let view = api::order(&follower.keys.order_id, &follower.keys.access_token).await?;
        follower.accept(view);
        Ok(())
    }

    /// Takes a view that came as the answer to something else, perhaps after the page has gone.
    pub fn accept(self, view: OrderView) {
        let _ = self
            .follower
            .try_with_value(|follower| follower.accept(view));
    }
}

struct Follower {
    keys: OrderKeys,
    view: RwSignal<Option<OrderView>>,
    failure: RwSignal<Option<Failure>>,
    live: RefCell<Option<Live>>,
    last_heard: Cell<u64>,
    /// Whether the current socket has said anything; a working one speaks at once.
    speaks: Cell<bool>,
    pause_seconds: Cell<u32>,
    asking: Cell<bool>,
    ticks: Cell<u32>,
    interval: Cell<Option<IntervalHandle>>,
    listeners: RefCell<Vec<WindowListenerHandle>>,
}

impl Follower {
    fn start(
        keys: OrderKeys,
        view: RwSignal<Option<OrderView>>,
        failure: RwSignal<Option<Failure>>,
    ) -> Rc<Self> {
        let this = Rc::new(Self {
            keys,
            view,
            failure,
            live: RefCell::default(),
            last_heard: Cell::new(now_millis()),
            speaks: Cell::new(false),
            pause_seconds: Cell::new(1),
            asking: Cell::new(false),
            ticks: Cell::new(0),
            interval: Cell::new(None),
            listeners: RefCell::default(),
        });
        let on_tick = this.weakly(Self::tick);
        this.interval
            .set(set_interval_with_handle(on_tick, TICK).ok());
        // Back from the wallet app or back in the network: ask at once instead of at the next tick.
        for event in ["visibilitychange", "online"] {
            let ask = this.weakly(Self::ask_afresh);
            let handle = window_event_listener_untyped(event, move |_| ask());
            this.listeners.borrow_mut().push(handle);
        }
        this.ask();
        this.connect();
        this
    }

    /// A callback that does nothing once the page is gone.
    fn weakly(self: &Rc<Self>, act: fn(&Rc<Self>)) -> impl Fn() + Clone + 'static {
        let this: Weak<Self> = Rc::downgrade(self);
        move || {
            if let Some(this) = this.upgrade() {
                act(&this);
            }
        }
    }

    fn connect(self: &Rc<Self>) {
        self.last_heard.set(now_millis());
        self.speaks.set(false);
        let this = Rc::downgrade(self);
        let on_text = move |text: String| {
            let Some(this) = this.upgrade() else { return };
            this.last_heard.set(now_millis());
            this.speaks.set(true);
            this.pause_seconds.set(1);
            // "pong" is no view, and that is fine.
            if let Ok(view) = serde_json::from_str(&text) {
                this.accept(view);
            }
        };
        let lose = self.weakly(Self::lose);
        // Out of the socket's own handler first, because losing it drops the handler.
        let on_close = move || set_timeout(lose.clone(), Duration::ZERO);
        let live = Live::open(
            &self.keys.order_id,
            &self.keys.access_token,
            on_text,
            on_close,
        );
        *self.live.borrow_mut() = live;
    }

    /// The socket is gone: try again, later each time.
    fn lose(self: &Rc<Self>) {
        self.speaks.set(false);
        if self.live.take().is_some() && !self.settled() {
            let pause = self.pause_seconds.get();
            self.pause_seconds
                .set((pause * 2).min(LONGEST_PAUSE_SECONDS));
            set_timeout(
                self.weakly(Self::connect),
                Duration::from_secs(pause.into()),
            );
        }
    }

    fn tick(self: &Rc<Self>) {
        let ticks = self.ticks.get().wrapping_add(1);
        self.ticks.set(ticks);
        let is_seen = document().visibility_state() == VisibilityState::Visible;
        if self.settled() {
            // Unless a payment arrives late after all, which makes something owed again.
            if is_seen && ticks.is_multiple_of(ONCE_A_MINUTE) {
                self.ask();
            }
            return;
        }
        let unpaid = self
            .view
            .with_untracked(|view| view.as_ref().is_none_or(awaits_money));
        // Whoever has paid and sees nothing of it within seconds begins to worry.
        let watched = unpaid && is_seen;
        let whole = ticks.is_multiple_of(2);
        if !whole && !watched {
            return;
        }
        let silence = now_millis().saturating_sub(self.last_heard.get());
        if silence > SILENCE_MILLIS {
            self.lose();
        }
        let mute = !self.speaks.get() || watched && silence > MUTE_MILLIS;
        if let Some(live) = &*self.live.borrow() {
            live.ping();
        }
        // Payment is watched twice: asking also makes the server look, should Lightning's own notice have been lost.
        let lost = self.failure.with_untracked(Option::is_some);
        if mute || whole && (unpaid || lost) {
            self.ask();
        }
    }

    /// Asks although an answer is still awaited: a phone may have cut that call when it put the page aside. Which answer is newer the views tell.
    fn ask_afresh(self: &Rc<Self>) {
        if document().visibility_state() == VisibilityState::Visible {
            self.asking.set(false);
            self.ask();
        }
    }

    fn ask(self: &Rc<Self>) {
        if self.asking.replace(true) {
            return;
        }
        let this = Rc::clone(self);
        spawn_local(async move {
            let answer = api::order(&this.keys.order_id, &this.keys.access_token).await;
            this.asking.set(false);
            match answer {
                Ok(view) => this.accept(view),
                // The signal is gone where the page is.
                Err(failure) => drop(this.failure.try_set(Some(failure))),
            }
        });
    }

    fn accept(&self, new: OrderView) {
        let newer = self
            .view
            .try_with_untracked(|old| old.as_ref().is_none_or(|old| is_newer(&new, old)));
        if newer == Some(true) {
            self.view.set(Some(new));
        }
        if self.failure.try_with_untracked(Option::is_some) == Some(true) {
            self.failure.set(None);
        }
    }

    /// Nothing more is to be expected.
    fn settled(&self) -> bool {
        self.view
            .try_with_untracked(|view| view.as_ref().is_some_and(is_over))
            != Some(false)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(interval) = self.interval.take() {
            interval.clear();
        }
        for listener in self.listeners.take() {
            listener.remove();
        }
    }
}

/// An invoice is open, for the machine or for more of its time.
fn awaits_money(view: &OrderView) -> bool {
    let extension = view.extension.as_ref();
    view.state == StateName::AwaitingPayment || extension.is_some_and(|it| it.invoice.is_some())
}

/// Nothing more can happen: the machine is gone, and nothing is owed.
fn is_over(view: &OrderView) -> bool {
    let owed = |state| state != RefundState::Paid;
    match view.state {
        StateName::Refunded => true,
        StateName::Ended => !view.refund.as_ref().is_some_and(|it| owed(it.state)),
        _ => false,
    }
}

/// Whether `new` is to be shown instead of `old`.
fn is_newer(new: &OrderView, old: &OrderView) -> bool {
    match (new.revision, old.revision) {
        // A server that does not count: an order then only goes from one end to the other.
        (0, 0) => progress(new) >= progress(old) && new != old,
        (new, old) => new > old,
    }
}

/// How far an order is. A late payment moves it on from `expired`, never back.
fn progress(view: &OrderView) -> (u8, u8, u8) {
    let state = match view.state {
        StateName::AwaitingPayment => 0,
        StateName::Expired => 1,
        StateName::Provisioning => 2,
        StateName::Ready | StateName::Failed => 3,
        StateName::Ended | StateName::Refunded => 4,
    };
    let delivery = match view
        .credentials
        .as_ref()
        .map(|credentials| credentials.delivery)
    {
        None | Some(Delivery::Sealed) => 0,
        Some(Delivery::Claimed) => 1,
        Some(Delivery::Erased) => 2,
    };
    (state, view.percent.unwrap_or(0), delivery)
}
