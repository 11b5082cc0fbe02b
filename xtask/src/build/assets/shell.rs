//! The service worker and its lists: what is kept on a device, so that pages come without a connection.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kindling_words::{LANGUAGES, Language, Words};
use serde_json::{Map, Value, json};

use super::{Site, address};
use crate::project::digest;

/// Knows all other files, so it is made last.
pub(super) const SERVICE_WORKER: &str = "sw.js";
/// What the service worker keeps beside programs, words and pages.
const KEPT: [&str; 3] = ["/icon.svg", "/icon-192.png", "/manifest.webmanifest"];

impl Site {
    /// `{{build}}`: changes whenever a file does; the service worker names its cache by it.
    pub(super) fn name_the_build(&mut self) {
        let contents: Vec<&[u8]> = self.files.values().map(Vec::as_slice).collect();
        let build = digest(&contents)[..16].to_owned();
        self.tokens.insert("build".to_owned(), build);
    }

    /// The service worker with its lists: `{{files}}`, which it keeps for everybody, and `{{shells}}`, what there is in each language.
    pub(super) fn add_service_worker(&mut self, words: &Words, content: &[u8]) -> Result<()> {
        let mut shells = Map::new();
        for language in LANGUAGES {
            shells.insert(language.code.to_owned(), self.shell(language, words)?);
        }
        let own = |token: &str| match token {
            "files" => Some(json!(self.files_for_everybody()).to_string()),
            "shells" => Some(Value::from(shells.clone()).to_string()),
            _ => None,
        };
        let content = self.fill(Path::new(SERVICE_WORKER), content, &own)?;
        self.files.insert(PathBuf::from(SERVICE_WORKER), content);
        Ok(())
    }

    /// Programs, their style, and what all pages show.
    fn files_for_everybody(&self) -> Vec<String> {
        let is_code = |path: &&PathBuf| {
            let extension = path.extension().and_then(|it| it.to_str());
            matches!(extension, Some("js" | "wasm" | "css"))
        };
        let code = self.files.keys().filter(is_code);
        let code = code.map(|path| format!("/{}", path.display()));
        code.chain(KEPT.map(str::to_owned)).collect()
    }

    /// The page and the words of a language, and what a notification says in it.
    fn shell(&self, language: &Language, words: &Words) -> Result<Value> {
        let code = language.code;
        let text = |key: &str| {
            let name = format!("notification.{key}");
            let text = words.text(&name, code).map(str::to_owned);
            text.with_context(|| format!("there is no {name}"))
        };
        let pack = |program| &self.tokens[&format!("words-{program}-{code}")];
        Ok(json!({
            "page": address(language),
            "words": [pack("shop"), pack("order")],
            "dir": if language.rtl { "rtl" } else { "ltr" },
            "title": text("title")?,
            "body": text("body")?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_worker_keeps_what_is_there_and_changes_with_any_file() {
        let words =
            Words::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../words"))).unwrap();
        let made = |icon: &[u8]| {
            let mut site = Site::default();
            site.insert_hashed("shop", "js", "shop_js", b"shop".to_vec());
            site.add_words(&words).unwrap();
            for kept in KEPT {
                site.add_plain(Path::new(&kept[1..]), icon).unwrap();
            }
            site.name_the_build();
            let script = br#"["{{build}}", {{files}}, {{shells}}]"#;
            site.add_service_worker(&words, script).unwrap();
            let script = site.files[Path::new(SERVICE_WORKER)].clone();
            (site, serde_json::from_slice::<Value>(&script).unwrap())
        };
        let (site, lists) = made(b"icon");
        let shells = lists[2].as_object().unwrap();
        let names = lists[1].as_array().unwrap().iter();
        let names = names.chain(
            shells
                .values()
                .flat_map(|it| it["words"].as_array().unwrap()),
        );
        for name in names {
            let path = name.as_str().unwrap().trim_start_matches('/');
            assert!(site.files.contains_key(Path::new(path)), "{path}");
        }
        assert!(
            shells
                .values()
                .all(|it| it["body"].as_str().unwrap().len() > 9)
        );
        assert_ne!(lists[0], made(b"another").1[0]);
    }
}
