//! The service worker: registered once the page is there, told the page's language, and its new versions are offered. None is taken without
//! a click, and none is offered while an invoice is open.

use super::Paying;
use crate::announce::Announcer;
use crate::browser::has;
use crate::components::changing::{follow, part, pressed};
use crate::words::{install as words, language};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::ServiceWorkerRegistration;

/// What the waiting service worker understands as the wish to begin.
const WISH: &str = "update";

/// The offer of a new version.
#[component]
pub fn Update(announcer: Announcer, paying: Paying) -> impl IntoView {
    let versions = Versions {
        registration: StoredValue::new_local(None),
        waits: RwSignal::new(false),
        later: RwSignal::new(false),
        wished: StoredValue::new(false),
    };
    after_load(move || spawn_local(versions.watch()));
    let offered =
        Memo::new(move |_| versions.waits.get() && !versions.later.get() && !paying.0.get());
    follow(move || {
        if offered.get() {
            announcer.say(words::update_ready());
        }
    });
    part(move || {
        let offer = || {
            view! {
                <section class="offer" aria-label=words::update_ready()>
                    <strong>{words::update_ready()}</strong>
                    <p class="fine">{words::update_means()}</p>
                    <p class="row">
                        <button type="button" class="button small primary" on:click=pressed(move || versions.take())>
                            {words::update_now()}
                        </button>
                        <button type="button" class="quiet" on:click=pressed(move || versions.later.set(true))>
                            {words::update_later()}
                        </button>
                    </p>
                </section>
            }
        };
        offered.get().then(|| offer().into_any())
    })
}

/// Nothing of the first load waits for this.
fn after_load(act: impl Fn() + 'static) {
    if document().ready_state() == "complete" {
        act();
    } else {
        // Never removed: it comes once.
        window_event_listener_untyped("load", move |_| act());
    }
}

#[derive(Clone, Copy)]
struct Versions {
    registration: StoredValue<Option<ServiceWorkerRegistration>, LocalStorage>,
    /// A new one is here and has not begun.
    waits: RwSignal<bool>,
    /// The person does not want it now.
    later: RwSignal<bool>,
    /// The person wants it: of all tabs, this one loads anew.
    wished: StoredValue<bool>,
}

impl Versions {
    /// Without a service worker everything works the same, only slower and not without a network.
    async fn watch(self) {
        let navigator = window().navigator();
        if !has(&navigator, "serviceWorker") {
            return;
        }
        let container = navigator.service_worker();
        let began = Closure::<dyn Fn()>::new(move || {
            if self.wished.get_value() {
                // Fails for nothing that could be helped.
                let _ = window().location().reload();
            }
            self.look();
        });
        container.set_oncontrollerchange(Some(began.as_ref().unchecked_ref()));
        // Lives as long as the page, and so do the two below.
        began.forget();
        let Ok(registration) = JsFuture::from(container.register("/sw.js")).await else {
            return;
        };
        let registration: ServiceWorkerRegistration = registration.unchecked_into();
        self.registration.set_value(Some(registration.clone()));
        let look = Closure::<dyn Fn()>::new(move || self.look());
        let look_on = look.as_ref().clone();
        look.forget();
        let follow = {
            let registration = registration.clone();
            move || {
                if let Some(new) = registration.installing() {
                    new.set_onstatechange(Some(look_on.unchecked_ref()));
                }
            }
        };
        // It may have been found before anybody listened.
        follow();
        let found = Closure::<dyn Fn()>::new(follow);
        registration.set_onupdatefound(Some(found.as_ref().unchecked_ref()));
        found.forget();
        let language = language().into();
        let all = [
            registration.installing(),
            registration.waiting(),
            registration.active(),
        ];
        for worker in all.into_iter().flatten() {
            // Fails for what cannot be copied, which text can.
            let _ = worker.post_message(&language);
        }
        self.look();
    }

    /// The first version ever waits for nobody.
    fn look(self) {
        let waits = self.registration.with_value(|registration| {
            let registration = registration.as_ref();
            registration.is_some_and(|it| it.waiting().is_some() && it.active().is_some())
        });
        self.waits.set(waits);
    }

    fn take(self) {
        self.wished.set_value(true);
        let waiting = self
            .registration
            .with_value(|registration| registration.as_ref()?.waiting());
        match waiting {
            Some(worker) => drop(worker.post_message(&WISH.into())),
            // Another tab took it a moment ago.
            None => drop(window().location().reload()),
        }
    }
}
