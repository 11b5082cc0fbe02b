//! The fields that every order has, the software of a full node, and what stands below them when the order was not made.

use super::{Form, Progress, Trouble};
use crate::browser::navigate;
use crate::components::notice::{Notice, Tone};
use crate::figures::sats;
use crate::router::address;
use kindling_domain::catalogue::BitcoinImplementation;
use kindling_domain::keys::KeyType;
use leptos::prelude::*;

/// Where the machine stands.
pub fn region_field(form: Form) -> AnyView {
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

/// Which node software.
pub fn bitcoin_field(form: Form) -> AnyView {
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

/// Which kind of SSH key, and how far it is.
pub fn key_field(form: Form) -> AnyView {
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

/// Why there is no order yet.
pub fn trouble_notice(form: Form, trouble: Trouble) -> AnyView {
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
            let open_earlier = move |_| navigate(&address(&earlier));
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
