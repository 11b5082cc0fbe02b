//! What the browser loads: `static/` with the app's code, in `build/assets`.
//! Code and words get their content's hash into their name, so that they may be cached for ever. The other files name
//! them by tokens such as `{{shop_js}}`, which become paths on the site: `/shop-<hash>.js`. Style and boot script stand in the page, so
//! that its text is painted after one round trip; the security policy knows them by their hashes.

mod minify;
mod shell;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kindling_words::{LANGUAGES, Language, Words};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{packed, wasm};
use crate::plan::{Outcome, Plan};
use crate::project::{Project, digest, files_below, read, write_if_changed};

/// The page's file, of which there is one for each language.
const PAGE: &str = "index.html";
/// The picture beside the page's name, which stands in the page too: as a file, its headers would outweigh it.
const ICON: &str = "icon.svg";
/// Files in static/ that become a part of that page, the token that stands for them there, and the token of their hash for the security
/// policy.
const INLINED: [(&str, &str, &str); 2] = [
    ("style.css", "style", "style_hash"),
    ("boot.js", "boot", "boot_hash"),
];
/// The same for files that stay files and get a hash into their name. One that names another comes behind it.
const HASHED: [(&str, &str); 3] = [
    ("key-worker.js", "key_worker"),
    ("vault-loader.js", "vault_loader"),
    ("order.css", "order_css"),
];

/// Adds the step.
pub fn steps(plan: &mut Plan) {
    plan.add("assets", assets);
}

/// The folder that wrangler serves.
pub fn folder(project: &Project) -> PathBuf {
    project.build("assets")
}

fn assets(project: &Project) -> Result<Outcome> {
    let mut site = Site::default();
    for name in ["shop", "order", "vault", "primes_scalar", "primes_fused"] {
        site.add_module(project, name, &wasm::result(project, name))?;
    }
    let sources = project.path("static");
    for (file, token) in HASHED {
        site.add_hashed(project, file, token, &read(&sources.join(file))?)?;
    }
    let words = Words::read(&project.path("words")).map_err(|what| anyhow!(what))?;
    site.add_words(&words)?;
    for (file, token, hash) in INLINED {
        let content = read(&sources.join(file))?;
        site.inline(project, file, token, hash, &content)?;
    }
    site.inline_icon(&read(&sources.join(ICON))?)?;
    site.name_the_version();
    let page = read(&sources.join(PAGE))?;
    for language in LANGUAGES {
        site.add_page(language, &words, &page)?;
    }
    let apart = |file: &Path| {
        file == Path::new(PAGE)
            || file == Path::new(shell::SERVICE_WORKER)
            || HASHED.iter().any(|(name, _)| file == Path::new(name))
            || INLINED.iter().any(|(name, ..)| file == Path::new(name))
    };
    for file in files_below(&sources)?
        .into_iter()
        .filter(|file| !apart(file))
    {
        site.add_plain(&file, &read(&sources.join(&file))?)?;
    }
    site.name_the_build();
    site.add_service_worker(&words, &read(&sources.join(shell::SERVICE_WORKER))?)?;
    packed::add(project, &mut site.files)?;
    publish(&folder(project), &site.files)
}

/// The files to be, and what the tokens stand for so far.
#[derive(Default)]
struct Site {
    files: BTreeMap<PathBuf, Vec<u8>>,
    tokens: BTreeMap<String, String>,
}

impl Site {
    /// A wasm module with its glue, and the snippets that the glue imports by a name that has a hash already.
    fn add_module(&mut self, project: &Project, name: &str, folder: &Path) -> Result<()> {
        let wasm = read(&folder.join(format!("{name}_bg.wasm")))?;
        self.insert_hashed(&format!("{name}_bg"), "wasm", &format!("{name}_wasm"), wasm);
        let file = format!("{name}.js");
        let glue = minify::module(project, &file, &read(&folder.join(&file))?)?;
        self.insert_hashed(name, "js", &format!("{name}_js"), glue);
        for file in files_below(folder)?
            .into_iter()
            .filter(|file| file.starts_with("snippets"))
        {
            let content = read(&folder.join(&file))?;
            // wasm-bindgen names them by crate, and app and vault are one crate.
            if self.files.get(&file).is_some_and(|other| *other != content) {
                bail!(
                    "app and vault both bring {}, and they differ",
                    file.display()
                );
            }
            self.files.insert(file, content);
        }
        Ok(())
    }

    fn add_hashed(
        &mut self,
        project: &Project,
        file: &str,
        token: &str,
        content: &[u8],
    ) -> Result<()> {
        let content = self.fill(Path::new(file), content, &|_| None)?;
        let content = minify::script_or_style(project, file, &content)?;
        let (stem, extension) = file
            .rsplit_once('.')
            .context("a hashed file needs an extension")?;
        self.insert_hashed(stem, extension, token, content);
        Ok(())
    }

    fn insert_hashed(&mut self, stem: &str, extension: &str, token: &str, content: Vec<u8>) {
        let hash = &digest(&[&content])[..16];
        let name = format!("{stem}-{hash}.{extension}");
        self.tokens.insert(token.to_owned(), format!("/{name}"));
        self.files.insert(PathBuf::from(name), content);
    }

    /// What each program says, in each language: files, and `{{packs}}`, a JSON object that says where they are.
    fn add_words(&mut self, words: &Words) -> Result<()> {
        let mut packs = Map::new();
        for language in LANGUAGES {
            let mut about = Map::new();
            about.insert("rtl".to_owned(), language.rtl.into());
            // What an order's address says before its words are here, and where they do not come.
            for (name, key) in [("opening", "order.opening"), ("broken", "landing.broken")] {
                let text = words.text(key, language.code);
                let text = text.with_context(|| format!("there is no {key}"))?;
                about.insert(name.to_owned(), text.into());
            }
            for program in ["shop", "order"] {
                let pack = words
                    .pack(program, language.code)
                    .map_err(|what| anyhow!(what))?;
                let stem = format!("words-{program}-{}", language.code);
                self.insert_hashed(&stem, "txt", &stem, pack.into_bytes());
                about.insert(program.to_owned(), self.tokens[&stem].clone().into());
            }
            packs.insert(language.code.to_owned(), about.into());
        }
        self.tokens
            .insert("packs".to_owned(), Value::from(packs).to_string());
        Ok(())
    }

    /// A part of the page, and its hash as a security policy has it.
    fn inline(
        &mut self,
        project: &Project,
        file: &str,
        token: &str,
        hash: &str,
        content: &[u8],
    ) -> Result<()> {
        let content = self.fill(Path::new(file), content, &|_| None)?;
        let content = minify::script_or_style(project, file, &content)?;
        let source = format!("sha256-{}", BASE64.encode(Sha256::digest(&content)));
        self.tokens
            .insert(token.to_owned(), String::from_utf8(content)?);
        self.tokens.insert(hash.to_owned(), source);
        Ok(())
    }

    /// `{{icon}}`, as an address for an attribute in double quotes.
    fn inline_icon(&mut self, content: &[u8]) -> Result<()> {
        let lines = std::str::from_utf8(content)?.lines().map(str::trim_start);
        let picture = lines.collect::<String>();
        let picture = picture.replace('%', "%25").replace('#', "%23");
        let address = format!("data:image/svg+xml,{}", picture.replace('"', "'"));
        self.tokens.insert("icon".to_owned(), address);
        Ok(())
    }

    /// `{{version}}`: changes whenever something does that the pages name or carry.
    fn name_the_version(&mut self) {
        let parts: Vec<&[u8]> = self.tokens.values().map(|value| value.as_bytes()).collect();
        let version = digest(&parts)[..16].to_owned();
        self.tokens.insert("version".to_owned(), version);
    }

    /// The page in one language: `/` in English, `/es` and so on in the others.
    fn add_page(&mut self, language: &Language, words: &Words, page: &[u8]) -> Result<()> {
        let own = |token: &str| match token {
            "lang" => Some(language.code.to_owned()),
            "dir" => Some(if language.rtl { "rtl" } else { "ltr" }.to_owned()),
            "language_links" => Some(language_links()),
            _ => words.text(token, language.code).map(str::to_owned),
        };
        let content = self.fill(Path::new(PAGE), page, &own)?;
        let file = match address(language).as_str() {
            "/" => PathBuf::from(PAGE),
            _ => PathBuf::from(format!("{}.html", language.code)),
        };
        self.files.insert(file, content);
        Ok(())
    }

    fn add_plain(&mut self, file: &Path, content: &[u8]) -> Result<()> {
        let content = self.fill(file, content, &|_| None)?;
        self.files.insert(file.to_path_buf(), content);
        Ok(())
    }

    /// Replaces the tokens in a text; a file that is none stays as it is. `own` knows tokens of this file alone.
    fn fill(
        &self,
        file: &Path,
        content: &[u8],
        own: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<u8>> {
        let Ok(text) = std::str::from_utf8(content) else {
            return Ok(content.to_vec());
        };
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let (before, from) = rest.split_at(start);
            filled.push_str(before);
            match from[2..]
                .split_once("}}")
                .filter(|(name, _)| is_token(name))
            {
                Some((name, after)) => {
                    let Some(value) = own(name).or_else(|| self.tokens.get(name).cloned()) else {
                        bail!(
                            "{} asks for {{{{{name}}}}}, which nothing here makes",
                            file.display()
                        );
                    };
                    filled.push_str(&value);
                    rest = after;
                }
                None => {
                    filled.push_str("{{");
                    rest = &from[2..];
                }
            }
        }
        filled.push_str(rest);
        Ok(filled.into_bytes())
    }
}

/// Where the first page stands in a language.
fn address(language: &Language) -> String {
    match language.code {
        "en" => "/".to_owned(),
        code => format!("/{code}"),
    }
}

/// Each language by its own name.
fn language_links() -> String {
    let link = |language: &Language| {
        let (code, name, address) = (language.code, language.name, address(language));
        format!(
            r#"<li><a href="{address}" lang="{code}" hreflang="{code}" data-language>{name}</a></li>"#
        )
    };
    LANGUAGES.iter().map(link).collect()
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.')
}

/// Makes the folder hold exactly these files, and touches only those that differ.
fn publish(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> Result<Outcome> {
    let mut changed = false;
    for (file, content) in files {
        changed |= write_if_changed(&folder.join(file), content)?;
    }
    for old in files_below(folder)?
        .into_iter()
        .filter(|old| !files.contains_key(old))
    {
        fs::remove_file(folder.join(old)).context("cannot remove an old asset")?;
        changed = true;
    }
    Ok(if changed {
        Outcome::Done
    } else {
        Outcome::Unchanged
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let mut site = Site::default();
        site.insert_hashed("style", "css", "style_css", b"body{}".to_vec());
        site
    }

    #[test]
    fn tokens_become_the_names_of_files_that_exist() {
        let site = site();
        let filled = site
            .fill(
                Path::new("index.html"),
                b"<link href=\"{{style_css}}\">",
                &|_| None,
            )
            .unwrap();
        let name = site.files.keys().next().unwrap().to_str().unwrap();
        assert_eq!(
            String::from_utf8(filled).unwrap(),
            format!("<link href=\"/{name}\">")
        );
        assert!(name.starts_with("style-") && name.ends_with(".css"));
    }

    #[test]
    fn an_unknown_token_is_an_error_and_other_braces_are_not() {
        let site = site();
        assert!(
            site.fill(Path::new("index.html"), b"{{app_js}}", &|_| None)
                .is_err()
        );
        let script = b"f({{a: 1}, {}}); '{{' + \"{{ x }}\"".as_slice();
        assert_eq!(
            site.fill(Path::new("sw.js"), script, &|_| None).unwrap(),
            script
        );
    }

    #[test]
    fn an_icon_becomes_an_address() {
        let mut site = site();
        site.inline_icon(b"<svg viewBox=\"0 0 9 9\">\n  <path fill=\"#f00\"/>\n</svg>\n")
            .unwrap();
        let filled = site
            .fill(Path::new("x"), b"\"{{icon}}\"", &|_| None)
            .unwrap();
        let address = "\"data:image/svg+xml,<svg viewBox='0 0 9 9'><path fill='%23f00'/></svg>\"";
        assert_eq!(String::from_utf8(filled).unwrap(), address);
    }

    #[test]
    fn the_name_follows_the_content() {
        let mut other = Site::default();
        other.insert_hashed("style", "css", "style_css", b"body{color:red}".to_vec());
        assert_ne!(site().tokens["style_css"], other.tokens["style_css"]);
    }

    #[test]
    fn publishing_removes_what_is_no_longer_wanted() {
        let folder = std::env::temp_dir().join(format!("kindling-assets-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder); // of a run that was cut, by a process of the same number
        let first = BTreeMap::from([
            (PathBuf::from("a-1.js"), b"1".to_vec()),
            (PathBuf::from("x/y"), b"2".to_vec()),
        ]);
        let second = BTreeMap::from([
            (PathBuf::from("a-2.js"), b"3".to_vec()),
            (PathBuf::from("x/y"), b"2".to_vec()),
        ]);
        assert!(matches!(publish(&folder, &first).unwrap(), Outcome::Done));
        assert!(matches!(publish(&folder, &second).unwrap(), Outcome::Done));
        assert!(matches!(
            publish(&folder, &second).unwrap(),
            Outcome::Unchanged
        ));
        let left: Vec<PathBuf> = second.into_keys().collect();
        assert_eq!(files_below(&folder).unwrap(), left);
        fs::remove_dir_all(folder).unwrap();
    }
}
