//! SSH: the private key as a file, the machine's own key, and what to type. All of it comes from the link and the order, so
//! it is here whether or not the credentials were claimed.

use super::Order;
use crate::announce::announcer;
use crate::browser::System;
use crate::components::command::Command;
use crate::components::download::{DownloadButton, Trouble, hand_over};
use crate::components::notice::{Notice, Tone};
use crate::components::share::{Shared, share_button};
use crate::components::system_choice::SystemChoice;
use crate::components::value::Value;
use crate::ssh_commands::Target;
use crate::vault_client;
use crate::words::access as words;
use kindling_domain::secret::Secret;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The way in.
#[component]
pub fn Access(
    order: Order,
    system: RwSignal<System>,
    target: Memo<Option<Target>>,
) -> impl IntoView {
    let keys = order.keys();
    view! {
        <section class="card stack" aria-labelledby="ssh-title">
            <h2 id="ssh-title">{words::title()}</h2>
            <p>{words::own_key()}</p>
            {key_files(order)}
            <dl>
                <Value name=words::fingerprint() value=keys.ssh_fingerprint/>
            </dl>
            <SystemChoice chosen=system/>
            {move || match target.get() {
                Some(target) => commands(&target, system.get()),
                None => view! {
                    <Notice tone=Tone::Error title=words::address_wrong()>
                        <p>{words::address_wrong_means()}</p>
                    </Notice>
                }
                .into_any(),
            }}
            {move || target.get().map(|target| known_hosts(order, &target))}
        </section>
    }
    .into_any()
}

fn commands(target: &Target, system: System) -> AnyView {
    let steps = target.steps(system).into_iter().map(|step| {
        view! {
            <li>
                <p>{step.title}</p>
                <Command text=step.command what=step.what/>
            </li>
        }
    });
    view! { <ol class="how">{steps.collect_view()}</ol> }.into_any()
}

/// The machine's own key, for whoever keeps `known_hosts` elsewhere. It is no secret.
fn known_hosts(order: Order, target: &Target) -> AnyView {
    let lines = target.known_hosts().join("\n");
    let file = Secret::new(format!("{lines}\n"));
    let shared = lines.clone();
    let share = share_button(
        words::share_known_hosts(),
        &Shared::Text(Secret::new(lines.clone())),
        None,
        move || {
            let text = Shared::Text(Secret::new(shared.clone()));
            async { Ok(text) }
        },
    );
    view! {
        <details>
            <summary>{words::known_hosts()}</summary>
            <div class="stack tight">
                <Command text=lines what=words::known_hosts_lines()/>
                <div class="row">
                    <DownloadButton
                        text=file
                        file=format!("{}-known_hosts", order.file_name())
                        label=words::download_known_hosts()
                        class="button small"
                    />
                    {share}
                </div>
            </div>
        </details>
    }
    .into_any()
}

/// The ways in which the private key is written.
#[derive(Clone, Copy)]
enum KeyFile {
    OpenSsh,
    Pem,
}

impl KeyFile {
    fn name(self, order: Order) -> String {
        match self {
            Self::OpenSsh => order.file_name(),
            Self::Pem => format!("{}.pem", order.file_name()),
        }
    }

    async fn content(self, order: Order) -> Result<Secret, String> {
        let fragment = order.keys().fragment;
        let made = match self {
            Self::OpenSsh => vault_client::private_key(fragment).await,
            Self::Pem => vault_client::private_key_pem(fragment).await,
        };
        made.map_err(|why| why.sentence())
    }
}

fn key_files(order: Order) -> AnyView {
    let trouble = RwSignal::new(None::<String>);
    let announcer = announcer();
    let save = move |kind: KeyFile| {
        trouble.set(None);
        spawn_local(async move {
            match kind.content(order).await {
                // Opened because the person asked for the file.
                Ok(text) => {
                    let content = text.expose().as_bytes();
                    hand_over(&kind.name(order), content, announcer, trouble);
                }
                // The person may have moved on meanwhile.
                Err(sentence) => drop(trouble.try_set(Some(sentence))),
            }
        });
    };
    let shared_name = move || format!("{}.txt", order.file_name());
    let sample = Shared::File(shared_name(), Secret::new(String::new()));
    let share = share_button(words::share_key(), &sample, None, move || async move {
        let key = KeyFile::OpenSsh.content(order).await?;
        Ok(Shared::File(shared_name(), key))
    });
    let share_means = sample
        .is_possible()
        .then(|| view! { " "<span>{words::share_key_means()}</span> });
    view! {
        <div class="row">
            <button type="button" class="button primary" on:click=move |_| save(KeyFile::OpenSsh)>{words::download_key()}</button>
            <code dir="ltr">{KeyFile::OpenSsh.name(order)}</code>
        </div>
        <div class="row">
            <button type="button" class="button small" on:click=move |_| save(KeyFile::Pem)>{words::download_pem()}</button>
            {share}
            <Trouble of=trouble/>
        </div>
        <p class="fine">{words::pem_means()}{share_means}</p>
    }
    .into_any()
}
