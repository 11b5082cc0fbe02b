//! What the machine says of itself. Every figure is of its last report; when that is old, the page says so before it says anything
//! else. Each report draws the panel anew in the same elements, so what is unfolded or focused stays so.

mod plot;
mod says;

use super::Order;
use crate::announce::announcer;
use crate::browser::System;
use crate::components::command::Command;
use crate::components::countdown::ticking;
use crate::components::notice::{Notice, Tone, machine_says, warning};
use crate::components::rich::Rich;
use crate::components::value::Value;
use crate::figures::span;
use crate::ssh_commands::Target;
use crate::words::node as words;
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
            return view! { <p class="muted">{words::silent()}</p> }.into_any();
        };
        let heard_at = said.heard_at;
        let ago = move || {
            let seconds = now.get().since(heard_at) / 1000;
            words::heard(&span(seconds))
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
                    <h2 id="node-title">{words::title()}</h2>
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
        true => {
            view! { <details><summary>{words::course_title()}</summary>{plot.view()}</details> }
                .into_any()
        }
    });
    view! {
        {said.message.map(|sentence| machine_says(words::machine_says(), sentence))}
        {said.changed.map(|at| warning(
            words::other_lnd().to_owned(),
            words::other_lnd_means(&at),
        ))}
        <div class=if is_old { "stack figures old" } else { "stack figures" }>
            {is_old.then(|| view! { <p class="age-note">{words::old()}</p> })}
            <dl class="marks">
                {mark(if is_old { words::usable_then() } else { words::usable_now() }, said.usable)}
                {mark(words::validated(), said.validated)}
            </dl>
            {course}
            <dl class="facts">
                {said.figures.into_iter().map(row).collect_view()}
                <div class=if said.scarce { "value scarce" } else { "value" }>
                    <dt>{words::disk()}</dt>
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
                        <dl><Value name=words::key() value=key/></dl>
                        <p class="fine">{words::key_means()}</p>
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
    let (class, text) = match rule.active {
        true => ("", words::rule_on(&rule.name)),
        false => ("off", words::rule_off(&rule.name)),
    };
    view! { <li class=class><Rich text=text/></li> }.into_any()
}

fn revoked_notice(since: &str) -> AnyView {
    warning(words::quiet(since), words::quiet_revoked().to_owned())
}

fn quiet_notice(since: &str, target: Option<Target>, system: System) -> AnyView {
    let command = target.map(|target| target.remote(system, "/opt/kindling/ops.sh status"));
    view! {
        <Notice tone=Tone::Warning title=words::quiet(since)>
            <p>{words::quiet_means()}</p>
            {command.map(|text| view! { <Command text=text what=words::status_command()/> })}
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
                    true => words::now_usable().to_owned(),
                    false => words::now_unusable().to_owned(),
                });
            }
            if now.1 && !before.1 {
                news.push(words::now_validated().to_owned());
            }
            if let Some(since) = said.quiet.as_ref().filter(|_| !before.2) {
                news.push(words::now_quiet(since));
            }
            if !news.is_empty() {
                announcer.say(news.join(" "));
            }
        }
        now
    });
}
