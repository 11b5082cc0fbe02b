//! The order form: what to buy, a few choices and some more for those who want them, a key that is made meanwhile, and one button.
//! Whatever fails, nothing typed is lost.

mod fields;

use super::class_form::ClassForm;
use super::class_link;
use super::options::Options;
use super::parts::{Choice, Pick, button, cards};
use crate::announce::{Announcer, announcer};
use crate::api::{self, Failure};
use crate::browser::{focus, location, navigate, session_storage};
use crate::components::address_field::AddressField;
use crate::components::changing::{changing, flagged, follow, later, part, soon, text};
use crate::components::notice::{Notice, Tone};
use crate::figures::{CLOCK, fiat, local_parts, sats};
use crate::keygen::Keygen;
use crate::pages::order::price_key;
use crate::refusals;
use crate::router::address;
use crate::shop::{Shop, shop};
use crate::vault_protocol::OrderKeys;
use crate::words::{common, shop as words};
use fields::{bitcoin_field, key_field, region_field, trouble_notice};
use kindling_domain::catalogue::{BitcoinImplementation, Product, Region};
use kindling_domain::error::ErrorCode;
use kindling_domain::keys::KeyType;
use kindling_domain::money::Sats;
use kindling_domain::wire::{BootstrapRequest, OneOrMany, ProductView};
use leptos::ev::{self, SubmitEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;

/// The heading of the form.
const TITLE: &str = "order-title";

/// Whoever is still here by then has stopped the browser on its way to the order.
const STOPPED: Duration = Duration::from_secs(20);

/// What goes on between the button and the order's page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Choosing,
    WaitingForKey,
    Sending,
}

/// Why there is no order yet.
#[derive(Clone, PartialEq, Eq)]
enum Trouble {
    /// The call did not work.
    Call(Failure),
    /// The server named another price than the page had shown.
    Price { shown: Sats, asked: Sats },
    /// The choices were changed after an attempt that had arrived after all.
    Changed { earlier: OrderKeys },
}

#[derive(Clone, Copy)]
struct Form {
    /// The person would rather have a class than a full node.
    wants_class: RwSignal<bool>,
    /// A class is what is ordered: one is wanted, and sold here.
    is_class: Memo<bool>,
    class: ClassForm,
    region: RwSignal<Option<String>>,
    bitcoin: Pick<BitcoinImplementation>,
    key: Pick<KeyType>,
    refund_to: RwSignal<String>,
    refund_trouble: RwSignal<Option<String>>,
    options: Options,
    keygen: Keygen,
    shop: Shop,
    announcer: Announcer,
    progress: RwSignal<Progress>,
    trouble: RwSignal<Option<Trouble>>,
    /// The keys that went out with an attempt, should its answer have been lost.
    sent: StoredValue<Option<OrderKeys>>,
}

/// The form. `wants_class`: the person would rather have a class than a full node.
#[component]
pub fn OrderForm(wants_class: RwSignal<bool>) -> impl IntoView {
    let shop = shop();
    let form = Form {
        wants_class,
        is_class: Memo::new(move |_| wants_class.get() && shop.sells_classes()),
        class: ClassForm::new(shop),
        region: RwSignal::new(None),
        bitcoin: Pick::of(&BitcoinImplementation::ALL),
        key: Pick::of(&[KeyType::Rsa4096, KeyType::Ed25519]),
        refund_to: RwSignal::new(String::new()),
        refund_trouble: RwSignal::new(None),
        options: Options::new(shop),
        keygen: Keygen::default(),
        shop,
        announcer: announcer(),
        progress: RwSignal::new(Progress::Choosing),
        trouble: RwSignal::new(None),
        sent: StoredValue::new(None),
    };
    // The button may be pressed before the key is there; then the key's arrival sends the order.
    follow(move || {
        if form.progress.get() == Progress::WaitingForKey
            && let Some(keys) = form.keygen.keys(form.key.get())
        {
            form.send(keys);
        }
    });
    // An unfinished search must not keep the vault from the order's page.
    on_cleanup(move || form.keygen.abandon_search());

    form.follow_the_address();

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if form.progress.get_untracked() == Progress::Choosing && untrack(|| form.sold()).is_some()
        {
            form.trouble.set(None);
            form.refund_trouble.set(None);
            form.options.trouble.set(None);
            form.class.forgive();
            if form.product().is_some() {
                form.progress.set(Progress::WaitingForKey);
            }
        }
    };
    let heading = move || match form.is_class.get() {
        true => words::order_class(),
        false => words::order_node(),
    };
    // The id is what a link to a class scrolls to. The button comes last: where it is, so is all else.
    let content = view! {
        <form class="card order-form stack" id="classroom" novalidate on:submit=submit>
            <h2 id=TITLE tabindex="-1">{text(move || heading().to_owned())}</h2>
            {later(move || product_field(form))}
            {later(move || part(move || form.is_class.get().then(|| form.class.fields())))}
            {later(move || region_field(form))}
            {later(move || part(move || (!form.is_class.get()).then(|| bitcoin_field(form))))}
            {later(move || key_field(form))}
            {later(move || part(move || Some(if form.is_class.get() { form.class.more() } else { form.options.fields() })))}
            {later(move || refund_field(form))}
            {later(move || notices(form))}
            {later(move || buy_field(form))}
        </form>
    };
    soon(move || form.keygen.start());
    content.into_any()
}

/// Where the money goes if the order fails; folded away.
fn refund_field(form: Form) -> AnyView {
    view! {
        <details>
            <summary>{words::refund()}</summary>
            <AddressField
                label=words::refund_address()
                optional=true
                hint=words::refund_means()
                value=form.refund_to
                trouble=form.refund_trouble
            />
        </details>
    }
    .into_any()
}

/// Why there is no order, or can be none.
fn notices(form: Form) -> AnyView {
    // The button goes, and the focus with it: to where the prices come.
    let ask = move || {
        form.shop.ask();
        focus(TITLE);
    };
    let no_prices = move || {
        let failure = form.shop.failure()?;
        let content = view! {
            <Notice tone=Tone::Error title=words::no_prices()>
                <p>{failure.sentence()}</p>
                {button(common::try_again(), ask)}
            </Notice>
        };
        Some(content.into_any())
    };
    let none_left = move || {
        let content = || {
            view! { <Notice tone=Tone::Warning title=words::sold_out()><p>{words::sold_out_means()}</p></Notice> }
        };
        form.is_sold_out().then(|| content().into_any())
    };
    view! {
        {part(move || Some(trouble_notice(form, form.trouble.get()?)))}
        {part(no_prices)}
        {part(none_left)}
    }
    .into_any()
}

/// The button, with what it costs and what comes next.
fn buy_field(form: Form) -> AnyView {
    let press = move || match (form.progress.get(), form.price()) {
        (Progress::WaitingForKey, _) => words::finishing_key().to_owned(),
        (Progress::Sending, _) => words::sending().to_owned(),
        (Progress::Choosing, Some(price)) => words::buy_for(&sats(price)),
        (Progress::Choosing, None) => words::buy().to_owned(),
    };
    view! {
        <button
            type="submit"
            class="button primary wide"
            aria-disabled=flagged(move || form.progress.get() != Progress::Choosing)
            disabled=changing(move || form.sold().is_none() || form.is_sold_out())
        >
            {text(press)}
        </button>
        <p class="fiat">{text(move || form.about().unwrap_or_default())}</p>
        <p class="fine">{words::next()}</p>
    }
    .into_any()
}

/// What is bought; nothing where there is no choice.
fn product_field(form: Form) -> AnyView {
    // Of all that the catalogue says this alone makes it anew.
    let sells_classes = Memo::new(move |_| form.shop.sells_classes());
    part(move || {
        sells_classes.get().then(|| {
            let list = vec![
                Choice::noted("full_node", words::node(), words::node_is()),
                Choice::noted("classroom", words::class(), words::class_is()),
            ];
            let chosen = move || Some(usize::from(form.wants_class.get()));
            let choose = move |at| {
                form.wants_class.set(at == 1);
                form.trouble.set(None);
            };
            view! {
                <fieldset class="choices">
                    <legend class="visually-hidden">{words::what()}</legend>
                    {cards("product", list, chosen, choose)}
                </fieldset>
            }
            .into_any()
        })
    })
}

impl Form {
    /// An address that names a class chooses it, now and whenever the person follows such a link on this page.
    fn follow_the_address(self) {
        let arrive = move || {
            let (_, _, fragment) = location();
            if let Some(preset) = class_link::read(&fragment) {
                self.class.take(preset);
                self.wants_class.set(true);
            }
        };
        arrive();
        let listening = window_event_listener(ev::hashchange, move |_| arrive());
        on_cleanup(move || listening.remove());
    }

    /// What is ordered, as it is sold now.
    fn sold(self) -> Option<ProductView> {
        match self.is_class.get() {
            true => self.shop.classroom(),
            false => self.shop.full_node(),
        }
    }

    /// Whether there is none of it left, or no place for it.
    fn is_sold_out(self) -> bool {
        let nowhere = |regions: &[Region]| !regions.iter().any(|region| region.available);
        self.sold().is_some_and(|product| !product.available)
            || self
                .shop
                .catalogue()
                .is_some_and(|catalogue| nowhere(&catalogue.regions))
    }

    /// What it costs, as the page shows it.
    fn price(self) -> Option<Sats> {
        match self.is_class.get() {
            true => self.class.price(),
            false => Some(self.shop.full_node()?.amount_sats),
        }
    }

    /// What that is about in other money, and when it was.
    fn about(self) -> Option<String> {
        let catalogue = self.shop.catalogue()?;
        let price = catalogue.fiat.as_ref()?;
        let amount = fiat(self.price()?, price);
        Some(words::about_fiat(&amount, &local_parts(price.at, CLOCK)))
    }

    /// What is ordered. Where a field stands against it, says so there.
    fn product(self) -> Option<Product> {
        match self.is_class.get_untracked() {
            true => self.class.read().map(Product::Classroom),
            false => Some(self.options.product(self.bitcoin.get_untracked())),
        }
    }

    /// The region that is ordered: the person's choice, or else the operator's, or else the first with room.
    fn chosen_region(self) -> Option<String> {
        self.region.get().or_else(|| {
            let catalogue = self.shop.catalogue()?;
            let default = |region: &&Region| region.slug == catalogue.default_region;
            let free = || catalogue.regions.iter().filter(|region| region.available);
            let region = free().find(default).or_else(|| free().next());
            Some(region.map_or_else(
                || catalogue.default_region.clone(),
                |region| region.slug.clone(),
            ))
        })
    }

    fn request(self, keys: &OrderKeys, product: Product) -> BootstrapRequest {
        let refund_to = self.refund_to.get_untracked().trim().to_owned();
        BootstrapRequest {
            order_id: Some(keys.order_id),
            product,
            region: self.region.get_untracked(),
            ssh_public_key: keys.ssh_public_key.clone(),
            seal_to: Some(OneOrMany::One(keys.seal_to.clone())),
            access_hash: Some(keys.access_hash.clone()),
            refund_to: (!refund_to.is_empty()).then_some(refund_to),
        }
    }

    fn send(self, keys: OrderKeys) {
        let shop = self.shop;
        let is_class = self.is_class.get_untracked();
        let ready = self.product().zip(untrack(|| self.price()));
        let Some((product, shown)) = ready else {
            self.progress.set(Progress::Choosing);
            return;
        };
        self.progress.set(Progress::Sending);
        // Settled from here on, so that a retry is the same request even if what is free or default changes in between.
        self.region.set(untrack(|| self.chosen_region()));
        let request = self.request(&keys, product);
        spawn_local(async move {
            let answer = api::bootstrap(&request).await;
            // The person may have left this page meanwhile.
            if self.progress.try_get_untracked().is_none() {
                return;
            }
            if let Ok(made) = &answer
                && made.amount_sats == shown
            {
                remember_price(&keys, shown);
                navigate(&address(&keys.order_id, &keys.fragment));
                return self.wait_to_go();
            }
            self.progress.set(Progress::Choosing);
            let trouble = match answer {
                Ok(made) => {
                    shop.refresh();
                    Trouble::Price {
                        shown,
                        asked: made.amount_sats,
                    }
                }
                Err(Failure::Refused(error)) if error.code == ErrorCode::OrderExists => {
                    match self.sent.get_value() {
                        Some(earlier) => Trouble::Changed { earlier },
                        None => Trouble::Call(Failure::Refused(error)),
                    }
                }
                Err(failure) => {
                    self.sent.set_value(Some(keys));
                    Trouble::Call(failure)
                }
            };
            // All else is an alert already.
            match &trouble {
                Trouble::Price { .. } => self.announcer.say(words::price_changed()),
                Trouble::Changed { .. } => self.announcer.say(words::arrived()),
                Trouble::Call(_) => {}
            }
            if let Trouble::Call(Failure::Refused(error)) = &trouble {
                // A choice that stands beside its field.
                if is_class && self.class.refuse(error.code) {
                    return;
                }
                match error.code {
                    // It stands beside its field.
                    ErrorCode::InvalidRefundAddress => {
                        return self.refund_trouble.set(Some(refusals::sentence(error)));
                    }
                    // What is sold has changed since this page has loaded.
                    ErrorCode::UnavailableOption => {
                        shop.refresh();
                        return self.options.refuse();
                    }
                    // The list of regions is out of date.
                    ErrorCode::NoCapacity => shop.refresh(),
                    _ => {}
                }
            }
            self.trouble.set(Some(trouble));
        });
    }

    /// The order's page takes a slow network a while: a second press would begin that anew. Whoever is still here after all, or here again,
    /// may press again.
    fn wait_to_go(self) {
        let stay = move || {
            let _ = self.progress.try_set(Progress::Choosing);
        };
        // Never removed: the page goes with it.
        window_event_listener_untyped("pagehide", move |_| stay());
        set_timeout(stay, STOPPED);
    }
}

/// The invoice is checked against the price that was shown here, also after the save form's navigation.
fn remember_price(keys: &OrderKeys, price: Sats) {
    if let Some(storage) = session_storage() {
        // Where storage is full or forbidden the order's own price is checked instead.
        let _ = storage.set_item(&price_key(&keys.order_id), &price.sats().to_string());
    }
}
