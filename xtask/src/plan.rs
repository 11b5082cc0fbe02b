//! A list of steps with a line for each: `[3/6] app wasm ... 41 s`.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::project::Project;

/// How a step ended.
pub enum Outcome {
    /// Something was done.
    Done,
    /// Everything was there already.
    Unchanged,
}

type Action = fn(&Project) -> Result<Outcome>;

/// Steps in the order in which they run; the first that fails ends the plan.
#[derive(Default)]
pub struct Plan {
    steps: Vec<(&'static str, Action)>,
    stderr: bool,
}

impl Plan {
    /// Adds a step.
    pub fn add(&mut self, name: &'static str, action: Action) {
        self.steps.push((name, action));
    }

    /// Keeps stdout free, for a command whose stdout is data.
    pub fn use_stderr(&mut self) {
        self.stderr = true;
    }

    /// Runs every step.
    pub fn run(self, project: &Project) -> Result<()> {
        let total = self.steps.len();
        let say = if self.stderr { say_to_stderr } else { say };
        let _lock = alone(project, say)?;
        for (index, (name, action)) in self.steps.into_iter().enumerate() {
            let end = if project.verbose { "\n" } else { "" };
            say(&format!("[{}/{total}] {name} ... {end}", index + 1));
            let started = Instant::now();
            match action(project) {
                Ok(Outcome::Done) => say(&format!("{}\n", seconds(started.elapsed()))),
                Ok(Outcome::Unchanged) => say("unchanged\n"),
                Err(error) => {
                    say(&format!("failed after {}\n", seconds(started.elapsed())));
                    return Err(error).context(name);
                }
            }
        }
        Ok(())
    }
}

/// Two builds at once in one folder would take each other's files away; the second waits until this lock is dropped.
fn alone(project: &Project, say: fn(&str)) -> Result<File> {
    let folder = project.path("build");
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join(".lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("waiting for another cargo xtask in this folder\n");
            lock.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(lock)
}

/// A duration for people: one decimal below ten seconds, none above.
pub fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{seconds:.0} s")
    }
}

/// Prints a piece of a line at once.
pub fn say(text: &str) {
    print!("{text}");
    // A terminal that cannot be written to is no reason to stop.
    let _ = std::io::stdout().flush();
}

fn say_to_stderr(text: &str) {
    eprint!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::from_millis(240)), "0.2 s");
        assert_eq!(seconds(Duration::from_millis(41_400)), "41 s");
    }
}
