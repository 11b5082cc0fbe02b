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

use crate::components::notice::{Notice, Tone};
use crate::pages::order::Order;
use crate::pages::order::claim::{Claim, Contents};
use crate::pages::order::credentials::{
    Foreign, bill_of_materials, confirm, elsewhere, trouble_of,
};
use crate::vault_client;
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

/// What it means for a class.
const ELSEWHERE: Foreign = Foreign {
    title: "These cards were claimed in another browser",
    meaning: "If that was you, you find them there. If it was not, somebody else has your order link: they can take over the class's \
              machine and all its nodes, so do not hand out cards.",
};

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
    // The order is heard of every few seconds; the cards are only drawn anew where this changes.
    let delivery = Memo::new(move |_| claim.delivery());
    let forget = Callback::new(move |()| {
        kept::forget(&order.id());
        is_kept.set(false);
        claim.trouble.set(None);
        claim.bundle.set(None);
    });
    let body = move || {
        if let Some(contents) = claim.bundle.get() {
            return opened(order, claim, contents, delivery, is_over, forget);
        }
        match delivery.get() {
            _ if is_kept.get() => again_from_here(order, claim, forget),
            _ if is_over => {
                view! { <p>"This device keeps no cards of this class any more."</p> }.into_any()
            }
            Some(Delivery::Erased) => view! {
                <p>
                    "They were handed over, and the sealed copy was erased. They are still on the machine: log in and read "
                    <code>"/root/node-credentials.txt"</code>"."
                </p>
            }
            .into_any(),
            Some(Delivery::Claimed) if !claim.is_ours() => elsewhere(ELSEWHERE),
            delivery => offer(claim, class, delivery == Some(Delivery::Claimed)),
        }
    };
    view! {
        <section class="card stack cards-panel" aria-labelledby="cards-title">
            <h2 id="cards-title">"Cards"</h2>
            {body}
            {trouble_of(claim, ELSEWHERE)}
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
        <p>
            {format!(
                "The machine has sealed the connections of its {} nodes to you. They are handed to one browser only, this one if you press \
                 the button, and opened here.",
                class.plan.nodes(),
            )}
        </p>
        <p class="muted">
            {if again {
                "This browser has claimed them before and may show them again until you confirm, for at most 24 hours."
            } else {
                "This device then keeps the sealed cards, so that a reload shows them again; your order link is what opens them. Whom \
                 you note on a card stays on this device only."
            }}
        </p>
        <button type="button" class="button primary" on:click=move |_| claim.take()>
            {move || match (claim.busy.get(), again) {
                (true, _) => "Opening…",
                (false, true) => "Show my cards again",
                (false, false) => "Get my cards",
            }}
        </button>
    }
    .into_any()
}

/// While what was kept here is being opened, and where that did not work.
fn again_from_here(order: Order, claim: Claim<Opened>, forget: Callback<()>) -> AnyView {
    (move || {
        if claim.busy.get() {
            view! { <p class="muted">"Opening the cards that this device keeps…"</p> }.into_any()
        } else {
            let kept = kept::read(&order.id(), kept::SEALED).unwrap_or_default();
            let sealed = StoredValue::new(kept);
            view! {
                <p>"You can still save everything as a file."</p>
                <p>
                    <button type="button" class="button primary" on:click=move |_| claim.open_kept(sealed.get_value())>
                        "Try again"
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
    let saving = move || {
        match delivery.get() {
        Some(Delivery::Sealed | Delivery::Claimed) => view! {
            <p class="muted">
                "The server holds the sealed copy until you confirm, for at most 24 hours. Save everything as a file before you do: it has
                all connections, yours as the teacher too."
            </p>
            {everything()}
            {confirm(claim, "Have you saved the file with everything?")}
        }
        .into_any(),
        Some(Delivery::Erased) if !is_kept => view! {
            <Notice tone=Tone::Warning title="The sealed copy was erased">
                <p>"This browser has no room to keep the cards: they are in this tab and in the file that you save."</p>
            </Notice>
            {everything()}
        }
        .into_any(),
        Some(Delivery::Erased) => view! {
            <Notice tone=Tone::Info title="The sealed copy was erased">
                <p>"The cards open on this device with your order link, and from the file that you saved."</p>
            </Notice>
            {everything()}
        }
        .into_any(),
        None => everything(),
    }
    };
    view! {
        {is_fake.then(|| view! {
            <Notice tone=Tone::Warning title="Test class: these cards are fake">
                <p>"There is no machine behind them. They were truly sealed and opened, so that you see how it works."</p>
            </Notice>
        })}
        {deck::view(deck)}
        {teacher::access(deck)}
        {bill_of_materials(components)}
        <h3>"Keep them"</h3>
        {saving}
        {forgetting(forget)}
    }
    .into_any()
}

/// Asked twice, since it may be the last copy.
fn forgetting(forget: Callback<()>) -> AnyView {
    let asked = RwSignal::new(false);
    (move || {
        if asked.get() {
            view! {
                <div class="confirm" role="group" aria-label="Forget the cards on this device">
                    <p>
                        "The sealed cards, the marks, and title, date and logo are removed from this browser. Once the server's copy is
                        erased, only your saved file has the cards."
                    </p>
                    <p class="row">
                        <button type="button" class="button danger" on:click=move |_| forget.run(())>"Yes, forget them"</button>
                        <button type="button" class="button" on:click=move |_| asked.set(false)>"Keep them"</button>
                    </p>
                </div>
            }
            .into_any()
        } else {
            view! {
                <p>
                    <button type="button" class="quiet" on:click=move |_| asked.set(true)>"Forget the cards on this device"</button>
                </p>
            }
            .into_any()
        }
    })
    .into_any()
}
