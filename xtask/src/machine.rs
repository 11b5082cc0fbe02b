//! `cargo xtask machine`: boots whole machines under qemu, which the tests' namespaces cannot stand for: real systemd, kernel, UFW,
//! Docker, reboot and power cut. Makes the disk once; tests/machine/qemu/whole.mjs does the rest.

use std::fs;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::children::{Running, quiet};
use crate::plan::{Outcome, Plan, say};
use crate::project::{Project, Stamp, read};
use crate::{build, node, system};

const NEEDS: &str = "\
This boots whole machines under qemu. It needs Linux on x86-64, about 5 GB in build/machine and 3 GB of memory while it runs, and, the
first time, root and Debian's mirror for a disk image of 1 GB (5 minutes). Of its two stories each takes some minutes under KVM, 15 to 30
without on an idle machine.
";

/// What the image is made from: when one of these changes, it is made anew.
const RECIPE: [&str; 3] = [
    "tests/machine/qemu/image.sh",
    "machine/base/10-packages.sh",
    "package-lock.json",
];

/// Which machines, and for how long.
#[derive(Args)]
pub struct Options {
    /// Only one of the stories.
    story: Option<Story>,
    /// How long each story may take before it counts as failed.
    #[arg(long, default_value_t = 30)]
    minutes: u32,
}

/// What a machine goes through.
#[derive(Clone, Copy, ValueEnum)]
enum Story {
    /// First boot, bring-up, reboot.
    Straight,
    /// The power is cut in the midst of phases.
    Cuts,
}

/// Sets up what the machines need and boots them.
pub fn run(project: &Project, options: &Options) -> Result<ExitCode> {
    say(NEEDS);
    let mut plan = Plan::default();
    node::set_up(&mut plan);
    system::set_up_for_machines(&mut plan);
    build::machine_archive(&mut plan);
    plan.add("disk image", image);
    plan.run(project)?;

    let mut command = node::node(project);
    command
        .arg(project.path("tests/machine/qemu/whole.mjs"))
        .arg(project.build("machine"))
        .arg(options.minutes.to_string())
        .args(options.story.map(|story| match story {
            Story::Straight => "straight",
            Story::Cuts => "cuts",
        }))
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    let status = Running::start(&mut command)?.wait()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn image(project: &Project) -> Result<Outcome> {
    let folder = project.build("machine");
    let inputs = RECIPE
        .iter()
        .map(|path| read(&project.path(path)))
        .collect::<Result<Vec<_>>>()?;
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let stamp = Stamp::new(folder.join("kindling-stamp"), &inputs);
    if stamp.is_current() {
        return Ok(Outcome::Unchanged);
    }
    if !nix::unistd::geteuid().is_root() {
        bail!("the disk image is made by debootstrap, which needs root");
    }
    fs::create_dir_all(&folder).context("cannot create build/machine")?;
    quiet(
        project,
        Command::new(project.path("tests/machine/qemu/image.sh"))
            .env("OUT", &folder)
            .env("NODE", project.path("node_modules/node/bin/node")),
    )?;
    stamp.set()?;
    Ok(Outcome::Done)
}
