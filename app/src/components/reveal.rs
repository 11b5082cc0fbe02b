//! Something that must not be on the screen before the person has looked over the shoulder, nor on paper unless the person asked for that.

use crate::words::copy as words;
use leptos::prelude::*;

/// Whether secrets are printed, for everything below whoever provides it; where nobody does, they are not.
#[derive(Clone, Copy)]
pub struct OnPaper(pub RwSignal<bool>);

/// A button that shows and hides what it holds; what is wanted neither on the screen nor on paper is not in the document at all.
#[component]
pub fn Reveal(
    /// What it is, for screen readers: "Show the seed words".
    what: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let on_paper = use_context::<OnPaper>();
    let printed = Memo::new(move |_| on_paper.is_some_and(|OnPaper(printed)| printed.get()));
    let held = Memo::new(move |_| open.get() || printed.get());
    view! {
        <div class="reveal" class:printed=printed>
            <button
                type="button"
                class="button small"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-label=move || if open.get() { words::hide_what(what) } else { words::show_what(what) }
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {move || if open.get() { words::hide() } else { words::show() }}
            </button>
            {move || held.get().then(|| view! {
                <div class="secret" class:unseen=move || !open.get()>{children()}</div>
            })}
            <span class="withheld">{words::not_printed()}</span>
        </div>
    }
    .into_any()
}
