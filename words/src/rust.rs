//! The words as Rust functions, with the marks of a pack, so that the compiler knows every key and every placeholder.

use crate::{AREA_END, Entry, PLURALS, Words};

/// A module for each area that a program loads, with a function for each key, on top of `text`, `filled` and `counted` of the module around them.
pub fn functions(words: &Words) -> String {
    let mut code =
        format!("const PLURALS: [&str; 6] = {PLURALS:?};\nconst AREA_END: char = {AREA_END:?};\n");
    for (at, (name, area)) in words.areas().iter().enumerate() {
        if !words.is_loaded(name) {
            continue;
        }
        code.push_str(&format!("pub mod {name} {{\n"));
        let mut line = 0;
        for (key, entry) in area {
            code.push_str(&function(key, entry, &format!("{at}, {line}")));
            line += match entry {
                Entry::Text(_) => 1,
                Entry::Plural(texts) => texts.len(),
            };
        }
        code.push_str("}\n");
    }
    code
}

fn function(key: &str, entry: &Entry, place: &str) -> String {
    let names = entry.placeholders();
    let parameters: String = names.iter().map(|name| format!("{name}: &str, ")).collect();
    let pairs: String = names
        .iter()
        .map(|name| format!("(\"{name}\", {name}), "))
        .collect();
    match entry {
        Entry::Text(_) if names.is_empty() => {
            format!("    pub fn {key}() -> &'static str {{ super::text({place}) }}\n")
        }
        Entry::Text(_) => {
            format!(
                "    pub fn {key}({parameters}) -> String {{ super::filled({place}, &[{pairs}]) }}\n"
            )
        }
        Entry::Plural(_) => {
            format!(
                "    pub fn {key}(n: u64, {parameters}) -> String {{ super::counted({place}, n, &[{pairs}]) }}\n"
            )
        }
    }
}
