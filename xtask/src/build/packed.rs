//! Brotli's best level, at build time: it takes seconds, which no server has while somebody waits.
//! What was packed is remembered by its content, in `build/packed`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow};

use crate::project::{Project, digest, files_below, read, write};

/// Puts `NAME.br` beside every file of code and words whose name has its content's hash.
pub fn add(project: &Project, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let wanted: Vec<_> = files.iter().filter(|(file, _)| is_hashed(file)).collect();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = |first: usize| {
        let own = wanted.iter().skip(first).step_by(workers);
        let pack = |(file, content): &(&PathBuf, &Vec<u8>)| {
            Ok((beside(file), pack(project, content.as_slice())?))
        };
        own.map(pack).collect::<Result<Vec<_>>>()
    };
    let packed = thread::scope(|scope| {
        let share = &share;
        let running: Vec<_> = (0..workers)
            .map(|first| scope.spawn(move || share(first)))
            .collect();
        let ended = running.into_iter().map(|worker| {
            let panicked = |_| anyhow!("the packing ended before its time");
            worker.join().map_err(panicked)?
        });
        ended.collect::<Result<Vec<_>>>()
    })?;
    files.extend(packed.into_iter().flatten());
    Ok(())
}

/// The content, packed.
pub fn pack(project: &Project, content: &[u8]) -> Result<Vec<u8>> {
    let memory = folder(project).join(key(content));
    if let Ok(known) = fs::read(&memory) {
        return Ok(known);
    }
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*content, &mut packed, &parameters).context("brotli")?;
    // Whole or not at all: it is believed the next time.
    let unfinished = memory.with_extension("unfinished");
    write(&unfinished, &packed)?;
    fs::rename(&unfinished, &memory).context("cannot keep what was packed")?;
    Ok(packed)
}

/// Forgets everything but these files.
pub fn keep_only(project: &Project, files: &[PathBuf]) -> Result<()> {
    let keys = files.iter().map(|file| Ok(key(&read(file)?)));
    let keys = keys.collect::<Result<BTreeSet<_>>>()?;
    let folder = folder(project);
    for old in files_below(&folder)? {
        if old.to_str().is_none_or(|name| !keys.contains(name)) {
            fs::remove_file(folder.join(old)).context("cannot forget what was packed")?;
        }
    }
    Ok(())
}

/// Whether it is one that [`add`] made.
pub fn is_packed(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "br")
}

fn folder(project: &Project) -> PathBuf {
    project.build("packed")
}

fn key(content: &[u8]) -> String {
    digest(&[content])
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".br");
    name.into()
}

/// As worker/entry.js knows them: `NAME-<16 hexadecimal digits>.EXTENSION`, in no folder.
fn is_hashed(file: &Path) -> bool {
    let hashed = || {
        let (stem, extension) = file.to_str()?.rsplit_once('.')?;
        let (_, hash) = stem.rsplit_once('-')?;
        let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_text = ["js", "wasm", "txt", "css"].contains(&extension);
        Some(is_hash && is_text && !stem.contains('/'))
    };
    hashed().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_files_of_code_and_words_are_packed() {
        for file in [
            "shop-0123456789abcdef.js",
            "words-order-de-0123456789abcdef.txt",
        ] {
            assert!(is_hashed(Path::new(file)), "{file}");
        }
        for file in [
            "sw.js",
            "index.html",
            "robots.txt",
            "icon-192.png",
            "shop-0123456789abcdef.js.br",
            "snippets/a-0123456789abcdef/inline0.js",
        ] {
            assert!(!is_hashed(Path::new(file)), "{file}");
        }
        assert_eq!(beside(Path::new("a-1.js")), Path::new("a-1.js.br"));
    }
}
