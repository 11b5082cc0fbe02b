//! The npm packages of package.json, and the Node among them: wrangler wants a newer one than many machines have.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::children::quiet;
use crate::plan::{Outcome, Plan};
use crate::project::{Project, Stamp, colours, read};

/// The oldest Node whose npm can install the packages.
const OLDEST_NODE: u32 = 18;

/// Adds the step.
pub fn set_up(plan: &mut Plan) {
    plan.add("npm packages", packages);
}

/// The project's own Node, with the packages' commands on its PATH.
pub fn node(project: &Project) -> Command {
    let mut command = Command::new(executable(project));
    let own = [
        project.path("node_modules/node/bin"),
        project.path("node_modules/.bin"),
    ];
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&inherited)))
        .unwrap_or_else(|_| OsString::from(&inherited));
    command
        .current_dir(project.root())
        .env("PATH", path)
        // Nothing of wrangler's leaves the project folder or the machine unasked.
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_LOG_PATH", project.build("logs/wrangler"));
    if colours() {
        command.env("FORCE_COLOR", "1");
    } else {
        command.env("NO_COLOR", "1");
    }
    command
}

/// wrangler, run by the project's own Node.
pub fn wrangler(project: &Project) -> Command {
    let mut command = node(project);
    command.arg(project.path("node_modules/wrangler/bin/wrangler.js"));
    command
}

/// wasm-opt, which binaryen's package carries as JavaScript.
pub fn wasm_opt(project: &Project) -> Command {
    let mut command = node(project);
    command.arg(project.path("node_modules/binaryen/bin/wasm-opt"));
    command
}

/// esbuild, in the version that wrangler brings along.
pub fn esbuild(project: &Project) -> Command {
    let node = node(project);
    let mut command = Command::new(project.path("node_modules/.bin/esbuild"));
    let own = node
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.current_dir(project.root()).envs(own);
    command
}

fn executable(project: &Project) -> PathBuf {
    project.path("node_modules/node/bin/node")
}

fn packages(project: &Project) -> Result<Outcome> {
    let manifest = read(&project.path("package.json"))?;
    let lock = read(&project.path("package-lock.json"))?;
    // Inside node_modules, so that removing that folder is enough to start over.
    let stamp = Stamp::new(
        project.path("node_modules/.kindling-stamp"),
        &[&manifest, &lock],
    );
    if stamp.is_current() && executable(project).is_file() {
        return Ok(Outcome::Unchanged);
    }
    check_host_node()?;
    quiet(
        project,
        Command::new("npm").current_dir(project.root()).arg("ci"),
    )?;
    if !executable(project).is_file() {
        bail!(
            "npm did not run the install script of the package `node`; is `ignore-scripts` set in your npm configuration?"
        );
    }
    stamp.set()?;
    Ok(Outcome::Done)
}

fn check_host_node() -> Result<()> {
    let missing = "Node.js with npm is needed to begin, version 18 or newer, from any source (on Debian: apt install nodejs npm)";
    let output = Command::new("node")
        .arg("--version")
        .output()
        .context(missing)?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Command::new("npm")
        .arg("--version")
        .output()
        .context(missing)?;
    match major(&version) {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => bail!("{missing}; this one is {version:?}"),
    }
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn node_versions_are_read() {
        assert_eq!(major("v18.19.0"), Some(18));
        assert_eq!(major("v22.12.0-nightly"), Some(22));
        assert_eq!(major("22"), None);
        assert_eq!(major(""), None);
    }
}
