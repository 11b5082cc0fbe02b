//! What the pages say, in the language of the page. `build.rs` makes a function of each text in `words/en`; the texts themselves
//! come as a file beside the wasm, so that no language is in it.

use crate::figures::number;
use js_sys::{Array, Intl, Object, Reflect};
use leptos::prelude::{document, window};
use std::cell::RefCell;

include!(concat!(env!("OUT_DIR"), "/words.rs"));

thread_local! {
    /// By area and line. They live as long as the page.
    static TEXTS: RefCell<Vec<Vec<&'static str>>> = const { RefCell::new(Vec::new()) };
    /// The plural rules of the page's language.
    static PLURAL_RULES: Intl::PluralRules =
        Intl::PluralRules::new(&Array::of1(&language().into()), &Object::new());
}

/// Takes the pack that `index.html` has fetched.
pub fn load() {
    let pack = Reflect::get(&window(), &"kindlingWords".into())
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default();
    let pack: &'static str = Box::leak(pack.into_boxed_str());
    let texts = pack
        .split(AREA_END)
        .map(|area| area.split('\n').collect())
        .collect();
    TEXTS.set(texts);
}

/// The page's language, as BCP 47.
pub fn language() -> String {
    document()
        .document_element()
        .and_then(|root| root.get_attribute("lang"))
        .unwrap_or_else(|| "en".to_owned())
}

fn text(area: usize, line: usize) -> &'static str {
    TEXTS.with_borrow(|texts| {
        let text = texts.get(area).and_then(|area| area.get(line));
        text.copied().unwrap_or_default()
    })
}

fn filled(area: usize, line: usize, pairs: &[(&str, &str)]) -> String {
    fill(text(area, line), pairs)
}

fn counted(area: usize, line: usize, n: u64, pairs: &[(&str, &str)]) -> String {
    let category: String = PLURAL_RULES.with(|rules| rules.select(n as f64)).into();
    let at = PLURALS.iter().position(|name| *name == category);
    let chosen = at.map_or("", |at| text(area, line + at));
    let template = if chosen.is_empty() {
        text(area, line + PLURALS.len() - 1)
    } else {
        chosen
    };
    let shown = number(n);
    let counted = fill(template, &[("n", &shown)]);
    fill(&counted, pairs)
}

/// Each placeholder once replaced, so that what is put in is never read as one.
fn fill(template: &str, pairs: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('{') {
        filled.push_str(before);
        let known = from.split_once('}').and_then(|(name, after)| {
            let (_, value) = pairs.iter().find(|(known, _)| *known == name)?;
            Some((*value, after))
        });
        match known {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = from;
            }
        }
    }
    filled.push_str(rest);
    filled
}
