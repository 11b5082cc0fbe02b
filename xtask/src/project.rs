//! Where things are, and the stamps that say what is already done.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The repository that this program was compiled in.
pub struct Project {
    root: PathBuf,
    /// Whether the output of tools goes straight to the terminal.
    pub verbose: bool,
}

impl Project {
    /// Finds the repository's root, one above this crate.
    pub fn open(verbose: bool) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent folder")?;
        Ok(Self {
            root: root.to_path_buf(),
            verbose,
        })
    }

    /// The repository's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the repository.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path in `build/`, which git ignores.
    pub fn build(&self, relative: &str) -> PathBuf {
        self.root.join("build").join(relative)
    }
}

/// Whether tools may colour what they print; they write to a pipe of ours and cannot tell.
pub fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// The SHA-256 of some parts, each with its length so that no two lists of parts give the same bytes.
pub fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// A file that says which inputs the things beside it were made from.
pub struct Stamp {
    path: PathBuf,
    digest: String,
}

impl Stamp {
    /// The stamp at `path` for these inputs.
    pub fn new(path: PathBuf, inputs: &[&[u8]]) -> Self {
        Self {
            path,
            digest: digest(inputs),
        }
    }

    /// Whether the last finished work had the same inputs.
    pub fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|stamped| stamped.trim() == self.digest)
    }

    /// To be called when the work is finished, not before.
    pub fn set(&self) -> Result<()> {
        write(&self.path, self.digest.as_bytes())
    }
}

/// Reads a file, naming it when that fails.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file only when its content differs, so that nobody who watches it wakes up for nothing.
pub fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    write(path, content)?;
    Ok(true)
}

/// Every file below `folder`, as paths relative to it, sorted; none when the folder does not exist.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    fn walk(root: &Path, at: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
        for entry in fs::read_dir(at).with_context(|| format!("cannot list {}", at.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                walk(root, &path, found)?;
            } else if let Ok(relative) = path.strip_prefix(root) {
                found.push(relative.to_path_buf());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    if folder.is_dir() {
        walk(folder, folder, &mut found)?;
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab", b"c"]), digest(&[b"ab", b"c"]));
    }

    #[test]
    fn a_stamp_is_current_only_for_its_own_inputs() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("kindling-stamp-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder); // of a run that was cut, by a process of the same number
        let path = folder.join("stamp");
        let stamp = Stamp::new(path.clone(), &[b"one"]);
        assert!(!stamp.is_current());
        stamp.set()?;
        assert!(stamp.is_current());
        assert!(!Stamp::new(path, &[b"two"]).is_current());
        fs::remove_dir_all(folder)?;
        Ok(())
    }
}
