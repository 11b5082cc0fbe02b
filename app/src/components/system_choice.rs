//! Which system the commands are for.

use crate::browser::System;
use crate::components::segments::Segments;
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
    view! { <Segments legend=words::computer() name="system" chosen=chosen choices=SYSTEMS.to_vec()/> }
        .into_any()
}
