//! The machine's scripts as user-data carries them, in `build/<product>.tar.xz.base64`: for tests that boot a machine without a Worker.

use anyhow::{Result, bail};

use crate::plan::{Outcome, Plan};
use crate::project::{Project, write};
use crate::rust::cargo;

/// Adds the step.
pub fn steps(plan: &mut Plan) {
    plan.add("machine archive", archive);
}

fn archive(project: &Project) -> Result<Outcome> {
    for product in ["full_node", "classroom"] {
        let output = cargo(project)
            .args(["run", "--quiet", "--package", "kindling-domain"])
            .args(["--example", "machine_archive", product])
            .output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        // Each time, since its age tells the tests whether it is of today's sources.
        write(
            &project.build(&format!("{product}.tar.xz.base64")),
            &output.stdout,
        )?;
    }
    Ok(Outcome::Done)
}
