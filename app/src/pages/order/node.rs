//! What the machine says of itself. Every figure is of its last report; when that is old, the page says so before it says anything
//! else. Each report draws the panel anew in the same elements, so what is unfolded or focused stays so.

mod plot;
mod says;

use super::Order;
use crate::announce::announcer;
use crate::browser::System;
use crate::components::command::Command;
use crate::components::countdown::ticking;
use crate::components::notice::{Notice, Tone};
use crate::components::value::Value;
use crate::figures::span;
use crate::ssh_commands::Target;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::ChainRule;
use leptos::prelude::*;
use says::{Figure, Mark, Said};

/// How exactly ages are shown, in milliseconds; only the last report's counts seconds.
const COARSE: u64 = 10_000;

/// The panel; nothing where the machine is make-believe and has no voice.
pub fn node(order: Order, system: RwSignal<System>, target: Memo<Option<Target>>) -> AnyView {
    let now = ticking();
    let coarse = Memo::new(move |_| Some(UnixMillis(now.get().0 / COARSE * COARSE)));
    let said = Memo::new(move |_| {
        let now = coarse.get()?;
        order.feed.view.with(|view| {
            let view = view.as_ref()?;
            let pairing = view.pairing;
            let revoked = pairing.is_some_and(|pairing| !pairing.paired);
            let said = view
                .machine
                .as_ref()
                .map(|machine| Said::of(machine, revoked, now));
            (said.is_some() || pairing.is_some()).then_some(said)
        })
    });
    say_changes(said);
    let body = move |said: Option<Said>| {
        let Some(said) = said else {
            return view! { <p class="muted">"The machine has not reported yet."</p> }.into_any();
        };
        let heard_at = said.heard_at;
        let ago = move || {
            let seconds = now.get().since(heard_at) / 1000;
            format!("Last heard {} ago", span(seconds))
        };
        let quiet = said.quiet.as_ref().map(|since| match said.revoked {
            true => revoked_notice(since),
            false => quiet_notice(since, target.get(), system.get()),
        });
        view! {
            <p class="heard muted">{ago}</p>
            {quiet}
            {panel(said)}
        }
        .into_any()
    };
    (move || {
        said.get().map(|said| {
            view! {
                <section class="card stack node" aria-labelledby="node-title">
                    <h2 id="node-title">"Your node"</h2>
                    {body(said)}
                </section>
            }
        })
    })
    .into_any()
}

fn panel(said: Said) -> AnyView {
    let enforced = (!said.rules.is_empty()).then(|| said.enforced());
    let is_old = said.quiet.is_some();
    let course = said.plot.map(|plot| match said.validated.done {
        false => plot.view(),
        true => view! { <details><summary>"How the sync went"</summary>{plot.view()}</details> }
            .into_any(),
    });
    view! {
        {said.message.map(|sentence| warning("Your machine says".to_owned(), sentence))}
        {said.changed.map(|at| warning(
            "Another LND signs now".to_owned(),
            format!(
                "Since {at} these figures are signed with another key than before. If you have not restored or replaced LND yourself, \
                 log in and look before you trust this wallet."
            ),
        ))}
        <div class=if is_old { "stack figures old" } else { "stack figures" }>
            {is_old.then(|| view! { <p class="age-note">"Old figures, as last reported:"</p> })}
            <dl class="marks">
                {mark(if is_old { "Usable then" } else { "Usable now" }, said.usable)}
                {mark("Fully validated", said.validated)}
            </dl>
            {course}
            <dl class="facts">
                {said.figures.into_iter().map(row).collect_view()}
                <div class=if said.scarce { "value scarce" } else { "value" }>
                    <dt>"Disk"</dt>
                    <dd><span>{said.disk}</span><meter aria-hidden="true" max="100" value=said.used></meter></dd>
                </div>
            </dl>
            {enforced.map(|summary| view! {
                <details>
                    <summary>{summary}</summary>
                    <ul class="rules">{said.rules.into_iter().map(rule).collect_view()}</ul>
                </details>
            })}
            {match said.key {
                None => view! { <p class="fine">{said.signature}</p> }.into_any(),
                Some(key) => view! {
                    <details>
                        <summary>{said.signature}</summary>
                        <dl><Value name="LND's identity key" value=key/></dl>
                        <p class="fine">
                            "LND's name in the Lightning network. Only your node's wallet can sign with it, and it is the same key as in
                            your credentials."
                        </p>
                    </details>
                }
                .into_any(),
            }}
        </div>
    }
    .into_any()
}

fn mark(name: &'static str, mark: Mark) -> AnyView {
    let (class, sign) = if mark.done {
        ("answer yes", Some("✓"))
    } else {
        ("answer", None)
    };
    view! {
        <div class=class>
            <dt>{name}</dt>
            <dd>
                <strong><span class="sign" aria-hidden="true">{sign}</span>{mark.word}</strong>
                <span class="muted">{mark.why}</span>
            </dd>
        </div>
    }
    .into_any()
}

fn row(figure: Figure) -> AnyView {
    view! {
        <div class="value">
            <dt>{figure.name}</dt>
            <dd><span>{figure.text}</span><span class="muted">{figure.more}</span></dd>
        </div>
    }
    .into_any()
}

fn rule(rule: ChainRule) -> AnyView {
    let (class, word) = match rule.active {
        true => ("", ": enforced"),
        false => ("off", ": not enforced now"),
    };
    view! { <li class=class><code>{rule.name}</code>{word}</li> }.into_any()
}

fn warning(title: String, sentence: String) -> AnyView {
    view! { <Notice tone=Tone::Warning title=title><p>{sentence}</p></Notice> }.into_any()
}

fn revoked_notice(since: &str) -> AnyView {
    warning(
        format!("Not heard since {since}"),
        "Its pairing was revoked. To hear it again, pair it again below, under “The machine's voice”."
            .to_owned(),
    )
}

fn quiet_notice(since: &str, target: Option<Target>, system: System) -> AnyView {
    let command = target.map(|target| target.remote(system, "/opt/kindling/ops.sh status"));
    view! {
        <Notice tone=Tone::Warning title=format!("Not heard since {since}")>
            <p>
                "It may be off, or cut off. Log in and look; if it runs, pair it again below, under “The machine's voice”."
            </p>
            {command.map(|text| view! { <Command text=text what="the command that shows the machine's status"/> })}
        </Notice>
    }
    .into_any()
}

/// Tells screen readers once what has changed of the answers, and when the machine goes quiet. What is so already when the page comes
/// is read with the page.
fn say_changes(said: Memo<Option<Option<Said>>>) {
    let announcer = announcer();
    Effect::new(move |before: Option<Option<(bool, bool, bool)>>| {
        let said = said.get().flatten();
        let now = said
            .as_ref()
            .map(|said| (said.usable.done, said.validated.done, said.quiet.is_some()));
        if let (Some(Some(before)), Some(now), Some(said)) = (before, now, &said) {
            let mut news = Vec::new();
            if now.0 != before.0 {
                news.push(match now.0 {
                    true => "Your node is usable now.".to_owned(),
                    false => "Your node is not usable at the moment.".to_owned(),
                });
            }
            if now.1 && !before.1 {
                news.push("Your node has checked the whole chain.".to_owned());
            }
            if let Some(since) = said.quiet.as_ref().filter(|_| !before.2) {
                news.push(format!("Your machine was not heard since {since}."));
            }
            if !news.is_empty() {
                announcer.say(news.join(" "));
            }
        }
        now
    });
}
