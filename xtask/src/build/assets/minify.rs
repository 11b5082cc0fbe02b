//! Scripts and styles as browsers need them: without comments, line breaks and long names.

use anyhow::Result;

use crate::children::quiet;
use crate::node;
use crate::project::{Project, read, write};

/// A module of JavaScript, of which only what it exports keeps its name.
pub(super) fn module(project: &Project, file: &str, content: &[u8]) -> Result<Vec<u8>> {
    minified(project, file, content, &["--format=esm"])
}

/// A style sheet, or a script whose own names others may know.
pub(super) fn script_or_style(project: &Project, file: &str, content: &[u8]) -> Result<Vec<u8>> {
    minified(project, file, content, &[])
}

fn minified(project: &Project, file: &str, content: &[u8], options: &[&str]) -> Result<Vec<u8>> {
    let folder = project.build("minified");
    let (from, to) = (folder.join("from").join(file), folder.join(file));
    write(&from, content)?;
    let mut command = node::esbuild(project);
    command.args(["--minify", "--charset=utf8", "--log-level=warning"]);
    // What the page is written in is what its browsers understand.
    command.args(["--target=esnext"]).args(options);
    command
        .arg(&from)
        .arg(format!("--outfile={}", to.display()));
    quiet(project, &mut command)?;
    let mut content = read(&to)?;
    // The line break at the end of a file.
    content.truncate(content.trim_ascii_end().len());
    Ok(content)
}
