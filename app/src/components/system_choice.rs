//! Which system the commands are for.

use crate::browser::System;
use crate::words::ssh as words;
use leptos::prelude::*;

const SYSTEMS: [(System, &str); 3] = [
    (System::Mac, "macOS"),
    (System::Linux, "Linux"),
    (System::Windows, "Windows"),
];

/// A row of radio buttons.
#[component]
pub fn SystemChoice(chosen: RwSignal<System>) -> impl IntoView {
    view! {
        <fieldset class="segments">
            <legend class="visually-hidden">{words::computer()}</legend>
            {SYSTEMS
                .map(|(system, name)| {
                    view! {
                        <label>
                            <input
                                type="radio"
                                name="system"
                                prop:checked=move || chosen.get() == system
                                on:change=move |_| chosen.set(system)
                            />
                            <span>{name}</span>
                        </label>
                    }
                })
                .into_iter()
                .collect_view()}
        </fieldset>
    }
    .into_any()
}
