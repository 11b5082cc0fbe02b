//! Makes functions of the words, so that a page that asks for one that is missing in any language does not compile.

use kindling_words::{Words, functions};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../words");
    println!("cargo::rerun-if-changed={}", folder.display());
    let words = Words::read(&folder)?;
    let target = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let path = PathBuf::from(target).join("words.rs");
    fs::write(path, functions(&words)).map_err(|error| error.to_string())
}
