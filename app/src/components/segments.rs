//! A choice between a few things that stand side by side.

use leptos::prelude::*;

/// A row of radio buttons. `legend` says what is chosen, to those who do not see that the buttons belong together; `name` is the
/// group's, of which a page has one.
#[component]
pub fn Segments<T>(
    legend: &'static str,
    name: &'static str,
    chosen: RwSignal<T>,
    choices: Vec<(T, &'static str)>,
    #[prop(default = "segments")] class: &'static str,
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
{
    let choice = |(value, text): (T, &'static str)| {
        view! {
            <label>
                <input
                    type="radio"
                    name=name
                    prop:checked=move || chosen.get() == value
                    on:change=move |_| chosen.set(value)
                />
                <span>{text}</span>
            </label>
        }
    };
    view! {
        <fieldset class=class>
            <legend class="visually-hidden">{legend}</legend>
            {choices.into_iter().map(choice).collect_view()}
        </fieldset>
    }
    .into_any()
}
