//! A text of ours with marks in it: `<code>`, `<strong>` and `<a>`, and nothing else. It never becomes HTML: whatever a stranger could have
//! put into it can at worst be set in bold.

use leptos::prelude::*;

/// The text with its marks as elements. `hrefs` are the addresses of its links in their order.
#[component]
pub fn Rich(
    #[prop(into)] text: String,
    #[prop(optional)] hrefs: &'static [&'static str],
) -> impl IntoView {
    let mut hrefs = hrefs.iter();
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, mark, inside, after)) = next_mark(rest) {
        pieces.push(before.to_owned().into_any());
        let inside = inside.to_owned();
        pieces.push(match mark {
            // What is typed or read by machines runs from left to right in every language.
            "code" => view! { <code dir="ltr">{inside}</code> }.into_any(),
            "a" => view! { <a href=hrefs.next().copied()>{inside}</a> }.into_any(),
            _ => view! { <strong>{inside}</strong> }.into_any(),
        });
        rest = after;
    }
    pieces.push(rest.to_owned().into_any());
    pieces.into_any()
}

/// What stands before the first mark, its name, what is in it, and what follows.
fn next_mark(text: &str) -> Option<(&str, &'static str, &str, &str)> {
    let found = ["code", "strong", "a"].into_iter().filter_map(|name| {
        let open = ["<", name, ">"].concat();
        let close = ["</", name, ">"].concat();
        let (before, from) = text.split_once(&open)?;
        let (inside, after) = from.split_once(&close)?;
        Some((before, name, inside, after))
    });
    found.min_by_key(|(before, ..)| before.len())
}
