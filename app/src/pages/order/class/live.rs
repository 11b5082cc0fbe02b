//! A class as its machine last told of it: a picture of the network with the figures beside it, and below it the same as a table.
//! Every figure is of the last report; when that is old, the page says so before it says anything else. Each report draws the panel anew
//! in the same elements, so what is unfolded or focused stays so.

mod picture;
mod says;

use crate::announce::announcer;
use crate::components::countdown::{Countdown, seconds_until, ticking};
use crate::components::notice::{machine_says, warning};
use crate::figures::{number, span};
use crate::pages::order::Order;
use crate::words::class_live as words;
use kindling_domain::classroom::Classroom;
use kindling_domain::time::UnixMillis;
use leptos::prelude::*;
use says::{Class, Figure, Node, Said, Standing};

/// How exactly silence is told, in milliseconds; only the last report's age counts seconds.
const COARSE: u64 = 10_000;

/// What there is to show.
#[derive(Clone, PartialEq, Eq)]
enum Shown {
    /// A make-believe machine has no voice.
    MakeBelieve,
    /// It has not said anything yet.
    NotYet,
    /// What it said.
    Said(Said),
}

/// The picture and what it says in words.
pub fn live(order: Order, class: Classroom) -> AnyView {
    let now = ticking();
    let coarse = Memo::new(move |_| UnixMillis(now.get().0 / COARSE * COARSE));
    let shown = Memo::new(move |_| {
        let now = coarse.get();
        order.feed.view.with(|view| {
            let view = view.as_ref()?;
            let revoked = view.pairing.is_some_and(|pairing| !pairing.paired);
            Some(match (&view.class, view.pairing) {
                (Some(class), _) => Shown::Said(Said::of(class, revoked, now)),
                (None, Some(_)) => Shown::NotYet,
                (None, None) => Shown::MakeBelieve,
            })
        })
    });
    let ends_at = order.ends_at();
    say_changes(shown);
    // The node whose channels stand out.
    let chosen = RwSignal::new(None);
    let nodes = class.plan.nodes();
    let body = move |shown| match shown {
        Shown::MakeBelieve => view! {
            <p class="muted">{words::make_believe(nodes.into())}</p>
        }
        .into_any(),
        Shown::NotYet => view! { <p class="muted">{words::not_yet()}</p> }.into_any(),
        Shown::Said(said) => {
            let heard_at = said.heard_at;
            let ago = move || words::last_heard(&span(now.get().since(heard_at) / 1000));
            view! {
                <p class="heard muted">{ago}</p>
                {panel(said, ends_at, chosen)}
            }
            .into_any()
        }
    };
    (move || {
        shown.get().map(|shown| {
            view! {
                <section class="card stack node live" aria-labelledby="live-title">
                    <h2 id="live-title">{words::title()}</h2>
                    {body(shown)}
                </section>
            }
        })
    })
    .into_any()
}

fn panel(
    said: Said,
    ends_at: Memo<Option<UnixMillis>>,
    chosen: RwSignal<Option<usize>>,
) -> AnyView {
    let is_old = said.quiet.is_some();
    let quiet = said.quiet.map(|since| {
        let what = match said.revoked {
            true => words::revoked(),
            false => words::silent(),
        };
        warning(words::not_heard_since(&since), what.to_owned())
    });
    let said_itself = said
        .message
        .map(|sentence| machine_says(words::machine_says(), sentence));
    let disk = said
        .scarce_disk
        .map(|sentence| warning(words::disk().to_owned(), sentence));
    view! {
        {quiet}
        {said_itself}
        {disk}
        <div class=if is_old { "stack figures old" } else { "stack figures" }>
            {is_old.then(|| view! { <p class="age-note">{words::as_last_reported()}</p> })}
            {match said.class {
                None => view! { <p>{words::no_answer()}</p> }.into_any(),
                Some(class) => network(class, ends_at, chosen),
            }}
        </div>
    }
    .into_any()
}

fn network(
    class: Class,
    ends_at: Memo<Option<UnixMillis>>,
    chosen: RwSignal<Option<usize>>,
) -> AnyView {
    let time_left = move || {
        ends_at.get().map(|at| {
            view! {
                <div class="value">
                    <dt>{words::time_left()}</dt>
                    <dd><Countdown seconds=seconds_until(at)/></dd>
                </div>
            }
        })
    };
    let channels = chosen.get().map(|at| class.picture.channels_of(at));
    view! {
        <div class="look">
            {class.picture.view(chosen)}
            <dl class="facts">
                {class.figures.into_iter().map(row).collect_view()}
                {time_left}
            </dl>
            <div class="stack">
                {chooser(&class.nodes, chosen)}
                {channels.map(listed)}
                {key()}
            </div>
        </div>
        {table(class.nodes)}
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

/// The same choice as by touching a node in the picture; keyboards choose here.
fn chooser(nodes: &[Node], chosen: RwSignal<Option<usize>>) -> AnyView {
    let option = |(at, node): (usize, &Node)| {
        view! {
            <option value=at.to_string() prop:selected=move || chosen.get() == Some(at)>
                {words::node_option(&number(at as u64 + 1), &node.name)}
            </option>
        }
        .into_any()
    };
    view! {
        <div class="field">
            <label for="live-chosen">{words::channels_of()}</label>
            <select id="live-chosen" on:change:target=move |event| chosen.set(event.target().value().parse().ok())>
                <option value="" prop:selected=move || chosen.get().is_none()>{words::all_nodes()}</option>
                {nodes.iter().enumerate().map(option).collect_view()}
            </select>
        </div>
    }
    .into_any()
}

/// The channels that stand out, in words: fingers find no titles in a picture, and screen readers see it as one thing.
fn listed(channels: Vec<String>) -> AnyView {
    let line = |channel: String| view! { <li>{channel}</li> };
    view! {
        <ul class="chosen-channels" tabindex="0" aria-label=words::chosen_channels()>
            {channels.into_iter().map(line).collect_view()}
        </ul>
    }
    .into_any()
}

/// What the shapes mean.
fn key() -> AnyView {
    let dot = |class: &'static str, body: &'static str, mark: &'static str| {
        view! {
            <svg class="net" viewBox="0 0 48 48" aria-hidden="true">
                <g class=class><path class="body" d=body></path><path class="mark" d=mark></path></g>
            </svg>
        }
    };
    const ROUND: &str = "M6 24a18 18 0 1 1 36 0a18 18 0 1 1-36 0z";
    view! {
        <ul class="key">
            <li>{dot("dot connected", ROUND, "M16 24l6 6 10-13")}<span>{words::key_connected()}</span></li>
            <li>{dot("dot waiting", ROUND, "")}<span>{words::key_waiting()}</span></li>
            <li>{dot("dot down", "M24 4l20 20-20 20-20-20z", "M18 18l12 12m-12 0l12-12")}<span>{words::key_down()}</span></li>
            <li class="wide">
                <svg class="net" viewBox="0 0 120 48" aria-hidden="true">
                    <g class="channel" stroke-width="6">
                        <path class="opener" d="M4 24H76"></path>
                        <path class="other" d="M76 24H116"></path>
                        <path class="bead" d="M68 24a8 8 0 1 1 16 0a8 8 0 1 1-16 0z"></path>
                    </g>
                </svg>
                <span>{words::key_channel()}</span>
            </li>
            <li class="wide">{words::key_size()}</li>
        </ul>
    }
    .into_any()
}

fn table(nodes: Vec<Node>) -> AnyView {
    let line = |(at, node): (usize, Node)| {
        let onchain = node.onchain();
        view! {
            <tr>
                <td>{number(at as u64 + 1)}</td>
                <th scope="row"><bdi>{node.name}</bdi></th>
                <td>{node.wallet}</td>
                <td>{number(node.channels as u64)}</td>
                <td>{onchain}</td>
                <td>{number(node.channel_sats)}</td>
            </tr>
        }
    };
    view! {
        <details>
            <summary>{words::table()}</summary>
            <div class="sheet" role="region" aria-label=words::table_label() tabindex="0">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{words::column_number()}</th>
                            <th scope="col">{words::column_name()}</th>
                            <th scope="col">{words::column_wallet()}</th>
                            <th scope="col">{words::column_channels()}</th>
                            <th scope="col">{words::column_onchain()}</th>
                            <th scope="col">{words::column_in_channels()}</th>
                        </tr>
                    </thead>
                    <tbody>{nodes.into_iter().enumerate().map(line).collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

/// Tells screen readers once who has connected, what has stopped answering, and when the machine goes quiet. What is so already when
/// the page comes is read with the page.
fn say_changes(shown: Memo<Option<Shown>>) {
    let announcer = announcer();
    Effect::new(move |before: Option<Option<Said>>| {
        let now = match shown.get() {
            Some(Shown::Said(said)) => Some(said),
            _ => None,
        };
        if let (Some(Some(before)), Some(now)) = (&before, &now) {
            let news = news(before, now);
            if !news.is_empty() {
                announcer.say(news.join(" "));
            }
        }
        now
    });
}

fn news(before: &Said, now: &Said) -> Vec<String> {
    let newly = |standing: Standing| -> Vec<&str> {
        let turned = before.nodes().iter().zip(now.nodes());
        turned
            .filter(|(before, now)| before.standing != standing && now.standing == standing)
            .map(|(_, now)| now.name.as_str())
            .collect()
    };
    let mut news = Vec::new();
    let connected = now.count(Standing::Connected);
    let all = now.nodes().len();
    match newly(Standing::Connected).as_slice() {
        [] => {}
        _ if connected == all => news.push(words::said_all_connected(all as u64)),
        names => news.push(words::said_connected(
            names.len() as u64,
            &names.join(words::between_names()),
            &number(connected as u64),
            &number(all as u64),
        )),
    }
    match newly(Standing::Down).as_slice() {
        [] => {}
        names => news.push(words::said_down(
            names.len() as u64,
            &names.join(words::between_names()),
        )),
    }
    if let (None, Some(since)) = (&before.quiet, &now.quiet) {
        news.push(words::said_not_heard_since(since));
    }
    news
}
