//! The Rust side of the set-up: the wasm target.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::children::quiet;
use crate::plan::{Outcome, Plan};
use crate::project::{Project, colours};

/// What worker and app are compiled for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Adds the step.
pub fn set_up(plan: &mut Plan) {
    plan.add("Rust's wasm target", wasm_target);
}

/// Cargo, the one that runs us.
pub fn cargo(project: &Project) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project.root());
    command.env(
        "CARGO_TERM_COLOR",
        if colours() { "always" } else { "never" },
    );
    command
}

fn wasm_target(project: &Project) -> Result<Outcome> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc
        .current_dir(project.root())
        .args(["--print", "target-libdir", "--target", WASM]);
    let output = rustc.output().context("cannot start rustc")?;
    if Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Ok(Outcome::Unchanged);
    }
    quiet(
        project,
        Command::new("rustup")
            .current_dir(project.root())
            .args(["target", "add", WASM]),
    )
    .with_context(|| {
        format!("Rust has no {WASM} target here; add it the way your Rust was installed")
    })?;
    Ok(Outcome::Done)
}
