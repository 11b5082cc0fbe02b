//! The order form: three choices and some more for those who want them, a key that is made meanwhile, and one button. Whatever fails, nothing typed is lost.

use super::options::Options;
use crate::announce::{Announcer, announcer};
use crate::api::{self, Failure};
use crate::browser::{sats, session_storage};
use crate::components::address_field::AddressField;
use crate::components::notice::{Notice, Tone};
use crate::keygen::Keygen;
use crate::pages::order::price_key;
use crate::router::{Router, router};
use crate::shop::{Shop, shop};
use crate::vault_protocol::OrderKeys;
use kindling_domain::catalogue::{BitcoinImplementation, Region};
use kindling_domain::error::ErrorCode;
use kindling_domain::keys::KeyType;
use kindling_domain::money::Sats;
use kindling_domain::wire::{BootstrapRequest, OneOrMany};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

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
    region: RwSignal<Option<String>>,
    bitcoin: RwSignal<BitcoinImplementation>,
    key: RwSignal<KeyType>,
    refund_to: RwSignal<String>,
    refund_trouble: RwSignal<Option<String>>,
    options: Options,
    keygen: Keygen,
    shop: Shop,
    router: Router,
    announcer: Announcer,
    progress: RwSignal<Progress>,
    trouble: RwSignal<Option<Trouble>>,
    /// The keys that went out with an attempt, should its answer have been lost.
    sent: StoredValue<Option<OrderKeys>>,
}

/// The form.
#[component]
pub fn OrderForm() -> impl IntoView {
    let shop = shop();
    let form = Form {
        region: RwSignal::new(None),
        bitcoin: RwSignal::new(BitcoinImplementation::default()),
        key: RwSignal::new(KeyType::Rsa4096),
        refund_to: RwSignal::new(String::new()),
        refund_trouble: RwSignal::new(None),
        options: Options::new(shop),
        keygen: Keygen::start(),
        shop,
        router: router(),
        announcer: announcer(),
        progress: RwSignal::new(Progress::Choosing),
        trouble: RwSignal::new(None),
        sent: StoredValue::new(None),
    };
    // The button may be pressed before the key is there; then the key's arrival sends the order.
    Effect::new(move || {
        if form.progress.get() == Progress::WaitingForKey
            && let Some(keys) = form.keygen.keys(form.key.get())
        {
            form.send(keys);
        }
    });
    // An unfinished search must not keep the vault from the order's page.
    on_cleanup(move || form.keygen.abandon_search());

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if form.progress.get_untracked() == Progress::Choosing && shop.full_node().is_some() {
            form.trouble.set(None);
            form.refund_trouble.set(None);
            form.options.trouble.set(None);
            form.progress.set(Progress::WaitingForKey);
        }
    };
    let price = move || shop.full_node().map(|product| product.amount_sats);
    let sold_out = move || {
        let nowhere = |regions: &[Region]| !regions.iter().any(|region| region.available);
        shop.full_node().is_some_and(|product| !product.available)
            || shop
                .catalogue()
                .is_some_and(|catalogue| nowhere(&catalogue.regions))
    };
    view! {
        <form class="card order-form stack" on:submit=submit>
            <h2>"Order a full node"</h2>
            {region_field(form)}
            {bitcoin_field(form)}
            {key_field(form)}
            {form.options.fields()}
            <details>
                <summary>"If something goes wrong"</summary>
                <AddressField
                    label="Refund address"
                    optional=true
                    hint="A Lightning Address or LNURL, used only if your payment has to be returned. You can also give it later, on your order's page."
                    value=form.refund_to
                    trouble=form.refund_trouble
                />
            </details>
            {move || form.trouble.get().map(|trouble| trouble_notice(form, trouble))}
            {move || shop.failure().map(|failure| view! {
                <Notice tone=Tone::Error title="Prices could not be loaded">
                    <p>{failure.sentence()}</p>
                    <button type="button" class="button small" on:click=move |_| shop.ask()>"Try again"</button>
                </Notice>
            })}
            {move || sold_out().then(|| view! {
                <Notice tone=Tone::Warning title="Sold out">
                    <p>"No machine can be ordered at the moment. Machines come free again when others end; look in later."</p>
                </Notice>
            })}
            <button
                type="submit"
                class="button primary wide"
                aria-disabled=move || (form.progress.get() != Progress::Choosing).then_some("true")
                disabled=move || price().is_none() || sold_out()
            >
                {move || match (form.progress.get(), price()) {
                    (Progress::WaitingForKey, _) => "Finishing your key…".to_owned(),
                    (Progress::Sending, _) => "Creating your order…".to_owned(),
                    (Progress::Choosing, Some(price)) => format!("Continue · {}", sats(price)),
                    (Progress::Choosing, None) => "Continue".to_owned(),
                }}
            </button>
            <p class="fine">"Next you save your order link, then you see the invoice. Nothing is paid yet."</p>
        </form>
    }
    .into_any()
}

fn region_field(form: Form) -> AnyView {
    let shop = form.shop;
    // Only a choice of the person's own can be sold out: they decide what to take instead.
    let sold_out = move || {
        let slug = form.chosen_region()?;
        let regions = shop.catalogue()?.regions;
        let region = regions.into_iter().find(|region| region.slug == slug)?;
        let taken = !region.available && form.region.with(Option::is_some);
        taken.then(|| {
            format!(
                "{} is sold out right now; choose another region.",
                region.name
            )
        })
    };
    let sold_out = Memo::new(move |_| sold_out());
    view! {
        <div class="field">
            <label for="region">"Region"</label>
            <select
                id="region"
                aria-describedby="region-error"
                aria-invalid=move || sold_out.with(Option::is_some).then_some("true")
                on:change:target=move |event| form.region.set(Some(event.target().value()))
            >
                {move || match shop.catalogue() {
                    None => view! { <option value="">"Loading…"</option> }.into_any(),
                    Some(catalogue) => catalogue
                        .regions
                        .into_iter()
                        .map(|region| {
                            let slug = region.slug.clone();
                            view! {
                                <option
                                    value=region.slug
                                    disabled=!region.available
                                    prop:selected=move || form.chosen_region().as_ref() == Some(&slug)
                                >
                                    {region.name}
                                    {(!region.available).then_some(" (sold out)")}
                                </option>
                            }
                        })
                        .collect_view()
                        .into_any(),
                }}
            </select>
            {move || sold_out.get().map(|sentence| view! { <p class="field-error" id="region-error">{sentence}</p> })}
        </div>
    }
    .into_any()
}

fn bitcoin_field(form: Form) -> AnyView {
    view! {
        <fieldset class="choices">
            <legend>"Bitcoin software"</legend>
            {BitcoinImplementation::ALL
                .map(|software| {
                    view! {
                        <label class="choice">
                            <input
                                type="radio"
                                name="bitcoin"
                                value=software.as_str()
                                prop:checked=move || form.bitcoin.get() == software
                                on:change=move |_| form.bitcoin.set(software)
                            />
                            <span>{software.name()}</span>
                        </label>
                    }
                })
                .into_iter()
                .collect_view()}
            <small>
                "Knots may enforce rules that Core does not, and the two could then follow different chains; your order page names the
                exact release you get."
            </small>
        </fieldset>
    }
    .into_any()
}

fn key_field(form: Form) -> AnyView {
    let keygen = form.keygen;
    let choices = [
        (KeyType::Rsa4096, "RSA-4096"),
        (KeyType::Ed25519, "Ed25519"),
    ];
    let status = move || {
        match (keygen.trouble(), form.key.get(), keygen.keys(form.key.get())) {
        (Some(sentence), _, None) => view! {
            <Notice tone=Tone::Error title="Your key could not be made">
                <p>{sentence}</p>
                <button type="button" class="button small" on:click=move |_| keygen.restart()>"Try again"</button>
            </Notice>
        }
        .into_any(),
        (_, _, Some(keys)) => view! {
            <p class="key-ready">
                <span aria-hidden="true">"✓ "</span>
                "Your key is ready: "
                <code>{short_fingerprint(&keys.ssh_fingerprint)}</code>
            </p>
        }
        .into_any(),
        (None, _, None) => view! {
            <label class="key-progress">
                <span>"Making your key in this browser"</span>
                <progress max="100" prop:value=move || f64::from(keygen.percent())></progress>
            </label>
        }
        .into_any(),
    }
    };
    view! {
        <fieldset class="choices">
            <legend>"SSH key"</legend>
            {choices
                .map(|(choice, name)| {
                    view! {
                        <label class="choice">
                            <input
                                type="radio"
                                name="key"
                                prop:checked=move || form.key.get() == choice
                                on:change=move |_| form.key.set(choice)
                            />
                            <span>{name}</span>
                        </label>
                    }
                })
                .into_iter()
                .collect_view()}
            <div class="key-status">{status}</div>
        </fieldset>
    }
    .into_any()
}

/// Enough to recognise it again.
fn short_fingerprint(fingerprint: &str) -> String {
    fingerprint.chars().take(19).chain(['…']).collect()
}

fn trouble_notice(form: Form, trouble: Trouble) -> AnyView {
    match trouble {
        Trouble::Call(failure) => view! {
            <Notice tone=Tone::Error title="Your order was not made">
                <p>{failure.sentence()}</p>
                <p>"Your choices and your key are still here; change them or press the button to try again."</p>
            </Notice>
        }
        .into_any(),
        Trouble::Price { shown, asked } => view! {
            <Notice tone=Tone::Warning title="The price has changed">
                <p>{format!("It was {} when this page loaded and is {} now.", sats(shown), sats(asked))}</p>
                <p>"The button shows the new price. Press it again if you agree."</p>
            </Notice>
        }
        .into_any(),
        Trouble::Changed { earlier } => {
            let open_earlier = move |_| form.router.enter(&earlier);
            let again = move |_| {
                form.sent.set_value(None);
                form.trouble.set(None);
                form.keygen.restart();
                form.progress.set(Progress::WaitingForKey);
            };
            view! {
                <Notice tone=Tone::Warning title="Your first attempt had arrived after all">
                    <p>"An order with your earlier choices exists. It costs nothing unless you pay its invoice."</p>
                    <p class="row">
                        <button type="button" class="button small" on:click=open_earlier>"Open that order"</button>
                        <button type="button" class="button small" on:click=again>"Order with the new choices"</button>
                    </p>
                </Notice>
            }
            .into_any()
        }
    }
}

impl Form {
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

    fn request(self, keys: &OrderKeys) -> BootstrapRequest {
        let refund_to = self.refund_to.get_untracked().trim().to_owned();
        BootstrapRequest {
            order_id: Some(keys.order_id),
            product: self.options.product(self.bitcoin.get_untracked()),
            region: self.region.get_untracked(),
            ssh_public_key: keys.ssh_public_key.clone(),
            seal_to: Some(OneOrMany::One(keys.seal_to.clone())),
            access_hash: Some(keys.access_hash.clone()),
            refund_to: (!refund_to.is_empty()).then_some(refund_to),
        }
    }

    fn send(self, keys: OrderKeys) {
        let shop = self.shop;
        let Some(product) = shop.full_node() else {
            self.progress.set(Progress::Choosing);
            return;
        };
        self.progress.set(Progress::Sending);
        // Settled from here on, so that a retry is the same request even if what is free or default changes in between.
        self.region.set(untrack(|| self.chosen_region()));
        let request = self.request(&keys);
        let shown = product.amount_sats;
        spawn_local(async move {
            let answer = api::bootstrap(&request).await;
            // The person may have left this page meanwhile.
            if self.progress.try_set(Progress::Choosing).is_some() {
                return;
            }
            let trouble = match answer {
                Ok(made) if made.amount_sats == shown => {
                    remember_price(&keys, shown);
                    return self.router.enter(&keys);
                }
                Ok(made) => {
                    shop.ask();
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
            self.announcer.say("Your order was not made.");
            if let Trouble::Call(Failure::Refused(error)) = &trouble {
                match error.code {
                    // It stands beside its field.
                    ErrorCode::InvalidRefundAddress => {
                        return self.refund_trouble.set(Some(error.message.clone()));
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
}

/// The invoice is checked against the price that was shown here, also after the save form's navigation.
fn remember_price(keys: &OrderKeys, price: Sats) {
    if let Some(storage) = session_storage() {
        // Where storage is full or forbidden the order's own price is checked instead.
        let _ = storage.set_item(&price_key(&keys.order_id), &price.sats().to_string());
    }
}
