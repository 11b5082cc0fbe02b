//! An address that means nothing.

use crate::browser::set_title;
use crate::components::heading::Heading;
use crate::components::rich::Rich;
use crate::words::order as words;
use leptos::prelude::*;

/// Says so and shows the way back.
#[component]
pub fn Nowhere() -> impl IntoView {
    set_title(words::nowhere_page());
    view! {
        <section class="narrow">
            <Heading text=words::nowhere()/>
            <p><Rich text=words::nowhere_means()/></p>
            <p><a href="/" class="button">{words::to_start()}</a></p>
        </section>
    }
}
