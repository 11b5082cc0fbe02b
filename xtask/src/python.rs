//! LNbits for the tests, and a second implementation of Core Lightning's runes, in a virtual environment of the project's own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::children::quiet;
use crate::plan::{Outcome, Plan};
use crate::project::{Project, Stamp};

/// LNbits 1.6 does not start with bitstring 5, which its own requirements would allow.
const REQUIREMENTS: [&str; 3] = ["lnbits==1.6.2", "bitstring<5", "runes==0.6"];

/// The Pythons that LNbits 1.6 supports, the newest first; plain `python3` may be one of them.
const CANDIDATES: [&str; 4] = ["python3.12", "python3.11", "python3.10", "python3"];

/// Exits with 0 only in a Python that can make the environment: the right version, and Debian's python3-venv where it is separate.
const PROBE: &str =
    "import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))";

/// Adds the step.
pub fn set_up(plan: &mut Plan) {
    plan.add("LNbits for the tests", lnbits);
}

fn lnbits(project: &Project) -> Result<Outcome> {
    let environment = project.build("lnbits-venv");
    let requirements: Vec<&[u8]> = REQUIREMENTS.iter().map(|text| text.as_bytes()).collect();
    let stamp = Stamp::new(environment.join("kindling-stamp"), &requirements);
    let python = environment.join("bin/python");
    if stamp.is_current() && works(&python) {
        return Ok(Outcome::Unchanged);
    }
    let base = CANDIDATES.into_iter().find(|name| works(Path::new(name)));
    let Some(base) = base else {
        bail!(
            "no Python 3.10, 3.11 or 3.12 with venv was found, and LNbits, which the tests run, needs one \
             (on Debian: apt install python3 python3-venv)"
        );
    };
    if environment.exists() {
        // A half-made one, or one of other versions.
        fs::remove_dir_all(&environment).context("cannot remove the old virtual environment")?;
    }
    quiet(
        project,
        Command::new(base).args(["-m", "venv"]).arg(&environment),
    )?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
    ])
    .args(REQUIREMENTS);
    quiet(project, &mut pip)?;
    stamp.set()?;
    Ok(Outcome::Done)
}

fn works(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", PROBE])
        .output()
        .is_ok_and(|output| output.status.success())
}
