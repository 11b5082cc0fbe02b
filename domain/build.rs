//! Packs the machine's scripts for user-data, which is small: one archive for each product, without what belongs to the others, without
//! the scripts' comments, compressed as hard as can be.
//! The sources with all comments are `machine/`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The folders of `machine/` that one product alone needs.
const PRODUCTS: [&str; 2] = ["full_node", "classroom"];

fn main() -> io::Result<()> {
    let machine = PathBuf::from("../machine");
    println!("cargo::rerun-if-changed={}", machine.display());
    for product in PRODUCTS {
        pack(&machine, product)?;
    }
    Ok(())
}

fn pack(machine: &Path, product: &str) -> io::Result<()> {
    let options = lzma_rust2::XzOptions::with_preset(9);
    let mut builder = tar::Builder::new(lzma_rust2::XzWriter::new(Vec::new(), options)?);
    for path in files(machine)? {
        let name = path.strip_prefix(machine).map_err(io::Error::other)?;
        let others = |other: &str| other != product && name.starts_with(other);
        if PRODUCTS.iter().any(|other| others(other)) {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let script = name.extension().is_some_and(|extension| extension == "sh");
        let text = if script {
            without_comments(&text)
        } else {
            text
        };
        let mut header = tar::Header::new_ustar();
        header.set_mode(if script { 0o755 } else { 0o644 });
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, name, text.as_bytes())?;
    }
    let packed = builder.into_inner()?.finish()?;
    let target = Path::new(&env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?)
        .join(format!("{product}.tar.xz.base64"));
    fs::File::create(target)?.write_all(STANDARD.encode(packed).as_bytes())
}

/// Every file below a folder, in one order everywhere.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A shell script without empty lines and lines that are nothing but a comment. What stands in a here-document stays as it is.
fn without_comments(script: &str) -> String {
    let mut kept = String::with_capacity(script.len());
    let mut document_ends: Option<&str> = None;
    for (number, line) in script.lines().enumerate() {
        let keep = match document_ends {
            Some(end) => {
                if line == end {
                    document_ends = None;
                }
                true
            }
            None => {
                document_ends = here_document(line);
                number == 0 || !(line.trim().is_empty() || line.trim_start().starts_with('#'))
            }
        };
        if keep {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The word that ends the here-document which a line begins, such as `CONF` of `<<'CONF'`.
fn here_document(line: &str) -> Option<&str> {
    let word = line.split_once("<<")?.1.trim_start_matches('\'');
    let end = word
        .find(|c: char| !c.is_ascii_uppercase())
        .unwrap_or(word.len());
    (end > 0).then(|| &word[..end])
}
