//! An address that means nothing.

use crate::browser::set_title;
use crate::components::heading::Heading;
use leptos::prelude::*;

/// Says so and shows the way back.
#[component]
pub fn Nowhere() -> impl IntoView {
    set_title("Not found · Kindling");
    view! {
        <section class="narrow">
            <Heading text="There is nothing at this address"/>
            <p>"Perhaps the address was cut off. Order links look like "<code>"/orders/…#1.…"</code>"."</p>
            <p><a href="/" class="button">"To the start"</a></p>
        </section>
    }
}
