//! From sources to the deployable: `build/worker` and `build/assets`.

mod assets;
mod machine;
mod sizes;
mod slim;
mod wasm;

use std::process::ExitCode;

use anyhow::Result;

use crate::plan::Plan;
use crate::project::Project;
use crate::{node, rust};

/// `cargo xtask build`.
pub fn run(project: &Project) -> Result<ExitCode> {
    let mut plan = Plan::default();
    set_up(&mut plan);
    steps(&mut plan);
    plan.run(project)?;
    sizes::print(project)?;
    Ok(ExitCode::SUCCESS)
}

/// What must be there before anything can be built.
pub fn set_up(plan: &mut Plan) {
    rust::set_up(plan);
    node::set_up(plan);
}

/// What the machine's tests need of it.
pub fn machine_archive(plan: &mut Plan) {
    machine::steps(plan);
}

/// The build itself.
pub fn steps(plan: &mut Plan) {
    wasm::steps(plan);
    assets::steps(plan);
    machine_archive(plan);
}
