//! How large the result is, plain and as brotli, which is how browsers load it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::assets;
use crate::project::{Project, digest, files_below, read, write};

/// Prints a line for every file of code and style.
pub fn print(project: &Project) -> Result<()> {
    let memory = project.build("sizes.json");
    // Brotli's best level takes seconds, so sizes are remembered by content.
    let known: BTreeMap<String, usize> = read(&memory)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let mut current = BTreeMap::new();
    println!("\n{:>9} {:>9}", "bytes", "brotli");
    for folder in [project.build("worker"), assets::folder(project)] {
        for file in files_below(&folder)?
            .into_iter()
            .filter(|file| is_code(file))
        {
            let path = folder.join(file);
            let content = read(&path)?;
            let key = digest(&[&content]);
            let packed = match known.get(&key) {
                Some(size) => *size,
                None => brotli_size(&content)?,
            };
            println!(
                "{:>9} {packed:>9}  {}",
                content.len(),
                path.strip_prefix(project.root())?.display()
            );
            current.insert(key, packed);
        }
    }
    write(&memory, &serde_json::to_vec(&current)?)
}

fn is_code(file: &Path) -> bool {
    file.extension().is_some_and(|extension| {
        ["js", "wasm", "css", "html"]
            .iter()
            .any(|code| extension == *code)
    })
}

fn brotli_size(content: &[u8]) -> Result<usize> {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*content, &mut packed, &parameters).context("brotli")?;
    Ok(packed.len())
}
