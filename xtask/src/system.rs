//! Programs that are taken from the system's package manager.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::children::quiet;
use crate::plan::{Outcome, Plan};
use crate::project::Project;

/// A command, and Debian's package that has it.
type Program = (&'static str, &'static str);

/// What the tests call.
const TESTS: [Program; 16] = [
    ("chromium", "chromium"),
    ("shellcheck", "shellcheck"),
    ("age", "age"),
    ("cloud-init", "cloud-init"),
    ("curl", "curl"),
    ("gpg", "gnupg"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("jq", "jq"),
    ("mkfs.ext4", "e2fsprogs"),
    ("nginx", "nginx-light"),
    ("openssl", "openssl"),
    ("ssh-keygen", "openssh-client"),
    ("ufw", "ufw"),
    ("unshare", "util-linux"),
    ("useradd", "passwd"),
];

/// What whole machines under qemu are made with and driven by.
const MACHINES: [Program; 10] = [
    ("age", "age"),
    ("debootstrap", "debootstrap"),
    ("genisoimage", "genisoimage"),
    ("gpg", "gnupg"),
    ("mkfs.ext4", "e2fsprogs"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("setpriv", "util-linux"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("unshare", "util-linux"),
];

/// A mirror that hiccups is asked again; a fresh system that updates itself is waited for.
const PATIENT: [&str; 4] = ["-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300"];

/// Adds the step.
pub fn set_up(plan: &mut Plan) {
    plan.add("programs for the tests", |project| install(project, &TESTS));
}

/// Adds the step.
pub fn set_up_for_machines(plan: &mut Plan) {
    plan.add("programs for whole machines", |project| {
        install(project, &MACHINES)
    });
}

fn install(project: &Project, programs: &[Program]) -> Result<Outcome> {
    let missing = missing_packages(programs);
    if missing.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let list = missing.join(" ");
    let Some(apt) = apt_get() else {
        bail!("more programs are needed; install them with: sudo apt-get install {list}");
    };
    let failed = || format!("more programs are needed, and they could not be installed: {list}");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(apt[0]);
        command
            .args(&apt[1..])
            .args(PATIENT)
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    quiet(project, &mut command(&["update", "-qq"])).with_context(failed)?;
    quiet(
        project,
        command(&["install", "-y", "-qq", "--no-install-recommends"]).args(&missing),
    )
    .with_context(failed)?;
    let still = missing_packages(programs);
    if !still.is_empty() {
        bail!(
            "installed, but their commands are not on the PATH: {}",
            still.join(" ")
        );
    }
    Ok(Outcome::Done)
}

fn missing_packages(programs: &[Program]) -> Vec<&'static str> {
    programs
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| *package)
        .collect()
}

/// Where a command is, looked up as a shell would, and in the system folders that an ordinary user's PATH may lack.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// How apt-get can be called without a question to anyone, if at all.
fn apt_get() -> Option<Vec<&'static str>> {
    find("apt-get")?;
    if nix::unistd::geteuid().is_root() {
        return Some(vec!["apt-get"]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).output();
    sudo.is_ok_and(|output| output.status.success())
        .then(|| vec!["sudo", "-n", "apt-get"])
}
