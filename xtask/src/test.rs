//! `cargo xtask test`: every check and every test, the quick ones first, then the whole story, then the rest.
//! The last line is the sum over all of them: `N passed, N failed`.

mod count;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::children::{capture, wait_if_stopping};
use crate::plan::{Plan, say, seconds};
use crate::project::{Project, files_below};
use crate::rust::{WASM, cargo};
use crate::{build, node, python, system};
use count::Count;

/// What to run.
#[derive(Args)]
pub struct Options {
    /// Only Rust tests whose name contains this, and files in tests/ whose path contains it; no lints.
    filter: Option<String>,
    /// Only one part.
    #[arg(long)]
    only: Option<Part>,
}

/// A part of the tests.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting, clippy and shellcheck.
    Lint,
    /// The tests inside the Rust crates.
    Rust,
    /// tests/story.test.mjs and class_story.test.mjs: one order of each product, from the first page to its end.
    Story,
    /// tests/fakes and tests/support: the stand-ins judged for themselves.
    Fakes,
    /// tests/worker: the Worker in workerd.
    Worker,
    /// tests/browser: the app in Chromium.
    Browser,
    /// tests/machine: the machine's scripts, run.
    Machine,
    /// Every other test file.
    Others,
}

/// The parts that are files of tests/, in the order in which they run.
const IN_NODE: [Part; 6] = [
    Part::Story,
    Part::Fakes,
    Part::Worker,
    Part::Machine,
    Part::Browser,
    Part::Others,
];

/// Runs what was asked for.
pub fn run(project: &Project, options: &Options) -> Result<ExitCode> {
    let files = test_files(project, options)?;
    set_up(project, files.iter().any(|(_, files)| !files.is_empty()))?;

    let mut total = Count::default();
    let mut failed = Vec::new();
    for check in checks(project, options, &files)? {
        let name = check.name;
        let count = check.run(project)?;
        if count.failed > 0 {
            failed.push(name);
        }
        total += count;
    }
    if total == Count::default() {
        bail!("no test matches");
    }
    println!();
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
    }
    if total.skipped > 0 {
        println!("{} skipped", total.skipped);
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The Rust tests need no more than cargo and the system's programs; the others run what is built.
fn set_up(project: &Project, with_node: bool) -> Result<()> {
    let mut plan = Plan::default();
    build::set_up(&mut plan);
    system::set_up(&mut plan);
    if with_node {
        python::set_up(&mut plan);
        build::steps(&mut plan);
    }
    plan.run(project)
}

/// One command whose output counts as one or more tests.
struct Check {
    name: &'static str,
    command: Command,
    count: fn(&str, bool) -> Count,
}

impl Check {
    fn run(mut self, project: &Project) -> Result<Count> {
        say(&format!(
            "{} ... {}",
            self.name,
            if project.verbose { "\n" } else { "" }
        ));
        let started = Instant::now();
        let (status, printed) = capture(project, &mut self.command)?;
        if !status.success() {
            wait_if_stopping();
        }
        let count = (self.count)(&printed, status.success());
        println!("{count}, {}", seconds(started.elapsed()));
        if count.failed > 0 && !project.verbose {
            println!("{printed}");
        } else {
            printed
                .lines()
                .filter(|line| count::is_skipped(line))
                .for_each(|line| println!("  {}", line.trim()));
        }
        Ok(count)
    }
}

type Files = Vec<(Part, Vec<PathBuf>)>;

fn checks(project: &Project, options: &Options, files: &Files) -> Result<Vec<Check>> {
    let wanted = |part| options.only.is_none_or(|only| only == part);
    let mut checks = Vec::new();
    if wanted(Part::Lint) && options.filter.is_none() {
        checks.extend(lints(project)?);
    }
    if wanted(Part::Rust) {
        let mut command = cargo(project);
        command.arg("test").args(&options.filter);
        checks.push(Check {
            name: "rust",
            command,
            count: count::libtest,
        });
    }
    for (part, files) in files.iter().filter(|(_, files)| !files.is_empty()) {
        // Two files at a time: much of their time is waiting for the servers and the browser that each starts of its own.
        let mut command = node::node(project);
        command
            .args(["--test", "--test-concurrency=2", "--test-reporter=spec"])
            .args(files);
        if let Some(chromium) = system::find("chromium") {
            command.env("KINDLING_CHROMIUM", chromium);
        }
        checks.push(Check {
            name: part.name(),
            command,
            count: count::node,
        });
    }
    Ok(checks)
}

fn lints(project: &Project) -> Result<Vec<Check>> {
    let lint = |name, command| Check {
        name,
        command,
        count: count::lint,
    };
    let mut format = cargo(project);
    format.args(["fmt", "--all", "--check"]);
    let strict = ["--", "--deny", "warnings"];
    let mut native = cargo(project);
    native.args(["clippy", "--all-targets"]).args(strict);
    let mut wasm = cargo(project);
    // In the release profile, whose macros and build scripts the build has made already.
    wasm.args([
        "clippy",
        "--release",
        "--target",
        WASM,
        "--package",
        "kindling-worker",
        "--package",
        "kindling-app",
        "--package",
        "kindling-primes",
    ])
    .args(strict);
    let mut shell = Command::new("shellcheck");
    shell
        .current_dir(project.root())
        .args(["--external-sources", "--source-path=SCRIPTDIR"])
        .args(scripts(project)?);
    Ok(vec![
        lint("cargo fmt", format),
        lint("clippy", native),
        lint("clippy for wasm", wasm),
        lint("shellcheck", shell),
    ])
}

/// The shell scripts: what the machine runs, what its tests put in place of programs, and continuous integration's.
fn scripts(project: &Project) -> Result<Vec<PathBuf>> {
    let mut scripts = vec![PathBuf::from(".ci/run")];
    for folder in ["machine", "tests"] {
        for file in files_below(&project.path(folder))? {
            let file = Path::new(folder).join(file);
            let has_shell_in_first_line = || {
                let start = std::fs::read(project.root().join(&file)).unwrap_or_default();
                let first = start
                    .split(|byte| *byte == b'\n')
                    .next()
                    .unwrap_or_default();
                first.starts_with(b"#!") && first.ends_with(b"sh")
            };
            if file.extension().is_some_and(|extension| extension == "sh")
                || has_shell_in_first_line()
            {
                scripts.push(file);
            }
        }
    }
    Ok(scripts)
}

/// The test files of each part that is asked for.
fn test_files(project: &Project, options: &Options) -> Result<Files> {
    let filter = options.filter.as_deref().unwrap_or_default();
    let mut parts: Files = IN_NODE.into_iter().map(|part| (part, Vec::new())).collect();
    for file in files_below(&project.path("tests"))? {
        let path = Path::new("tests").join(&file);
        let text = path.to_string_lossy();
        let part = Part::of(&file);
        let wanted = options.only.is_none_or(|only| only == part) && text.contains(filter);
        if wanted && text.ends_with(".test.mjs") {
            parts
                .iter_mut()
                .filter(|(other, _)| *other == part)
                .for_each(|(_, files)| files.push(path.clone()));
        }
    }
    Ok(parts)
}

impl Part {
    /// The part that a file of tests/ belongs to.
    fn of(file: &Path) -> Self {
        match file.iter().next().and_then(|first| first.to_str()) {
            Some("story.test.mjs" | "class_story.test.mjs") => Self::Story,
            Some("fakes" | "support") => Self::Fakes,
            Some("worker") => Self::Worker,
            Some("browser") => Self::Browser,
            Some("machine") => Self::Machine,
            _ => Self::Others,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Rust => "rust",
            Self::Story => "story",
            Self::Fakes => "fakes",
            Self::Worker => "worker",
            Self::Browser => "browser",
            Self::Machine => "machine",
            Self::Others => "others",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_part() {
        let part = |file: &str| Part::of(Path::new(file)).name();
        assert_eq!(part("story.test.mjs"), "story");
        assert_eq!(part("support/lnbits.test.mjs"), "fakes");
        assert_eq!(part("machine/bootstrap.test.mjs"), "machine");
        assert_eq!(part("new.test.mjs"), "others");
    }

    #[test]
    fn every_part_of_tests_is_run() {
        for file in [
            "story.test.mjs",
            "fakes/a",
            "worker/a",
            "browser/a",
            "machine/a",
            "x/a",
        ] {
            assert!(IN_NODE.contains(&Part::of(Path::new(file))), "{file}");
        }
    }
}
