//! What changes on a page, each kind of it as one type: a closure is a type of its own, and all that Leptos does with one would be compiled
//! anew for every single closure.

use leptos::ev::{Event, MouseEvent};
use leptos::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The value of an attribute or a property.
pub type Changing<T> = Arc<Mutex<dyn FnMut() -> T + Send>>;

/// The value of an attribute or a property that changes.
pub fn changing<T: 'static>(read: impl FnMut() -> T + Send + 'static) -> Changing<T> {
    Arc::new(Mutex::new(read))
}

/// An attribute that is there with this word, or not there.
pub fn flagged(is_set: impl Fn() -> bool + Send + 'static) -> Changing<Option<&'static str>> {
    changing(move || is_set().then_some("true"))
}

/// Text that changes.
pub fn text(say: impl Fn() -> String + Send + 'static) -> AnyView {
    text_of(Box::new(say))
}

fn text_of(say: Box<dyn Fn() -> String + Send>) -> AnyView {
    say.into_any()
}

/// A part that comes and goes, or is made anew when what it reads changes.
pub fn part(make: impl Fn() -> Option<AnyView> + Send + 'static) -> AnyView {
    part_of(Box::new(make))
}

fn part_of(make: Box<dyn Fn() -> Option<AnyView> + Send>) -> AnyView {
    make.into_any()
}

/// A part that is made in a task of its own, behind those before it: while a slow phone builds a whole page at once it hears nobody.
pub fn later(make: impl Fn() -> AnyView + Send + 'static) -> AnyView {
    let is_due = RwSignal::new(false);
    soon(move || is_due.set(true));
    // What is made follows what it reads by its own parts.
    part(move || is_due.get().then(|| untrack(&make)))
}

/// Does something once, behind all that was put off before.
pub fn soon(act: impl FnOnce() + 'static) {
    set_timeout(act, Duration::ZERO);
}

/// Does something again whenever what it reads changes.
pub fn follow(act: impl Fn() + 'static) {
    let act: Box<dyn Fn()> = Box::new(act);
    Effect::new(act);
}

/// What a press does.
pub fn pressed(act: impl Fn() + 'static) -> Box<dyn FnMut(MouseEvent)> {
    Box::new(move |_| act())
}

/// What a change of a field does.
pub fn heard(act: impl Fn(Event) + 'static) -> Box<dyn FnMut(Event)> {
    Box::new(act)
}
