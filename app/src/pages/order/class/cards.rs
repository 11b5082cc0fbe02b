//! The cards of a class: claimed once, opened here, looked through, marked when they are handed out, printed and saved.
//!
//! What was opened stays in memory; what stays on the device is sealed, and opens with the order link alone.

mod brand;
mod deck;
mod files;
mod kept;
mod paper;
mod slip;
mod strip;
mod teacher;

use crate::browser::focus;
use crate::components::changing::soon;
use crate::components::notice::{Notice, Tone};
use crate::components::rich::Rich;
use crate::pages::order::Order;
use crate::pages::order::claim::{Claim, Contents};
use crate::pages::order::credentials::{
    Foreign, bill_of_materials, confirm, elsewhere, trouble_of,
};
use crate::pages::order::twice::{Button, Twice};
use crate::vault_client;
use crate::words::{class_cards as words, common};
use deck::Deck;
use kindling_domain::classroom::Classroom;
use kindling_domain::id::OrderId;
use kindling_domain::secret::Secret;
use kindling_domain::wire::{ClassroomBundle, Delivery};
use leptos::prelude::*;

/// What is sealed for a class, opened.
#[derive(Clone)]
pub struct Opened {
    bundle: ClassroomBundle,
    /// As it came: what is downloaded as everything is opened from it once more, to the very bytes that the machine wrote.
    sealed: String,
}

impl Contents for Opened {
    async fn open(fragment: Secret, sealed: String) -> Result<Self, String> {
        let bundle = vault_client::open_class(fragment, sealed.clone())
            .await
            .map_err(|trouble| trouble.sentence())?;
        Ok(Self { bundle, sealed })
    }

    fn keep(id: &OrderId, sealed: &str) {
        // Where there is no room for it, the page says so and the class can be saved as a file.
        let _ = kept::write(id, kept::SEALED, sealed);
    }
}

/// Where a machine keeps what it has sealed.
const ON_THE_MACHINE: &str = "/root/node-credentials.txt";

/// The heading takes the focus whenever the button that had it is gone.
const TITLE: &str = "cards-title";

/// What it means for a class.
fn foreign() -> Foreign {
    Foreign {
        title: words::elsewhere_title(),
        meaning: words::elsewhere(),
    }
}

/// The cards, or the way to them. Once the class is over, what this device keeps is all there is.
pub fn cards(order: Order, claim: Claim<Opened>, class: Classroom, is_over: bool) -> AnyView {
    let kept = kept::read(&order.id(), kept::SEALED);
    let is_kept = RwSignal::new(kept.is_some());
    if let Some(sealed) = kept {
        claim.open_kept(sealed);
    }
    // What was claimed is kept before it is opened, so it may be here although it did not open.
    Effect::new(move || {
        if claim.trouble.with(Option::is_some) {
            is_kept.set(kept::read(&order.id(), kept::SEALED).is_some());
        }
    });
    // Opening and erasing draw anew what their buttons stood in.
    Effect::new(move |was_busy: Option<bool>| {
        let is_busy = claim.busy.get();
        if was_busy == Some(true) && !is_busy {
            catch_focus();
        }
        is_busy
    });
    // The order is heard of every few seconds; the cards are only drawn anew where this changes.
    let delivery = Memo::new(move |_| claim.delivery());
    let forget = Callback::new(move |()| {
        kept::forget(&order.id());
        is_kept.set(false);
        claim.trouble.set(None);
        claim.bundle.set(None);
        catch_focus();
    });
    let body = move || {
        if let Some(contents) = claim.bundle.get() {
            return opened(order, claim, contents, delivery, is_over, forget);
        }
        match delivery.get() {
            _ if is_kept.get() => again_from_here(order, claim, forget),
            _ if is_over => view! { <p>{words::none_kept()}</p> }.into_any(),
            Some(Delivery::Erased) => view! {
                <p><Rich text=words::handed_over(ON_THE_MACHINE)/></p>
            }
            .into_any(),
            Some(Delivery::Claimed) if !claim.is_ours() => elsewhere(foreign()),
            delivery => offer(claim, class, delivery == Some(Delivery::Claimed)),
        }
    };
    view! {
        <section class="card stack cards-panel" aria-labelledby=TITLE>
            <h2 id=TITLE tabindex="-1">{words::title()}</h2>
            {body}
            {trouble_of(claim, foreign())}
        </section>
    }
    .into_any()
}

/// The cards of a class that is over, where they were kept on this device; nothing elsewhere.
pub fn kept_cards(order: Order) -> AnyView {
    let class = order.class();
    let is_kept = kept::read(&order.id(), kept::SEALED).is_some();
    class
        .filter(|_| is_kept)
        .map(|class| cards(order, Claim::new(order), class, true))
        .into_any()
}

fn offer(claim: Claim<Opened>, class: Classroom, again: bool) -> AnyView {
    view! {
        <p>{words::offer(class.plan.nodes().into())}</p>
        <p class="muted">{if again { words::offer_again() } else { words::offer_keeps() }}</p>
        <button
            type="button"
            class="button primary"
            aria-disabled=move || claim.busy.get().then_some("true")
            on:click=move |_| claim.take()
        >
            {move || match (claim.busy.get(), again) {
                (true, _) => words::opening(),
                (false, true) => words::get_again(),
                (false, false) => words::get(),
            }}
        </button>
    }
    .into_any()
}

/// While what was kept here is being opened, and where that did not work.
fn again_from_here(order: Order, claim: Claim<Opened>, forget: Callback<()>) -> AnyView {
    (move || {
        if claim.busy.get() {
            view! { <p class="muted">{words::opening_kept()}</p> }.into_any()
        } else {
            let kept = kept::read(&order.id(), kept::SEALED).unwrap_or_default();
            let sealed = StoredValue::new(kept);
            view! {
                <p>{words::still_saves()}</p>
                <p>
                    <button type="button" class="button primary" on:click=move |_| claim.open_kept(sealed.get_value())>
                        {common::try_again()}
                    </button>
                </p>
                {files::everything(order, sealed)}
                {forgetting(forget)}
            }
            .into_any()
        }
    })
    .into_any()
}

fn opened(
    order: Order,
    claim: Claim<Opened>,
    Opened { bundle, sealed }: Opened,
    delivery: Memo<Option<Delivery>>,
    is_over: bool,
    forget: Callback<()>,
) -> AnyView {
    let is_fake = bundle.fake;
    let components = bundle.components.clone();
    let deck = Deck::new(order, bundle, is_over);
    let is_kept = kept::read(&order.id(), kept::SEALED).is_some();
    let sealed = StoredValue::new(sealed);
    let everything = move || files::everything(order, sealed);
    let saving = move || match delivery.get() {
        Some(Delivery::Sealed | Delivery::Claimed) => view! {
            <p class="muted">{words::server_holds()}</p>
            {everything()}
            {confirm(claim, words::saved_question())}
        }
        .into_any(),
        Some(Delivery::Erased) if !is_kept => view! {
            <Notice tone=Tone::Warning title=words::erased()>
                <p>{words::erased_no_room()}</p>
            </Notice>
            {everything()}
        }
        .into_any(),
        Some(Delivery::Erased) => view! {
            <Notice tone=Tone::Info title=words::erased()>
                <p>{words::erased_kept()}</p>
            </Notice>
            {everything()}
        }
        .into_any(),
        None => everything(),
    };
    view! {
        {is_fake.then(|| view! {
            <Notice tone=Tone::Warning title=words::fake_title()>
                <p>{words::fake()}</p>
            </Notice>
        })}
        {deck::view(deck)}
        {teacher::access(deck)}
        {bill_of_materials(components)}
        <h3>{words::keep()}</h3>
        {saving}
        {forgetting(forget)}
    }
    .into_any()
}

/// Asked twice, since it may be the last copy.
fn forgetting(forget: Callback<()>) -> AnyView {
    let twice = Twice {
        ids: ("cards-forget", "cards-forget-question"),
        first: Button {
            class: "quiet",
            label: words::forget().into(),
        },
        about: words::forget(),
        surely: Button {
            class: "button danger",
            label: words::forget_surely().into(),
        },
        back: words::keep(),
    };
    twice.view(
        || view! { <p>{words::forget_means()}</p> }.into_any(),
        move || forget.run(()),
    )
}

/// The focus goes to the heading of the cards if it was on something that is gone; where it still stands on something it stays.
fn catch_focus() {
    // Once what has changed is in the document.
    soon(|| {
        let focused = document().active_element();
        if focused.is_none_or(|element| element.tag_name() == "BODY") {
            focus(TITLE);
        }
    });
}
