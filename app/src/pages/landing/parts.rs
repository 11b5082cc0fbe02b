//! The order form's pieces. They take what they show as data and boxed functions, so that each is compiled once and not once for every
//! closure: this page is the first that anybody loads.

use crate::components::changing::{changing, heard, pressed};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use std::sync::Arc;

type Chosen = Arc<dyn Fn() -> Option<usize> + Send + Sync>;
type Choose = Arc<dyn Fn(usize) + Send + Sync>;

/// One of several that exclude each other.
pub struct Choice {
    /// As it stands on the wire.
    pub value: &'static str,
    /// What it is called.
    pub name: String,
    /// What that means, a line each.
    pub notes: Vec<String>,
    /// It is not to be had.
    pub off: bool,
}

impl Choice {
    /// One that explains itself.
    pub fn new(value: &'static str, name: impl Into<String>) -> Self {
        Self {
            value,
            name: name.into(),
            notes: Vec::new(),
            off: false,
        }
    }

    /// One with a line below its name.
    pub fn noted(value: &'static str, name: &str, note: &str) -> Self {
        Self {
            notes: vec![note.to_owned()],
            ..Self::new(value, name)
        }
    }
}

/// What is chosen of a list that never changes.
#[derive(Clone, Copy)]
pub struct Pick<T: 'static> {
    /// Where it stands in the list.
    pub at: RwSignal<usize>,
    all: &'static [T],
}

impl<T: Copy + PartialEq> Pick<T> {
    /// The first of the list.
    pub fn of(all: &'static [T]) -> Self {
        Self {
            at: RwSignal::new(0),
            all,
        }
    }

    /// What is chosen.
    pub fn get(self) -> T {
        self.all[self.at.get()]
    }

    /// The same, once.
    pub fn get_untracked(self) -> T {
        self.all[self.at.get_untracked()]
    }

    /// Chooses this.
    pub fn set(self, wanted: T) {
        if let Some(at) = self.all.iter().position(|one| *one == wanted) {
            self.at.set(at);
        }
    }
}

/// Cards to choose one from. `chosen` and `choose` speak of their places in the list.
pub fn cards(
    group: &'static str,
    list: Vec<Choice>,
    chosen: impl Fn() -> Option<usize> + Send + Sync + 'static,
    choose: impl Fn(usize) + Send + Sync + 'static,
) -> AnyView {
    let chosen: Chosen = Arc::new(chosen);
    let choose: Choose = Arc::new(choose);
    let cards = list.into_iter().enumerate();
    cards
        .map(|(at, choice)| card(group, at, choice, chosen.clone(), choose.clone()))
        .collect_view()
        .into_any()
}

/// Cards for a list that never changes.
pub fn picked(group: &'static str, list: Vec<Choice>, at: RwSignal<usize>) -> AnyView {
    cards(
        group,
        list,
        move || Some(at.get()),
        move |chosen| at.set(chosen),
    )
}

fn card(group: &'static str, at: usize, choice: Choice, chosen: Chosen, choose: Choose) -> AnyView {
    let Choice {
        value,
        name,
        notes,
        off,
    } = choice;
    view! {
        <label class=if off { "choice off" } else { "choice" }>
            <input
                type="radio"
                name=group
                value=value
                disabled=changing(move || off)
                prop:checked=changing(move || chosen() == Some(at))
                on:change=heard(move |_| choose(at))
            />
            <span>
                <strong>{name}</strong>
                {notes.into_iter().map(|note| view! { <small>{note}</small> }).collect_view()}
            </span>
        </label>
    }
    .into_any()
}

/// Fields that belong together, under a legend.
pub fn fields(legend: &'static str, content: AnyView) -> AnyView {
    view! {
        <fieldset class="choices">
            <legend>{legend}</legend>
            {content}
        </fieldset>
    }
    .into_any()
}

/// The same where something may be wrong with all of them: the group takes the focus, `error` is what says why.
pub fn fields_with_error(
    id: &'static str,
    legend: &'static str,
    error: &'static str,
    content: AnyView,
) -> AnyView {
    view! {
        <fieldset class="choices" id=id tabindex="-1" aria-describedby=error>
            <legend>{legend}</legend>
            {content}
        </fieldset>
    }
    .into_any()
}

/// A small button.
pub fn button(name: &'static str, press: impl Fn() + 'static) -> AnyView {
    button_of(name, pressed(press))
}

fn button_of(name: &'static str, press: Box<dyn FnMut(MouseEvent)>) -> AnyView {
    view! { <button type="button" class="button small" on:click=press>{name}</button> }.into_any()
}
