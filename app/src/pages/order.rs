//! An order's page: reads the link, follows the order, and shows the screen its state asks for.

mod access;
mod act;
mod backup;
mod bill;
mod claim;
mod class;
mod credentials;
mod destroy;
mod device;
mod ends;
mod extend;
mod invoice;
mod look_up;
mod next_steps;
mod node;
mod over;
mod progress;
mod ready;
mod refund;
mod save;
mod sure;
mod twice;
mod voice;

use crate::announce::announcer;
use crate::api::Failure;
use crate::browser::{session_storage, set_title};
use crate::components::heading::Heading;
use crate::components::notice::{Notice, Tone};
use crate::components::phases;
use crate::focus;
use crate::live::Feed;
use crate::pages::sign_in::SignIn;
use crate::ssh_commands::Target;
use crate::vault_client;
use crate::vault_protocol::{OrderKeys, VaultTrouble};
use crate::words::order as words;
use kindling_domain::catalogue::Product;
use kindling_domain::classroom::Classroom;
use kindling_domain::error::ErrorCode;
use kindling_domain::id::OrderId;
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{CredentialsView, StateName};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Where the landing page leaves the price it has shown, for the invoice to be checked against.
pub fn price_key(id: &OrderId) -> String {
    format!("kindling.price.{id}")
}

/// Where a tab remembers that the order link was saved.
fn saved_key(id: &OrderId) -> String {
    format!("kindling.saved.{id}")
}

/// What an order's page has at hand.
#[derive(Clone, Copy)]
struct Order {
    keys: StoredValue<OrderKeys>,
    feed: Feed,
    saved: RwSignal<bool>,
}

impl Order {
    fn keys(self) -> OrderKeys {
        self.keys.get_value()
    }

    fn id(self) -> OrderId {
        self.keys.with_value(|keys| keys.order_id)
    }

    /// The class that was bought, where it is one.
    fn class(self) -> Option<Classroom> {
        let view = self.feed.view.read_untracked();
        match view.as_ref()?.product {
            Product::Classroom(class) => Some(class),
            Product::FullNode { .. } => None,
        }
    }

    /// The name of everything that is downloaded for this order.
    fn file_name(self) -> String {
        format!("kindling-{}", &self.id().to_string()[..8])
    }

    /// What is public about the ready machine.
    fn credentials(self) -> Memo<Option<CredentialsView>> {
        let view = self.feed.view;
        Memo::new(move |_| view.with(|view| view.as_ref()?.credentials.clone()))
    }

    /// What SSH commands for it are made of.
    fn target(self, credentials: Memo<Option<CredentialsView>>) -> Memo<Option<Target>> {
        Memo::new(move |_| {
            let credentials = credentials.get()?;
            Target::new(
                &self.file_name(),
                &credentials.node_ip,
                &credentials.host_keys,
            )
        })
    }

    /// When the machine is removed, where it has an end.
    fn ends_at(self) -> Memo<Option<UnixMillis>> {
        let view = self.feed.view;
        Memo::new(move |_| view.with(|view| Some(view.as_ref()?.ends_at?.0)))
    }

    /// That something about it is make-believe, where it is.
    fn test_notice(self) -> AnyView {
        let view = self.feed.view;
        let is_test = move || view.with(|view| view.as_ref().is_some_and(|view| view.stub_mode));
        (move || {
            is_test().then(|| {
                view! {
                    <Notice tone=Tone::Warning title=words::test_mode()>
                        <p>{words::test_mode_means()}</p>
                    </Notice>
                }
            })
        })
        .into_any()
    }

    /// The link counts as saved from now on, also after a reload.
    fn mark_saved(self) {
        if let Some(storage) = session_storage() {
            // Where it cannot be remembered the question comes again after a reload.
            let _ = storage.set_item(&saved_key(&self.id()), "1");
        }
    }
}

/// What is on the screen; a change of it is what moves the focus.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Screen {
    Loading,
    Unknown,
    Save,
    Pay,
    Progress,
    Ready,
    Ending,
    Over(StateName),
}

/// The page of the order in the address.
#[component]
pub fn OrderPage(id: String, fragment: Secret, saved: bool) -> impl IntoView {
    set_title(words::page_title());
    let keys = RwSignal::new(None::<Result<OrderKeys, String>>);
    // Opened to be put together again; the vault checks that the two halves belong to each other.
    let link = Secret::new(["/orders/", &id, "#", fragment.expose()].concat());
    spawn_local(async move {
        let answer = vault_client::read_link(link).await;
        let fragment = answer.as_ref().ok().map(|keys| keys.fragment.clone());
        // The person may have moved on meanwhile.
        let _ = keys.try_set(Some(answer.map_err(|trouble| trouble.sentence())));
        // Told behind the page: it takes longer than to show the order. What else may be the matter is told by whoever wants the key.
        if let Some(fragment) = fragment
            && let Err(trouble @ VaultTrouble::LinkWithWrongCounters) =
                vault_client::confirm_key(fragment).await
        {
            let _ = keys.try_set(Some(Err(trouble.sentence())));
        }
    });
    view! {
        {move || match keys.get() {
            None => view! { <Opening/> }.into_any(),
            Some(Err(sentence)) => view! { <SignIn id=Some(id.clone()) trouble=Some(sentence)/> }.into_any(),
            Some(Ok(its)) => view! { <Opened keys=its saved=saved link=keys/> }.into_any(),
        }}
    }
}

#[component]
fn Opening() -> impl IntoView {
    view! {
        <section class="narrow" aria-busy="true">
            <Heading text=words::opening()/>
            <p class="muted">{words::moment()}</p>
        </section>
    }
}

#[component]
fn Opened(
    keys: OrderKeys,
    saved: bool,
    link: RwSignal<Option<Result<OrderKeys, String>>>,
) -> impl IntoView {
    set_title(&words::order_title(&keys.order_id.to_string()[..8]));
    let remembered = session_storage()
        .and_then(|storage| storage.get_item(&saved_key(&keys.order_id)).ok()?)
        .is_some();
    let order = Order {
        feed: Feed::follow(&keys),
        saved: RwSignal::new(saved || remembered),
        keys: StoredValue::new(keys),
    };
    if saved {
        order.mark_saved();
    }
    let screen = Memo::new(move |_| {
        let unknown = |failure: &Failure| matches!(failure, Failure::Refused(e) if e.code == ErrorCode::NotFound);
        match order
            .feed
            .view
            .with(|view| view.as_ref().map(|view| (view.state, view.ending)))
        {
            None if order
                .feed
                .failure
                .with(|failure| failure.as_ref().is_some_and(unknown)) =>
            {
                Screen::Unknown
            }
            None => Screen::Loading,
            Some((StateName::AwaitingPayment, _)) if order.saved.get() => Screen::Pay,
            Some((StateName::AwaitingPayment, _)) => Screen::Save,
            Some((StateName::Provisioning, _)) => Screen::Progress,
            Some((StateName::Ready, false)) => Screen::Ready,
            Some((StateName::Ready, true)) => Screen::Ending,
            Some((state, _)) => Screen::Over(state),
        }
    });
    say_what_changes(order);
    // A mistyped counter may hit another prime: that makes a key, but none that the machine lets in. A link without counters is not judged:
    // whoever orders by API may name a key of their own.
    let has_counters = order
        .keys
        .with_value(|keys| keys.ssh_public_key.starts_with("ssh-rsa "));
    Effect::new(move || {
        let machines = order
            .feed
            .view
            .with(|view| view.as_ref()?.ssh_fingerprint.clone());
        let is_another = |key: String| order.keys.with_value(|keys| keys.ssh_fingerprint != key);
        if has_counters && machines.is_some_and(is_another) {
            link.set(Some(Err(VaultTrouble::LinkWithWrongCounters.sentence())));
        }
    });
    view! {
        <Connection order=order/>
        {move || match screen.get() {
            Screen::Loading => view! { <device::Meanwhile order=order/> }.into_any(),
            Screen::Unknown => view! { <over::Unknown/> }.into_any(),
            Screen::Save => view! { <save::Save order=order/> }.into_any(),
            Screen::Pay => view! { <invoice::Pay order=order/> }.into_any(),
            Screen::Progress => view! { <progress::Building order=order/> }.into_any(),
            Screen::Ready => match order.class() {
                Some(class) => class::ready(order, class),
                None => view! { <ready::Ready order=order/> }.into_any(),
            },
            Screen::Ending => view! { <over::Ending order=order/> }.into_any(),
            Screen::Over(state) => view! { <over::Over order=order state=state/> }.into_any(),
        }}
        <device::OnDevice order=order/>
    }
}

/// Tells screen readers each phase once. States are told by their headings, which take the focus.
fn say_what_changes(order: Order) {
    let announcer = announcer();
    let phase = Memo::new(move |_| order.feed.view.with(|view| view.as_ref()?.phase));
    Effect::new(move || {
        if let Some(phase) = phase.get() {
            announcer.say(phases::title(phase));
        }
    });
}

/// Says when the page has lost touch, and that it keeps trying.
#[component]
fn Connection(order: Order) -> impl IntoView {
    let announcer = announcer();
    // It fails anew every few seconds: what is the same is neither said again nor drawn anew under a finger.
    let failure = Memo::new(move |_| order.feed.failure.get());
    move || {
        let failure = failure.get()?;
        if matches!(&failure, Failure::Refused(error) if error.code == ErrorCode::NotFound) {
            return None;
        }
        focus::rescue(".notice");
        announcer.say(words::no_news());
        Some(view! {
            <Notice tone=Tone::Warning title=words::no_news()>
                <p>{failure.sentence()}" "{words::keeps_trying()}</p>
                <button type="button" class="button small" on:click=move |_| order.feed.refresh()>{words::try_now()}</button>
            </Notice>
        })
    }
}
