//! `cargo xtask`: everything that is done with this repository, each with one command.
//! It installs what is missing inside the project folder, and every tool it uses comes from a package registry.

// This program runs on the developer's machine, where time is the real one.
#![allow(clippy::disallowed_methods)]

mod bench;
mod build;
mod children;
mod deploy;
mod dev;
mod machine;
mod node;
mod order;
mod plan;
mod project;
mod python;
mod rust;
mod system;
mod test;
mod vapid;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use project::Project;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Set up, build, run, test and deploy Kindling",
    version
)]
struct Arguments {
    /// Show the output of every tool, not only of one that fails.
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, build, and serve on this machine until Ctrl-C.
    Dev(dev::Options),
    /// Install what the tests need, build, and run every check and test.
    Test(test::Options),
    /// Make the deployable: build/worker and build/assets.
    Build,
    /// Check the settings, build, and hand the result to wrangler.
    Deploy(deploy::Options),
    /// Install what the benchmark needs, build, and measure.
    Bench(bench::Options),
    /// Boot whole machines under qemu, from the first boot through a reboot and a power cut.
    Machine(machine::Options),
    /// Show what the operator can see of a running deployment: the fleets, or one order's story.
    Order(order::Options),
    /// Draw the key that notifications are signed with, and say where it goes.
    Vapid,
    /// Call the project's own wrangler, for example `cargo xtask wrangler secret put DO_API_TOKEN`.
    #[command(disable_help_flag = true)]
    Wrangler(deploy::WranglerOptions),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            // A child that died because we are being stopped is no error of its own.
            children::wait_if_stopping();
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let project = Project::open(arguments.verbose)?;
    match arguments.command {
        Command::Dev(options) => dev::run(&project, &options),
        Command::Test(options) => test::run(&project, &options),
        Command::Build => build::run(&project),
        Command::Deploy(options) => deploy::run(&project, &options),
        Command::Bench(options) => bench::run(&project, &options),
        Command::Machine(options) => machine::run(&project, &options),
        Command::Order(options) => order::run(&project, &options),
        Command::Vapid => vapid::run(),
        Command::Wrangler(options) => deploy::wrangler(&project, &options),
    }
}
