//! Where in the purchase the person is.

use crate::words::checkout as words;
use leptos::prelude::*;

/// The four steps, the current one (from 0) marked.
#[component]
pub fn Steps(current: usize) -> impl IntoView {
    let steps = [
        words::step_save(),
        words::step_pay(),
        words::step_building(),
        words::step_keys(),
    ];
    view! {
        <ol class="steps" aria-label=words::steps()>
            {steps
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
                            {(at < current).then(|| view! { <span class="visually-hidden">" "{words::done()}</span> })}
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
    .into_any()
}
