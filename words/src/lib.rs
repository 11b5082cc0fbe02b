//! What the pages say: `<language>/<area>.toml`, a key and its text to a line. English decides which keys there are; every other
//! language has exactly the same ones with the same placeholders, or nothing is built.
//!
//! A text is one line. `{name}` in it is a placeholder. A table instead of a text holds one text for each plural category
//! (Unicode CLDR: zero, one, two, few, many, other) of the language, and counts by `{n}`.

mod rust;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

pub use rust::functions;

/// A language the pages speak.
pub struct Language {
    /// BCP 47.
    pub code: &'static str,
    /// What its speakers call it.
    pub name: &'static str,
    /// Written from right to left.
    pub rtl: bool,
    /// The plural categories it has (CLDR), `other` apart.
    plurals: &'static [&'static str],
}

const fn language(
    code: &'static str,
    name: &'static str,
    plurals: &'static [&'static str],
) -> Language {
    Language {
        code,
        name,
        rtl: false,
        plurals,
    }
}

/// All of them; the first decides which keys there are. French, Portuguese and Spanish have `many` for millions alone, which nothing here
/// counts: there `other` is taken.
pub const LANGUAGES: &[Language] = &[
    language("en", "English", &["one"]),
    language("es", "Español", &["one"]),
    language("pt", "Português", &["one"]),
    language("de", "Deutsch", &["one"]),
    language("fr", "Français", &["one"]),
    language("ja", "日本語", &[]),
    Language {
        rtl: true,
        ..language("ar", "العربية", &["zero", "one", "two", "few", "many"])
    },
];

/// The plural categories in the order in which a pack has them.
pub const PLURALS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// The name in `programs.toml` of what stands in the served HTML.
const PAGE: &str = "page";

/// Between two areas of a pack.
const AREA_END: char = '\u{1d}';

/// One text, or one for each plural category in the order of [`PLURALS`], empty where the language has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// `key = "text"`
    Text(String),
    /// `[key]` with `one = "text"` and so on.
    Plural([String; 6]),
}

/// The words of one area, by key.
pub type Area = BTreeMap<String, Entry>;

/// Everything the pages say.
pub struct Words {
    /// By area, the areas in the order of their names.
    english: BTreeMap<String, Area>,
    /// By language and area.
    languages: BTreeMap<String, BTreeMap<String, Area>>,
    /// Which areas a program loads.
    programs: BTreeMap<String, BTreeSet<String>>,
}

impl Words {
    /// Reads and checks `folder`: a folder for each language, and `programs.toml`.
    ///
    /// # Errors
    /// A sentence that names file and key.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut languages = BTreeMap::new();
        for language in LANGUAGES {
            let areas = read_language(&folder.join(language.code), language)?;
            languages.insert(language.code.to_owned(), areas);
        }
        let english = languages["en"].clone();
        for (code, areas) in &languages {
            compare(code, &english, areas)?;
        }
        let programs: BTreeMap<String, BTreeSet<String>> =
            toml::from_str(&read_text(&folder.join("programs.toml"))?)
                .map_err(|error| format!("programs.toml: {error}"))?;
        for area in programs.values().flatten() {
            if !english.contains_key(area) {
                return Err(format!(
                    "programs.toml names {area}, which has no file in en"
                ));
            }
        }
        Ok(Self {
            english,
            languages,
            programs,
        })
    }

    /// The areas of English in their order.
    pub fn areas(&self) -> &BTreeMap<String, Area> {
        &self.english
    }

    /// Whether a program loads this area; the others stand in pages that are written when they are built.
    pub fn is_loaded(&self, area: &str) -> bool {
        let mut programs = self.programs.iter().filter(|(name, _)| *name != PAGE);
        programs.any(|(_, areas)| areas.contains(area))
    }

    /// What a program loads in a language: the areas one after the other, a text to a line; areas of others are empty.
    ///
    /// # Errors
    /// A program or language that does not exist.
    pub fn pack(&self, program: &str, language: &str) -> Result<String, String> {
        let wanted = self
            .programs
            .get(program)
            .ok_or_else(|| format!("no program {program}"))?;
        let areas = self
            .languages
            .get(language)
            .ok_or_else(|| format!("no language {language}"))?;
        let mut pack = String::new();
        for (at, (name, area)) in areas.iter().enumerate() {
            if at > 0 {
                pack.push(AREA_END);
            }
            if wanted.contains(name) {
                let lines: Vec<&str> = area.values().flat_map(Entry::lines).collect();
                pack.push_str(&lines.join("\n"));
            }
        }
        Ok(pack)
    }

    /// One text by `area.key`, for pages that are written when they are built.
    pub fn text(&self, name: &str, language: &str) -> Option<&str> {
        let (area, key) = name.split_once('.')?;
        match self.languages.get(language)?.get(area)?.get(key)? {
            Entry::Text(text) => Some(text),
            Entry::Plural(_) => None,
        }
    }
}

impl Entry {
    fn lines(&self) -> impl Iterator<Item = &str> {
        let lines = match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Plural(texts) => texts.as_slice(),
        };
        lines.iter().map(String::as_str)
    }

    /// The placeholders in the order of their first appearance, `n` of a plural apart.
    fn placeholders(&self) -> Vec<String> {
        let mut found = Vec::new();
        for line in self.lines() {
            let mut rest = line;
            while let Some((_, from)) = rest.split_once('{') {
                let Some((name, after)) = from.split_once('}') else {
                    break;
                };
                let counted = matches!(self, Self::Plural(_)) && name == "n";
                if !counted && !found.iter().any(|known| known == name) {
                    found.push(name.to_owned());
                }
                rest = after;
            }
        }
        found
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_language(folder: &Path, language: &Language) -> Result<BTreeMap<String, Area>, String> {
    let mut areas = BTreeMap::new();
    let listed = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in listed {
        let path = file.map_err(|error| error.to_string())?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let place = format!("{}/{name}.toml", language.code);
        let table: toml::Table =
            toml::from_str(&read_text(&path)?).map_err(|error| format!("{place}: {error}"))?;
        let mut area = Area::new();
        for (key, value) in table {
            let entry = entry(value, language).map_err(|what| format!("{place}: {key}: {what}"))?;
            area.insert(key, entry);
        }
        areas.insert(name, area);
    }
    Ok(areas)
}

fn entry(value: toml::Value, language: &Language) -> Result<Entry, String> {
    match value {
        toml::Value::String(text) => Ok(Entry::Text(one_line(text)?)),
        toml::Value::Table(mut table) => {
            let mut texts: [String; 6] = Default::default();
            for (text, category) in texts.iter_mut().zip(PLURALS) {
                let has_it = category == "other" || language.plurals.contains(&category);
                match table.remove(category) {
                    Some(toml::Value::String(given)) if has_it => *text = one_line(given)?,
                    Some(_) => {
                        return Err(format!(
                            "{} has no plural category {category}",
                            language.code
                        ));
                    }
                    None if has_it => {
                        return Err(format!("no text for the plural category {category}"));
                    }
                    None => {}
                }
            }
            match table.keys().next() {
                Some(unknown) => Err(format!("{unknown} is no plural category")),
                None => Ok(Entry::Plural(texts)),
            }
        }
        _ => Err("is neither a text nor a table of plurals".to_owned()),
    }
}

fn one_line(text: String) -> Result<String, String> {
    match text.contains(['\n', AREA_END]) {
        true => Err("a text is one line".to_owned()),
        false => Ok(text),
    }
}

/// Holds a language against English.
fn compare(
    code: &str,
    english: &BTreeMap<String, Area>,
    other: &BTreeMap<String, Area>,
) -> Result<(), String> {
    let both: BTreeSet<(&String, &String)> = [english, other]
        .into_iter()
        .flatten()
        .flat_map(|(name, area)| area.keys().map(move |key| (name, key)))
        .collect();
    for (name, key) in both {
        let find = |areas: &BTreeMap<String, Area>| areas.get(name)?.get(key).cloned();
        let (ours, theirs) = match (find(english), find(other)) {
            (Some(ours), Some(theirs)) => (ours, theirs),
            (Some(_), None) => return Err(format!("{code}/{name}.toml lacks {key}")),
            _ => {
                return Err(format!(
                    "{code}/{name}.toml has {key}, which English has not"
                ));
            }
        };
        let sorted = |entry: &Entry| entry.placeholders().into_iter().collect::<BTreeSet<_>>();
        let same_kind = matches!(ours, Entry::Text(_)) == matches!(theirs, Entry::Text(_));
        if !same_kind || sorted(&ours) != sorted(&theirs) {
            return Err(format!(
                "{code}/{name}.toml: {key} has other placeholders than in English"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(text: &str) -> BTreeMap<String, Area> {
        let table: toml::Table = toml::from_str(text).unwrap();
        let read = |(key, value)| (key, entry(value, &LANGUAGES[0]).unwrap());
        BTreeMap::from([("a".to_owned(), table.into_iter().map(read).collect())])
    }

    #[test]
    fn a_language_with_other_keys_or_placeholders_is_refused() {
        let english = area("x = \"{one} {two}\"\ny = \"text\"");
        let verdict = |text: &str| compare("de", &english, &area(text));
        assert_eq!(verdict("x = \"{two}, {one}\"\ny = \"Text\""), Ok(()));
        assert!(
            verdict("x = \"{one}\"\ny = \"Text\"")
                .unwrap_err()
                .contains("x has other")
        );
        assert!(
            verdict("x = \"{one} {two}\"")
                .unwrap_err()
                .contains("lacks y")
        );
        assert!(
            verdict("x = \"{one} {two}\"\ny = \"\"\nz = \"\"")
                .unwrap_err()
                .contains("has z")
        );
        let counted = "x = \"{one} {two}\"\n[y]\none = \"\"\nother = \"\"";
        assert!(verdict(counted).is_err());
    }

    #[test]
    fn a_plural_has_the_categories_of_its_language() {
        let read = |text: &str| {
            entry(
                toml::from_str::<toml::Table>(text).unwrap().into(),
                &LANGUAGES[0],
            )
        };
        assert!(read("one = \"{n} node\"\nother = \"{n} nodes\"").is_ok());
        assert!(read("other = \"{n} nodes\"").is_err());
        assert!(read("one = \"\"\nother = \"\"\nfew = \"\"").is_err());
        assert!(read("one = \"\"\nother = \"a\\nb\"").is_err());
    }

    #[test]
    fn what_is_written_is_complete() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let words = Words::read(folder).unwrap();
        for language in LANGUAGES {
            for program in ["shop", "order"] {
                let pack = words.pack(program, language.code).unwrap();
                assert_eq!(pack.split(AREA_END).count(), words.areas().len());
            }
        }
    }
}
