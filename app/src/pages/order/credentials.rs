//! The machine's credentials: the button that claims them, what was in the envelope, and the button that erases it.

use super::Order;
use super::claim::{Claim, Contents, Trouble};
use super::twice::{Button, Twice};
use crate::browser::focus;
use crate::components::copy::CopyButton;
use crate::components::download::DownloadButton;
use crate::components::notice::{Notice, Tone};
use crate::components::print::PrintChoice;
use crate::components::reveal::{OnPaper, Reveal};
use crate::components::rich::Rich;
use crate::components::value::{Fact, SecretValue, Value};
use crate::words::node_credentials as words;
use kindling_domain::secret::Secret;
use kindling_domain::wire::{Bundle, Component, Delivery};
use leptos::prelude::*;

const TITLE: &str = "credentials-title";

/// The hand-over in whichever state it is.
#[component]
pub fn Handover(order: Order, claim: Claim<Bundle>) -> impl IntoView {
    let file = format!("{}-credentials.txt", order.file_name());
    // The order is heard of again and again: what is opened, uncovered or asked stays as it is until this changes.
    let delivery = Memo::new(move |_| claim.delivery());
    // The buttons that open and erase go with what they did: the focus stays where it went on.
    let stage = Memo::new(move |_| (claim.bundle.with(Option::is_some), delivery.get()));
    Effect::new(move |before: Option<(bool, Option<Delivery>)>| {
        let (is_open, delivery) = stage.get();
        let moved_on = before.is_some_and(|(was_open, old)| {
            is_open && (!was_open || old != delivery && delivery == Some(Delivery::Erased))
        });
        if moved_on {
            focus(TITLE);
        }
        (is_open, delivery)
    });
    view! {
        <section class="card stack" aria-labelledby=TITLE>
            <h2 id=TITLE tabindex="-1">{words::title()}</h2>
            {move || match claim.bundle.get() {
                Some(bundle) => view! { <Opened bundle=bundle claim=claim delivery=delivery file=file.clone()/> }.into_any(),
                None => unopened(claim, delivery.get()),
            }}
            {trouble_of(claim, on_another_browser())}
        </section>
    }
    .into_any()
}

fn unopened(claim: Claim<Bundle>, delivery: Option<Delivery>) -> AnyView {
    match delivery {
        Some(Delivery::Erased) => view! { <p><Rich text=words::erased_before()/></p> }.into_any(),
        Some(Delivery::Claimed) if !claim.is_ours() => elsewhere(on_another_browser()),
        delivery => {
            let again = delivery == Some(Delivery::Claimed);
            view! { <Offer claim=claim again=again/> }.into_any()
        }
    }
}

#[component]
fn Offer(claim: Claim<Bundle>, again: bool) -> impl IntoView {
    view! {
        <p>{words::offer()}</p>
        <p class="muted">
            {if again {
                words::offer_again()
            } else {
                words::offer_once()
            }}
        </p>
        <button
            type="button"
            class="button primary"
            aria-disabled=move || claim.busy.get().then_some("true")
            on:click=move |_| claim.take()
        >
            {move || match (claim.busy.get(), again) {
                (true, _) => words::opening(),
                (false, true) => words::show_again(),
                (false, false) => words::get(),
            }}
        </button>
    }
    .into_any()
}

/// What it means for a node.
fn on_another_browser() -> Foreign {
    Foreign {
        title: words::elsewhere(),
        meaning: words::elsewhere_means(),
    }
}

/// What is said where another browser was first.
#[derive(Clone, Copy)]
pub struct Foreign {
    /// What happened.
    pub title: &'static str,
    /// What it may mean.
    pub meaning: &'static str,
}

/// Another browser was first.
pub fn elsewhere(words: Foreign) -> AnyView {
    view! { <Notice tone=Tone::Error title=words.title><p>{words.meaning}</p></Notice> }.into_any()
}

/// Why the last attempt did not work.
pub fn trouble_of<T: Contents>(claim: Claim<T>, words: Foreign) -> AnyView {
    (move || {
        claim.trouble.get().map(|trouble| match trouble {
            Trouble::Elsewhere => elsewhere(words),
            Trouble::Sentence(sentence) => view! {
                <Notice tone=Tone::Error title=words::trouble()><p>{sentence}</p></Notice>
            }
            .into_any(),
        })
    })
    .into_any()
}

#[component]
fn Opened(
    bundle: Bundle,
    claim: Claim<Bundle>,
    delivery: Memo<Option<Delivery>>,
    file: String,
) -> impl IntoView {
    let text = as_text(&bundle);
    let bitcoin = words::bitcoin_version(
        bundle.bitcoin.implementation.name(),
        &bundle.bitcoin.version,
        &bundle.bitcoin.network,
    );
    let with_secrets = RwSignal::new(false);
    provide_context(OnPaper(with_secrets));
    let seed = StoredValue::new(bundle.lnd.seed_words);
    view! {
        {bundle.fake.then(|| view! {
            <Notice tone=Tone::Warning title=words::fake()>
                <p>{words::fake_means()}</p>
            </Notice>
        })}
        <h3>{words::wallet()}</h3>
        <dl>
            <div class="value">
                <dt>{words::seed_words()}</dt>
                <dd>
                    <Reveal what=words::the_seed_words()>
                        <ol class="words" dir="ltr">
                            // Opened because the person asked to see them.
                            {seed.with_value(|words| {
                                words.iter().map(|word| view! { <li>{word.expose().to_owned()}</li> }).collect_view()
                            })}
                        </ol>
                    </Reveal>
                </dd>
            </div>
            <SecretValue name=words::wallet_password() value=bundle.lnd.wallet_password/>
            {bundle.lnd.identity_key.map(|key| view! { <Value name=words::identity_key() value=key/> })}
            <Fact name=words::version() value=format!("LND {}", bundle.lnd.version)/>
        </dl>
        <h3>"LNbits"</h3>
        <dl>
            <Value name=words::address() value=bundle.lnbits.url/>
            {bundle.lnbits.super_user.map(|user| view! { <SecretValue name=words::super_user() value=user/> })}
            {bundle.lnbits.password.map(|password| view! { <SecretValue name=words::password() value=password/> })}
            {bundle.lnbits.first_install_token.map(|token| view! {
                <SecretValue name=words::install_token() value=token/>
            })}
            <Fact name=words::version() value=format!("LNbits {}", bundle.lnbits.version)/>
        </dl>
        <h3>"Bitcoin"</h3>
        <dl>
            <Fact name=words::software() value=bitcoin/>
            <Value name=words::rpc_user() value=bundle.bitcoin.rpc_user/>
            <SecretValue name=words::rpc_password() value=bundle.bitcoin.rpc_password/>
        </dl>
        {bill_of_materials(bundle.components)}
        <p class="fine"><Rich text=words::on_machine(&bundle.credentials_file)/></p>
        <div class="row">
            <DownloadButton text=text file=file label=words::download_all()/>
        </div>
        <PrintChoice with_secrets=with_secrets/>
        {move || match delivery.get() {
            Some(Delivery::Erased) => view! {
                <Notice tone=Tone::Info title=words::erased()>
                    <p>{words::erased_means()}</p>
                </Notice>
            }
            .into_any(),
            _ => confirm(claim, words::is_it_safe()),
        }}
    }
    .into_any()
}

/// All that runs on the machine.
pub fn bill_of_materials(components: Vec<Component>) -> Option<AnyView> {
    let count = components.len() as u64;
    let row = |component: Component| {
        let digest = component.digest.map(|digest| {
            let short = digest.chars().take(19).chain(['…']).collect::<String>();
            let what = words::digest_of(&component.name);
            view! {
                <code class="digest" dir="ltr" title=digest.clone()>{short}</code>
                <CopyButton text=Secret::new(digest) what=what/>
            }
        });
        view! {
            <div class="value">
                <dt>{component.name}</dt>
                <dd><span>{component.version}</span>{digest}</dd>
            </div>
        }
        .into_any()
    };
    (count > 0).then(|| {
        view! {
            <details>
                <summary>{words::components(count)}</summary>
                <dl>{components.into_iter().map(row).collect_view()}</dl>
            </details>
        }
        .into_any()
    })
}

/// Asked twice, because it cannot be undone.
pub fn confirm<T: Contents>(claim: Claim<T>, question: &'static str) -> AnyView {
    let erase = Twice {
        ids: ("erase", "erase-question"),
        first: Button {
            class: "button primary",
            label: words::saved().into(),
        },
        about: words::erase(),
        surely: Button {
            class: "button primary",
            label: Signal::derive(move || match claim.busy.get() {
                true => words::erasing(),
                false => words::erase_surely(),
            }),
        },
        back: words::not_yet(),
    };
    erase.view(
        move || view! { <p>{words::erase_means()}" "<span>{question}</span></p> }.into_any(),
        move || claim.acknowledge(),
    )
}

/// Everything in one file, for a safe place. Opened because that is what the person downloads.
fn as_text(bundle: &Bundle) -> Secret {
    let mut text = words::file_title(&bundle.order_id.to_string());
    text.push('\n');
    if bundle.fake {
        text.push_str(words::file_fake());
        text.push('\n');
    }
    let mut line = |name: &str, value: &str| {
        for part in ["\n", name, ": ", value] {
            text.push_str(part);
        }
    };
    line(words::file_address(), &bundle.node_ip);
    if let Some(host) = &bundle.tailscale_hostname {
        line(words::file_tailscale(), host);
    }
    line(
        words::file_login(),
        &words::file_login_at(
            &format!("{}@{}", bundle.ssh.user, bundle.node_ip),
            &bundle.ssh.port.to_string(),
        ),
    );
    for key in &bundle.ssh.host_keys {
        line(words::file_host_key(), key);
    }
    let seed: Vec<&str> = bundle.lnd.seed_words.iter().map(Secret::expose).collect();
    line(words::file_words(), &seed.join(" "));
    line(
        words::file_wallet_password(),
        bundle.lnd.wallet_password.expose(),
    );
    if let Some(key) = &bundle.lnd.identity_key {
        line(words::file_identity_key(), key);
    }
    line("LNbits", &bundle.lnbits.url);
    for (name, value) in [
        (words::file_super_user(), &bundle.lnbits.super_user),
        (words::file_password(), &bundle.lnbits.password),
        (
            words::file_install_token(),
            &bundle.lnbits.first_install_token,
        ),
    ] {
        if let Some(value) = value {
            line(name, value.expose());
        }
    }
    line(words::file_rpc_user(), &bundle.bitcoin.rpc_user);
    line(
        words::file_rpc_password(),
        bundle.bitcoin.rpc_password.expose(),
    );
    for component in &bundle.components {
        let digest = component.digest.as_deref().unwrap_or_default();
        line(&component.name, &format!("{} {digest}", component.version));
    }
    text.push('\n');
    Secret::new(text)
}
