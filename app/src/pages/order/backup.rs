//! LND's channel backup, as far as one is kept under the order link: fetched, opened in this browser, and handed over as a file.

use super::Order;
use crate::announce::announcer;
use crate::api;
use crate::browser::System;
use crate::components::command::Command;
use crate::components::countdown::ticking;
use crate::components::download::hand_over;
use crate::components::field_error::FieldError;
use crate::components::notice::{Notice, Tone};
use crate::figures::{local_time, span};
use crate::ssh_commands::Target;
use crate::vault_client;
use crate::words::node_backup as words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kindling_domain::time::UnixMillis;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The name that LND gives it.
const FILE: &str = "channel.backup";

/// The panel; nothing where the machine is make-believe and backs nothing up.
pub fn backup(order: Order, system: RwSignal<System>, target: Memo<Option<Target>>) -> AnyView {
    let view = order.feed.view;
    let kept = Memo::new(move |_| view.with(|view| Some(view.as_ref()?.backup_at?.0)));
    let is_there = Memo::new(move |_| {
        let has_voice = || view.with(|view| view.as_ref().is_some_and(|it| it.pairing.is_some()));
        kept.get().is_some() || has_voice()
    });
    // A newer copy must not take the button away from whoever waits for the one before it.
    let is_kept = Memo::new(move |_| kept.with(Option::is_some));
    let body = move || match is_kept.get() {
        true => copy_here(order, kept),
        false => how_to_keep(target.get(), system.get()),
    };
    (move || {
        is_there.get().then(|| {
            view! {
                <section class="card stack" aria-labelledby="backup-title">
                    <h2 id="backup-title">{words::title()}</h2>
                    <p class="muted">{words::means()}</p>
                    {body}
                </section>
            }
        })
    })
    .into_any()
}

fn how_to_keep(target: Option<Target>, system: System) -> AnyView {
    let command = target.map(|it| it.remote(system, "/opt/kindling/ops.sh backup --keep on"));
    view! {
        <details>
            <summary>{words::none()}</summary>
            <div class="stack tight">
                <p>{words::how()}</p>
                {command.map(|text| view! { <Command text=text what=words::keep_command()/> })}
            </div>
        </details>
    }
    .into_any()
}

fn copy_here(order: Order, kept: Memo<Option<UnixMillis>>) -> AnyView {
    let announcer = announcer();
    let now = ticking();
    let age = move || {
        let seconds = now.get().since(kept.get()?) / 1000;
        Some(words::kept(&span(seconds)))
    };
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None::<String>);
    // What this order link does not open.
    let foreign = RwSignal::new(None::<Vec<u8>>);
    let fetch = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        trouble.set(None);
        spawn_local(async move {
            let taken = take(order).await;
            // The person may have moved on meanwhile.
            if busy.try_set(false).is_some() {
                return;
            }
            match taken {
                Ok(Taken::Opened(content)) => hand_over(FILE, &content, announcer, trouble),
                Ok(Taken::Sealed(content)) => foreign.set(Some(content)),
                Err(sentence) => trouble.set(Some(sentence)),
            }
        });
    };
    view! {
        <p title=move || kept.get().map(local_time)>{age}</p>
        <div class="row">
            <button type="button" class="button" aria-disabled=move || busy.get().then_some("true") on:click=fetch>
                {move || if busy.get() { words::opening() } else { words::download() }}
            </button>
            <code dir="ltr">{FILE}</code>
        </div>
        <FieldError id="backup-error" trouble=trouble/>
        {move || foreign.get().map(|content| sealed_file(order, content))}
    }
    .into_any()
}

/// The kept backup.
enum Taken {
    /// As LND wrote it.
    Opened(Vec<u8>),
    /// As it came: it is sealed to a key that only the customer has.
    Sealed(Vec<u8>),
}

async fn take(order: Order) -> Result<Taken, String> {
    let keys = order.keys();
    let sealed = api::backup(&keys.order_id, &keys.access_token)
        .await
        .map_err(|failure| failure.sentence())?
        .sealed;
    let bytes = |text: &str| {
        STANDARD
            .decode(text)
            .map_err(|_| words::damaged().to_owned())
    };
    Ok(
        match vault_client::open_file(keys.fragment, sealed.clone()).await {
            // Opened to become the file.
            Ok(content) => Taken::Opened(bytes(content.expose())?),
            Err(_) => Taken::Sealed(bytes(&sealed)?),
        },
    )
}

fn sealed_file(order: Order, content: Vec<u8>) -> AnyView {
    let announcer = announcer();
    let file = format!("{}-{FILE}.age", order.file_name());
    let command = format!("age -d -i ~/.ssh/id_ed25519 {file} > {FILE}");
    let trouble = RwSignal::new(None::<String>);
    let save = move |_| {
        trouble.set(None);
        hand_over(&file, &content, announcer, trouble);
    };
    view! {
        <Notice tone=Tone::Info title=words::foreign()>
            <p>{words::foreign_means()}</p>
            <Command text=command what=words::open_command()/>
            <button type="button" class="button small" on:click=save>{words::download_sealed()}</button>
            <FieldError id="sealed-error" trouble=trouble/>
        </Notice>
    }
    .into_any()
}
