//! `cargo xtask bench`: builds, then runs tests/bench/bench.mjs, which measures.

use std::process::{ExitCode, Stdio};

use anyhow::{Result, bail};
use clap::Args;

use crate::children::Running;
use crate::plan::Plan;
use crate::project::Project;
use crate::{build, node, python, system};

/// What the benchmark is told.
#[derive(Args)]
pub struct Options {
    /// Print one JSON object a line, and nothing else.
    #[arg(long)]
    json: bool,
    /// Measure only rows whose name contains this.
    filter: Option<String>,
}

/// Sets up what the benchmark needs and runs it.
pub fn run(project: &Project, options: &Options) -> Result<ExitCode> {
    let script = project.path("tests/bench/bench.mjs");
    let mut plan = Plan::default();
    if options.json {
        plan.use_stderr();
    }
    build::set_up(&mut plan);
    python::set_up(&mut plan);
    system::set_up(&mut plan);
    build::steps(&mut plan);
    plan.run(project)?;

    let mut command = node::node(project);
    command
        .arg(script)
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    if options.json {
        command.arg("--json");
    }
    command.args(&options.filter);
    let status = Running::start(&mut command)?.wait()?;
    if !status.success() {
        bail!("the benchmark failed ({status})");
    }
    Ok(ExitCode::SUCCESS)
}
