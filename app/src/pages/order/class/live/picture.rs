//! The network of a class as a picture. The nodes stand on an ellipse in their own order, so that each stays where it is; how large
//! one is tells what it owns. A line is a channel, a bead on it divides its money between its ends. What a colour says a shape says too.

use super::says::{Node, Standing};
use crate::figures::number;
use crate::words::class_live as words;
use js_sys::Math;
use kindling_domain::wire::{ClassChannelStatus, ClassState};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
// The macro takes a `title` in a picture for a page's.
use leptos::tachys::svg;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// Its own units: two to a CSS pixel on a small phone.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 900.0;
const VIEW_BOX: &str = "0 0 720 900";
/// Up to so many nodes have their names beside them, more have numbers.
const NAMED: usize = 16;
/// From so many on, every other node stands on an inner ellipse.
const CROWDED: usize = 48;
/// What a finger needs around the middle of a node.
const REACH: i32 = 26;
/// Channels between the same two nodes stand so far apart.
const APART: f64 = 14.0;

/// What is drawn.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    dots: Vec<Dot>,
    lines: Vec<Line>,
    size: &'static str,
    description: String,
}

#[derive(Clone, PartialEq, Eq)]
struct Dot {
    class: &'static str,
    title: String,
    body: String,
    mark: String,
    /// Where a finger hits it; it is not seen.
    reach: String,
    label: String,
    label_at: (String, String),
}

#[derive(Clone, PartialEq, Eq)]
struct Line {
    is_active: bool,
    title: String,
    from: usize,
    to: usize,
    /// The part of who opened it.
    opener: String,
    other: String,
    bead: String,
    width: String,
}

/// Where a node stands, and how large it is.
#[derive(Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
    radius: f64,
    /// Outwards from the middle, and for those on the inner ellipse inwards.
    out: (f64, f64),
}

impl Picture {
    /// The picture of a class.
    pub fn of(state: &ClassState, nodes: &[Node]) -> Self {
        let richest = nodes.iter().map(Node::wealth).max().unwrap_or(0);
        let places: Vec<Place> = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| place(at, nodes.len(), share(node.wealth(), richest)))
            .collect();
        let largest = state
            .channels
            .iter()
            .map(|channel| channel.sats)
            .max()
            .unwrap_or(0);
        let channels = &state.channels;
        let lines = channels.iter().enumerate().filter_map(|(at, channel)| {
            let ends = |one: &ClassChannelStatus| (one.from.min(one.to), one.from.max(one.to));
            let before = channels
                .iter()
                .take(at)
                .filter(|one| ends(one) == ends(channel));
            line(
                channel,
                nodes,
                &places,
                before.count() as i32,
                share(channel.sats, largest),
            )
        });
        let lines = lines.collect();
        let is_named = nodes.len() <= NAMED;
        let dots = nodes
            .iter()
            .zip(&places)
            .enumerate()
            .map(|(at, (node, place))| dot(at, node, *place, is_named));
        let connected = nodes
            .iter()
            .filter(|node| node.standing == Standing::Connected)
            .count();
        Self {
            dots: dots.collect(),
            lines,
            size: if is_named { "net" } else { "net many" },
            description: words::picture_description(
                &words::nodes(nodes.len() as u64),
                &number(connected as u64),
                &words::channels_count(state.channels.len() as u64),
            ),
        }
    }

    /// The channels of a node in words, in their order.
    pub fn channels_of(&self, at: usize) -> Vec<String> {
        let own = self
            .lines
            .iter()
            .filter(|line| [line.from, line.to].contains(&at));
        own.map(|line| line.title.clone()).collect()
    }

    /// Draws it; a node that is touched becomes the `chosen` one, and only its channels stand out.
    pub fn view(self, chosen: RwSignal<Option<usize>>) -> AnyView {
        let is_chosen = chosen.get();
        let touch = move |event: MouseEvent| {
            let element = event
                .target()
                .and_then(|target| target.dyn_into::<Element>().ok());
            let dot = element.and_then(|element| element.closest("[data-node]").ok().flatten());
            let at = dot.and_then(|dot| dot.get_attribute("data-node")?.parse().ok());
            chosen.update(|chosen| *chosen = at.filter(|at| *chosen != Some(*at)));
        };
        let dots = (0..)
            .zip(self.dots)
            .map(|(at, dot)| dot.view(at, is_chosen));
        view! {
            <svg class=self.size viewBox=VIEW_BOX role="img" aria-label=words::picture() aria-describedby="net-desc" on:click=touch>
                <desc id="net-desc">{self.description}</desc>
                <g>{self.lines.into_iter().map(|line| line.view(is_chosen)).collect_view()}</g>
                <g>{dots.collect_view()}</g>
            </svg>
        }
        .into_any()
    }
}

impl Line {
    fn view(self, chosen: Option<usize>) -> AnyView {
        let is_aside = chosen.is_some_and(|chosen| chosen != self.from && chosen != self.to);
        let class = match (self.is_active, is_aside) {
            (true, false) => "channel",
            (false, false) => "channel off",
            (true, true) => "channel aside",
            (false, true) => "channel off aside",
        };
        view! {
            <g class=class stroke-width=self.width>
                {svg::title().child(self.title)}
                <path class="opener" d=self.opener></path>
                <path class="other" d=self.other></path>
                <path class="bead" d=self.bead></path>
            </g>
        }
        .into_any()
    }
}

impl Dot {
    fn view(self, at: usize, chosen: Option<usize>) -> AnyView {
        let class = match chosen == Some(at) {
            true => format!("{} chosen", self.class),
            false => self.class.to_owned(),
        };
        let (x, y) = self.label_at;
        view! {
            <g class=class data-node=at.to_string()>
                {svg::title().child(self.title)}
                <path class="reach" d=self.reach></path>
                <path class="body" d=self.body></path>
                <path class="mark" d=self.mark></path>
                <text x=x y=y>{self.label}</text>
            </g>
        }
        .into_any()
    }
}

/// How much of the whole a part is as a length, where it is drawn as an area.
fn share(part: u64, whole: u64) -> f64 {
    (part as f64 / whole.max(1) as f64).sqrt()
}

fn place(at: usize, count: usize, share: f64) -> Place {
    let (least, most) = match count {
        0..=8 => (20.0, 46.0),
        9..=NAMED => (17.0, 36.0),
        17..CROWDED => (11.0, 25.0),
        _ => (9.0, 17.0),
    };
    // Room for the names around it.
    let (rx, ry) = match count {
        0..=NAMED => (280.0, 362.0),
        _ => (300.0, 392.0),
    };
    let is_inner = count >= CROWDED && at % 2 == 1;
    let ring = if is_inner { 0.78 } else { 1.0 };
    // Half a step on, so that no name stands alone above the others.
    let angle = (at as f64 + 0.5) / count as f64 * core::f64::consts::TAU;
    let (sin, cos) = (Math::sin(angle), -Math::cos(angle));
    let sign = if is_inner { -1.0 } else { 1.0 };
    Place {
        x: WIDTH / 2.0 + sin * rx * ring,
        y: HEIGHT / 2.0 + cos * ry * ring,
        radius: least + (most - least) * share,
        out: (sin * sign, cos * sign),
    }
}

fn dot(at: usize, node: &Node, place: Place, is_named: bool) -> Dot {
    let (x, y, r) = (place.x as i32, place.y as i32, place.radius as i32);
    let (class, body, mark) = match node.standing {
        Standing::Connected => {
            let tick = r / 3;
            (
                "dot connected",
                round(x, y, r),
                format!(
                    "M{} {y}l{tick} {tick} {} {}",
                    x - tick * 5 / 4,
                    tick * 3 / 2,
                    -tick * 2
                ),
            )
        }
        Standing::Waiting => ("dot waiting", round(x, y, r), String::new()),
        Standing::Down => {
            let (wide, arm) = (r * 6 / 5, r / 3 * 2);
            (
                "dot down",
                format!(
                    "M{x} {}l{wide} {wide}-{wide} {wide}-{wide}-{wide}z",
                    y - wide
                ),
                format!(
                    "M{} {}l{arm} {arm}m-{arm} 0l{arm}-{arm}",
                    x - arm / 2,
                    y - arm / 2
                ),
            )
        }
    };
    let (label, label_x, label_y) = if is_named {
        let above = if place.out.1 < 0.0 { -r - 13 } else { r + 33 };
        // Beside its node rather than beside the next one.
        let aside = (place.out.0 * place.out.1.abs() * 50.0) as i32;
        (node.name.clone(), x + aside, y + above)
    } else {
        let far = place.radius + 17.0;
        let at_x = (place.x + place.out.0 * far) as i32;
        let at_y = (place.y + place.out.1 * far) as i32 + 8;
        (number(at as u64 + 1), at_x, at_y)
    };
    Dot {
        class,
        title: words::node_line(
            node.channels as u64,
            &number(at as u64 + 1),
            &node.name,
            &node.wallet,
            &node.onchain(),
            &number(node.channel_sats),
        ),
        body,
        mark,
        reach: round(x, y, r.max(REACH)),
        label,
        label_at: (label_x.to_string(), label_y.to_string()),
    }
}

fn round(x: i32, y: i32, r: i32) -> String {
    format!(
        "M{} {y}a{r} {r} 0 1 1 {} 0a{r} {r} 0 1 1 {} 0z",
        x - r,
        r * 2,
        r * -2
    )
}

/// `None` for a channel of nodes that are not here.
fn line(
    channel: &ClassChannelStatus,
    nodes: &[Node],
    places: &[Place],
    before: i32,
    share: f64,
) -> Option<Line> {
    let (from, to) = (channel.from as usize, channel.to as usize);
    let (a, b) = (places.get(from)?, places.get(to)?);
    let (one, other) = (nodes.get(from)?, nodes.get(to)?);
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let length = (dx * dx + dy * dy).sqrt();
    if length < 1.0 {
        return None;
    }
    let (ux, uy) = (dx / length, dy / length);
    // Side by side, the second left of the first, the third right of it, and so on.
    let steps = (before + 1) / 2 * if before % 2 == 0 { 1 } else { -1 };
    // The same side whoever has opened it.
    let side = APART * f64::from(steps) * if from < to { 1.0 } else { -1.0 };
    let at = |along: f64| {
        let (x, y) = (a.x + ux * along - uy * side, a.y + uy * along + ux * side);
        (x as i32, y as i32)
    };
    // What is crowded is drawn finer.
    let thickest = if nodes.len() <= NAMED { 80.0 } else { 45.0 };
    // Only what is seen of the line is divided.
    let (start, end) = (a.radius, length - b.radius);
    let part = channel.from_sats as f64 / channel.sats.max(1) as f64;
    let rest = channel.sats.saturating_sub(channel.from_sats);
    let ((x1, y1), (x2, y2)) = (at(start), at(end));
    let (x, y) = at(start + (end - start) * part.clamp(0.0, 1.0));
    let said = match channel.active {
        true => words::channel_line,
        false => words::channel_line_off,
    };
    // In tenths, which an integer can be written with.
    let width = (thickest * (0.25 + 0.75 * share)) as i32;
    Some(Line {
        is_active: channel.active,
        title: said(
            &one.name,
            &number(channel.from_sats),
            &other.name,
            &number(rest),
        ),
        from,
        to,
        opener: format!("M{x1} {y1}L{x} {y}"),
        other: format!("M{x} {y}L{x2} {y2}"),
        bead: round(x, y, 3 + width / 14),
        width: format!("{}.{}", width / 10, width % 10),
    })
}
