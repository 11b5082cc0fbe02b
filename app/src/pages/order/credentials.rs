//! The machine's credentials: the button that claims them, what was in the envelope, and the button that erases it.

use super::Order;
use super::claim::{Claim, Contents, Trouble};
use crate::components::copy::CopyButton;
use crate::components::download::DownloadButton;
use crate::components::notice::{Notice, Tone};
use crate::components::reveal::Reveal;
use crate::components::value::{Fact, SecretValue, Value};
use kindling_domain::secret::Secret;
use kindling_domain::wire::{Bundle, Component, Delivery};
use leptos::prelude::*;

/// The hand-over in whichever state it is.
#[component]
pub fn Handover(order: Order, claim: Claim<Bundle>) -> impl IntoView {
    let file = format!("{}-credentials.txt", order.file_name());
    view! {
        <section class="card stack" aria-labelledby="credentials-title">
            <h2 id="credentials-title">"Your credentials"</h2>
            {move || match (claim.bundle.get(), claim.delivery()) {
                (Some(bundle), _) => view! { <Opened bundle=bundle claim=claim file=file.clone()/> }.into_any(),
                (None, Some(Delivery::Erased)) => view! {
                    <p>
                        "They were handed over, and the sealed copy was erased. They are still on the machine: log in and read "
                        <code>"/root/node-credentials.txt"</code>"."
                    </p>
                }
                .into_any(),
                (None, Some(Delivery::Claimed)) if !claim.is_ours() => elsewhere(ELSEWHERE),
                (None, delivery) => view! { <Offer claim=claim again=delivery == Some(Delivery::Claimed)/> }.into_any(),
            }}
            {trouble_of(claim, ELSEWHERE)}
        </section>
    }
    .into_any()
}

#[component]
fn Offer(claim: Claim<Bundle>, again: bool) -> impl IntoView {
    view! {
        <p>
            "The machine has sealed its passwords and its wallet's seed words to you. They are handed to one browser only, this one if
            you press the button, and opened here."
        </p>
        <p class="muted">
            {if again {
                "This browser has claimed them before and may show them again until you confirm, for at most 24 hours."
            } else {
                "You can look at them again in this browser until you confirm that you saved them, for at most 24 hours."
            }}
        </p>
        <button type="button" class="button primary" on:click=move |_| claim.take()>
            {move || match (claim.busy.get(), again) {
                (true, _) => "Opening…",
                (false, true) => "Show my credentials again",
                (false, false) => "Get my credentials",
            }}
        </button>
    }
    .into_any()
}

/// What it means for a node.
const ELSEWHERE: Foreign = Foreign {
    title: "These credentials were claimed in another browser",
    meaning: "If that was you, you find them there. If it was not, somebody else has your order link and can log in: treat this machine \
              and its wallet as lost, and do not fund it.",
};

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
                <Notice tone=Tone::Error title="That did not work"><p>{sentence}</p></Notice>
            }
            .into_any(),
        })
    })
    .into_any()
}

#[component]
fn Opened(bundle: Bundle, claim: Claim<Bundle>, file: String) -> impl IntoView {
    let text = as_text(&bundle);
    let bitcoin = format!(
        "{} {} ({})",
        bundle.bitcoin.implementation.name(),
        bundle.bitcoin.version,
        bundle.bitcoin.network
    );
    let words = StoredValue::new(bundle.lnd.seed_words);
    view! {
        {bundle.fake.then(|| view! {
            <Notice tone=Tone::Warning title="Test machine: these credentials are fake">
                <p>"There is no server behind them. They were truly sealed and opened, so that you see how it works."</p>
            </Notice>
        })}
        <h3>"Lightning wallet (LND)"</h3>
        <dl>
            <div class="value">
                <dt>"Seed words"</dt>
                <dd>
                    <Reveal what="the seed words">
                        <ol class="words">
                            // Opened because the person asked to see them.
                            {words.with_value(|words| {
                                words.iter().map(|word| view! { <li>{word.expose().to_owned()}</li> }).collect_view()
                            })}
                        </ol>
                    </Reveal>
                </dd>
            </div>
            <SecretValue name="Wallet password" value=bundle.lnd.wallet_password/>
            {bundle.lnd.identity_key.map(|key| view! { <Value name="Identity key" value=key/> })}
            <Fact name="Version" value=format!("LND {}", bundle.lnd.version)/>
        </dl>
        <h3>"LNbits"</h3>
        <dl>
            <Value name="Address" value=bundle.lnbits.url/>
            {bundle.lnbits.super_user.map(|user| view! { <SecretValue name="Super user" value=user/> })}
            {bundle.lnbits.password.map(|password| view! { <SecretValue name="Password" value=password/> })}
            {bundle.lnbits.first_install_token.map(|token| view! {
                <SecretValue name="First-install token" value=token/>
            })}
            <Fact name="Version" value=format!("LNbits {}", bundle.lnbits.version)/>
        </dl>
        <h3>"Bitcoin"</h3>
        <dl>
            <Fact name="Software" value=bitcoin/>
            <Value name="RPC user" value=bundle.bitcoin.rpc_user/>
            <SecretValue name="RPC password" value=bundle.bitcoin.rpc_password/>
        </dl>
        {bill_of_materials(bundle.components)}
        <p class="fine">"The same stands on the machine in "<code>{bundle.credentials_file}</code>"."</p>
        <div class="row">
            <DownloadButton text=text file=file label="Download all as a text file"/>
        </div>
        {move || match claim.delivery() {
            Some(Delivery::Erased) => view! {
                <Notice tone=Tone::Info title="The sealed copy was erased">
                    <p>"What you see is now only in this tab. Close it when you have everything."</p>
                </Notice>
            }
            .into_any(),
            _ => confirm(claim, "Are the seed words and passwords in a safe place?"),
        }}
    }
    .into_any()
}

/// All that runs on the machine.
pub fn bill_of_materials(components: Vec<Component>) -> Option<AnyView> {
    let count = components.len();
    let row = |component: Component| {
        let digest = component.digest.map(|digest| {
            let short = digest.chars().take(19).chain(['…']).collect::<String>();
            let what = format!("the digest of {}", component.name);
            view! {
                <code class="digest" title=digest.clone()>{short}</code>
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
                <summary>{format!("What runs on it: {count} components")}</summary>
                <dl>{components.into_iter().map(row).collect_view()}</dl>
            </details>
        }
        .into_any()
    })
}

/// Asked twice, because it cannot be undone.
pub fn confirm<T: Contents>(claim: Claim<T>, question: &'static str) -> AnyView {
    let asked = RwSignal::new(false);
    (move || {
        if asked.get() {
            view! {
                <div class="confirm" role="group" aria-label="Erase the sealed copy">
                    <p>"The sealed copy will be erased for good. "{question}</p>
                    <p class="row">
                        <button type="button" class="button primary" on:click=move |_| claim.acknowledge()>
                            {move || if claim.busy.get() { "Erasing…" } else { "Yes, erase it" }}
                        </button>
                        <button type="button" class="button" on:click=move |_| asked.set(false)>"Not yet"</button>
                    </p>
                </div>
            }
            .into_any()
        } else {
            view! {
                <p>
                    <button type="button" class="button primary" on:click=move |_| asked.set(true)>
                        "I have saved it"
                    </button>
                </p>
            }
            .into_any()
        }
    })
    .into_any()
}

/// Everything in one file, for a safe place. Opened because that is what the person downloads.
fn as_text(bundle: &Bundle) -> Secret {
    let mut text = format!("Kindling order {}\n", bundle.order_id);
    if bundle.fake {
        text.push_str("TEST MACHINE: these credentials are fake.\n");
    }
    let mut line = |name: &str, value: &str| {
        for part in ["\n", name, ": ", value] {
            text.push_str(part);
        }
    };
    line("Address", &bundle.node_ip);
    if let Some(host) = &bundle.tailscale_hostname {
        line("Tailscale name", host);
    }
    line(
        "SSH",
        &format!(
            "{}@{} port {}",
            bundle.ssh.user, bundle.node_ip, bundle.ssh.port
        ),
    );
    for key in &bundle.ssh.host_keys {
        line("SSH host key", key);
    }
    let words: Vec<&str> = bundle.lnd.seed_words.iter().map(Secret::expose).collect();
    line("LND seed words", &words.join(" "));
    line("LND wallet password", bundle.lnd.wallet_password.expose());
    if let Some(key) = &bundle.lnd.identity_key {
        line("LND identity key", key);
    }
    line("LNbits", &bundle.lnbits.url);
    for (name, value) in [
        ("LNbits super user", &bundle.lnbits.super_user),
        ("LNbits password", &bundle.lnbits.password),
        (
            "LNbits first-install token",
            &bundle.lnbits.first_install_token,
        ),
    ] {
        if let Some(value) = value {
            line(name, value.expose());
        }
    }
    line("Bitcoin RPC user", &bundle.bitcoin.rpc_user);
    line("Bitcoin RPC password", bundle.bitcoin.rpc_password.expose());
    for component in &bundle.components {
        let digest = component.digest.as_deref().unwrap_or_default();
        line(&component.name, &format!("{} {digest}", component.version));
    }
    text.push('\n');
    Secret::new(text)
}
