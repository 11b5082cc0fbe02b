//! How large the result is, plain and as brotli, which is how browsers load it.

use std::path::Path;

use anyhow::Result;

use super::{assets, packed};
use crate::project::{Project, files_below, read};

/// Prints a line for every file of code and style.
pub fn print(project: &Project) -> Result<()> {
    let mut all = Vec::new();
    println!("\n{:>9} {:>9}", "bytes", "brotli");
    for folder in [project.build("worker"), assets::folder(project)] {
        for file in files_below(&folder)?
            .into_iter()
            .filter(|file| !packed::is_packed(file))
        {
            let path = folder.join(&file);
            if is_code(&file) {
                let content = read(&path)?;
                let packed = packed::pack(project, &content)?;
                println!(
                    "{:>9} {:>9}  {}",
                    content.len(),
                    packed.len(),
                    path.strip_prefix(project.root())?.display()
                );
            }
            all.push(path);
        }
    }
    packed::keep_only(project, &all)
}

fn is_code(file: &Path) -> bool {
    file.extension().is_some_and(|extension| {
        ["js", "wasm", "css", "html"]
            .iter()
            .any(|code| extension == *code)
    })
}
