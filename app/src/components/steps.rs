//! Where in the purchase the person is.

use leptos::prelude::*;

const STEPS: [&str; 4] = ["Save link", "Pay", "Building", "Your keys"];

/// The four steps, the current one (from 0) marked.
#[component]
pub fn Steps(current: usize) -> impl IntoView {
    view! {
        <ol class="steps" aria-label="Steps of your order">
            {STEPS
                .into_iter()
                .enumerate()
                .map(|(at, name)| {
                    let (class, current_step) = match at.cmp(&current) {
                        std::cmp::Ordering::Less => ("done", None),
                        std::cmp::Ordering::Equal => ("current", Some("step")),
                        std::cmp::Ordering::Greater => ("", None),
                    };
                    view! {
                        <li class=class aria-current=current_step>
                            <span class="dot" aria-hidden="true">
                                {if at < current { "✓".to_owned() } else { (at + 1).to_string() }}
                            </span>
                            <span class="name">{name}</span>
                            {(at < current).then(|| view! { <span class="visually-hidden">" (done)"</span> })}
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
    .into_any()
}
