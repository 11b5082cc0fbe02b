//! The fields that every order has, the software of a full node, and what stands below them when the order was not made.

use super::super::parts::{Choice, button, fields, picked};
use super::{Form, Progress, Trouble};
use crate::browser::{focus, navigate};
use crate::components::changing::{changing, flagged, heard, part};
use crate::components::notice::{Notice, Tone};
use crate::figures::sats;
use crate::router::address;
use crate::words::{common, shop as words};
use kindling_domain::catalogue::{BitcoinImplementation, Region};
use leptos::prelude::*;

/// Where the machine stands.
pub fn region_field(form: Form) -> AnyView {
    let shop = form.shop;
    // Only a choice of the person's own can be sold out: they decide what to take instead.
    let sold_out = move || {
        let slug = form.chosen_region()?;
        let catalogue = shop.catalogue()?;
        let region = catalogue
            .regions
            .iter()
            .find(|region| region.slug == slug)?;
        let taken = !region.available && form.region.with(Option::is_some);
        taken.then(|| words::region_gone(&region.name))
    };
    let option = move |region: &Region| {
        let (slug, off) = (region.slug.clone(), !region.available);
        let name = match region.available {
            true => region.name.clone(),
            false => words::region_sold_out(&region.name),
        };
        view! {
            <option
                value=slug.clone()
                disabled=changing(move || off)
                prop:selected=changing(move || form.chosen_region().as_ref() == Some(&slug))
            >
                {name}
            </option>
        }
        .into_any()
    };
    let options = move || {
        Some(match shop.catalogue() {
            None => view! { <option value="">{words::loading()}</option> }.into_any(),
            Some(catalogue) => {
                let regions = catalogue.regions.iter();
                regions.map(option).collect_view().into_any()
            }
        })
    };
    let complaint = move || {
        let sentence = sold_out()?;
        Some(view! { <p class="field-error" id="region-error">{sentence}</p> }.into_any())
    };
    view! {
        <div class="field">
            <label for="region">{words::region()}</label>
            <select
                id="region"
                aria-describedby="region-error"
                aria-invalid=flagged(move || sold_out().is_some())
                on:change=heard(move |event| form.region.set(Some(event_target_value(&event))))
            >
                {part(options)}
            </select>
            {part(complaint)}
        </div>
    }
    .into_any()
}

/// Which node software.
pub fn bitcoin_field(form: Form) -> AnyView {
    let list = BitcoinImplementation::ALL.map(|one| Choice::new(one.as_str(), one.name()));
    let content = view! {
        {picked("bitcoin", list.into(), form.bitcoin.at)}
        <small>{words::bitcoin_means()}</small>
    };
    fields(words::bitcoin(), content.into_any())
}

const KEY_STATUS: &str = "key-status";

/// Which kind of SSH key, and how far it is.
pub fn key_field(form: Form) -> AnyView {
    let keygen = form.keygen;
    // The button goes, and the focus with it.
    let again = move || {
        keygen.restart();
        focus(KEY_STATUS);
    };
    let status = move || {
        let key = form.key.get();
        let status = match (keygen.keys(key), keygen.trouble()) {
            (Some(keys), _) => view! {
                <p class="key-ready">
                    <span aria-hidden="true">"✓ "</span>
                    {words::key_ready()}
                    " "
                    <code dir="ltr">{short_fingerprint(&keys.ssh_fingerprint)}</code>
                </p>
            }
            .into_any(),
            (None, Some(sentence)) => view! {
                <Notice tone=Tone::Error title=words::key_failed()>
                    <p>{sentence}</p>
                    {button(common::try_again(), again)}
                </Notice>
            }
            .into_any(),
            (None, None) => view! {
                <label class="key-progress">
                    <span>{words::key_making()}</span>
                    <progress max="100" prop:value=changing(move || keygen.percent().to_string())></progress>
                </label>
            }
            .into_any(),
        };
        Some(status)
    };
    let list = vec![
        Choice::new("rsa", "RSA-4096"),
        Choice::new("ed25519", "Ed25519"),
    ];
    let content = view! {
        {picked("key", list, form.key.at)}
        <div class="key-status" id=KEY_STATUS tabindex="-1">{part(status)}</div>
    };
    fields(words::key(), content.into_any())
}

/// Enough to recognise it again.
fn short_fingerprint(fingerprint: &str) -> String {
    fingerprint.chars().take(19).chain(['…']).collect()
}

/// Why there is no order yet.
pub fn trouble_notice(form: Form, trouble: Trouble) -> AnyView {
    match trouble {
        Trouble::Call(failure) => view! {
            <Notice tone=Tone::Error title=words::not_made_title()>
                <p>{failure.sentence()}</p>
                <p>{words::not_made_means()}</p>
            </Notice>
        }
        .into_any(),
        Trouble::Price { shown, asked } => view! {
            <Notice tone=Tone::Warning title=words::price_changed()>
                <p>{words::price_was(&sats(shown), &sats(asked))}</p>
                <p>{words::price_agree()}</p>
            </Notice>
        }
        .into_any(),
        Trouble::Changed { earlier } => {
            let open_earlier = move || navigate(&address(&earlier.order_id, &earlier.fragment));
            let again = move || {
                form.sent.set_value(None);
                form.trouble.set(None);
                form.keygen.restart();
                form.progress.set(Progress::WaitingForKey);
            };
            view! {
                <Notice tone=Tone::Warning title=words::arrived()>
                    <p>{words::arrived_means()}</p>
                    <p class="row">
                        {button(words::open_earlier(), open_earlier)}
                        {button(words::order_anew(), again)}
                    </p>
                </Notice>
            }
            .into_any()
        }
    }
}
