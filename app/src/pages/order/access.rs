//! SSH: the private key as a file, the machine's own key, and what to type. All of it comes from the link and the order, so
//! it is here whether or not the credentials were claimed.

use super::Order;
use crate::announce::announcer;
use crate::browser::System;
use crate::components::command::Command;
use crate::components::download::hand_over;
use crate::components::notice::{Notice, Tone};
use crate::components::system_choice::SystemChoice;
use crate::components::value::Value;
use crate::ssh_commands::Target;
use crate::vault_client;
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
            <h2 id="ssh-title">"Log in by SSH"</h2>
            <p>"Your private key is rebuilt from your order link, in this browser. Nobody else has it."</p>
            <KeyDownload order=order/>
            <dl>
                <Value name="Key fingerprint" value=keys.ssh_fingerprint/>
            </dl>
            <SystemChoice chosen=system/>
            {move || match target.get() {
                Some(target) => commands(&target, system.get()),
                None => view! {
                    <Notice tone=Tone::Error title="The machine's address looks wrong">
                        <p>"What the server says about the machine is not an address with host keys, so no commands are shown."</p>
                    </Notice>
                }
                .into_any(),
            }}
        </section>
    }
    .into_any()
}

fn commands(target: &Target, system: System) -> AnyView {
    let steps = target.steps(system).into_iter().map(|step| {
        view! {
            <li>
                <p>{step.title}</p>
                <Command text=step.command what=step.title/>
            </li>
        }
    });
    let known_hosts = target.known_hosts().join("\n");
    view! {
        <ol class="how">{steps.collect_view()}</ol>
        <details>
            <summary>"The lines for known_hosts alone"</summary>
            <Command text=known_hosts what="the known_hosts lines"/>
        </details>
    }
    .into_any()
}

#[component]
fn KeyDownload(order: Order) -> impl IntoView {
    let trouble = RwSignal::new(None::<String>);
    let announcer = announcer();
    let save = move |_| {
        let fragment = order.keys().fragment;
        let file = order.file_name();
        trouble.set(None);
        spawn_local(async move {
            match vault_client::private_key(fragment).await {
                // Opened because the person asked for the file.
                Ok(text) => hand_over(&file, text.expose().as_bytes(), announcer, trouble),
                Err(why) => drop(trouble.try_set(Some(why.sentence()))),
            }
        });
    };
    view! {
        <div class="row">
            <button type="button" class="button primary" on:click=save>"Download the SSH private key"</button>
            <code>{order.file_name()}</code>
        </div>
        {move || trouble.get().map(|sentence| view! { <p role="alert">{sentence}</p> })}
    }
    .into_any()
}
