//! Every process this program starts, and their end. Invariant: no child outlives this program's stop by Ctrl-C, SIGTERM
//! or a closed terminal. Each child leads its own process group, so what it starts in turn ends with it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::project::Project;

/// How long a process group may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(8);

static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
static STOPPING: AtomicBool = AtomicBool::new(false);
static LISTENER: Once = Once::new();

/// A running process, and the group that it leads.
pub struct Running {
    child: Child,
    group: i32,
}

impl Running {
    /// Starts a process with no input.
    pub fn start(command: &mut Command) -> Result<Self> {
        LISTENER.call_once(listen);
        // Held over the start, so that a signal finds either no process or a registered one.
        let mut groups = groups();
        if STOPPING.load(Ordering::SeqCst) {
            drop(groups);
            wait_if_stopping();
            bail!("being stopped");
        }
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        let group = i32::try_from(child.id()).context("process id out of range")?;
        groups.insert(group);
        Ok(Self { child, group })
    }

    /// The exit status when it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait()?)
    }

    /// Calls `each` with every line of its output, in a thread of its own; ends when the output is closed.
    pub fn on_lines(&mut self, each: impl Fn(&str) + Clone + Send + 'static) {
        let out = self
            .child
            .stdout
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let err = self
            .child
            .stderr
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        for pipe in [out, err].into_iter().flatten() {
            let each = each.clone();
            thread::spawn(move || {
                for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                    each(String::from_utf8_lossy(&line).trim_end());
                }
            });
        }
    }
}

impl Drop for Running {
    /// Ends what is left of the group, whichever way its leader ended.
    fn drop(&mut self) {
        end(&mut self.child, self.group);
        groups().remove(&self.group);
    }
}

/// Runs a tool to its end and gives back what it printed; shows that only when it fails.
pub fn quiet(project: &Project, command: &mut Command) -> Result<String> {
    let (status, printed) = capture(project, command)?;
    if !status.success() {
        wait_if_stopping();
        if !project.verbose {
            eprintln!("{printed}");
        }
        bail!("{} failed ({status})", describe(command));
    }
    Ok(printed)
}

/// Runs a tool to its end: its status, and stdout and stderr in the order of their lines.
pub fn capture(project: &Project, command: &mut Command) -> Result<(ExitStatus, String)> {
    let (mut reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut running = Running::start(command)?;
    // The command keeps our ends of the pipe open; only without them does the output come to an end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let verbose = project.verbose;
    let collector = thread::spawn(move || collect(&mut reader, verbose));
    let status = running.wait()?;
    drop(running);
    let printed = collector.join().unwrap_or_default();
    Ok((status, printed))
}

/// Does not come back when this program is being stopped: the listener ends it once the children are gone.
pub fn wait_if_stopping() {
    while STOPPING.load(Ordering::SeqCst) {
        thread::park();
    }
}

fn collect(reader: &mut impl Read, echo: bool) -> String {
    let mut printed = String::new();
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if echo {
            println!("{line}");
        }
        printed.push_str(&line);
        printed.push('\n');
    }
    printed
}

fn describe(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    match command.get_args().next() {
        Some(first) => {
            let first = first.to_string_lossy();
            format!("{name} {}", first.rsplit('/').next().unwrap_or(&first))
        }
        None => name,
    }
}

fn groups() -> MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on Ctrl-C and its like end the children first and then this program.
fn listen() {
    match Signals::new([SIGINT, SIGTERM, SIGHUP]) {
        Ok(mut signals) => {
            thread::spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    stop_everything(signal);
                }
            });
        }
        Err(error) => eprintln!("warning: Ctrl-C will not end child processes: {error}"),
    }
}

fn stop_everything(signal: i32) -> ! {
    STOPPING.store(true, Ordering::SeqCst);
    let all: Vec<i32> = groups().iter().copied().collect();
    for group in &all {
        send(*group, Signal::SIGTERM);
    }
    let deadline = Instant::now() + GRACE;
    for group in all {
        if !gone_before(group, deadline, || ()) {
            send(group, Signal::SIGKILL);
        }
    }
    eprintln!();
    std::process::exit(128 + signal)
}

fn end(leader: &mut Child, group: i32) {
    send(group, Signal::SIGTERM);
    // A leader that nobody has waited for still counts as a member.
    let reap = || {
        let _ = leader.try_wait();
    };
    if !gone_before(group, Instant::now() + GRACE, reap) {
        send(group, Signal::SIGKILL);
        let _ = leader.wait();
    }
}

/// Whether the group has no member left before the deadline; `meanwhile` is called between the looks.
fn gone_before(group: i32, deadline: Instant, mut meanwhile: impl FnMut()) -> bool {
    loop {
        meanwhile();
        if killpg(Pid::from_raw(group), None).is_err() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn send(group: i32, signal: Signal) {
    // An error means that the group is gone, which is what we are after.
    let _ = killpg(Pid::from_raw(group), signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_keeps_its_order_and_its_status() -> Result<()> {
        let project = Project::open(false)?;
        let (status, printed) =
            capture(&project, &mut shell("echo a; echo b >&2; echo c; exit 3"))?;
        assert_eq!((status.code(), printed.as_str()), (Some(3), "a\nb\nc\n"));
        Ok(())
    }

    #[test]
    fn what_a_child_left_behind_ends_with_it() -> Result<()> {
        let project = Project::open(false)?;
        let (_, printed) = capture(&project, &mut shell("sleep 600 >/dev/null 2>&1 & echo $!"))?;
        let orphan = Pid::from_raw(printed.trim().parse()?);
        // It may stay a moment as a zombie that init has not collected yet.
        let stat = std::fs::read_to_string(format!("/proc/{orphan}/stat")).unwrap_or_default();
        assert!(
            stat.is_empty() || stat.contains(") Z "),
            "still there: {stat}"
        );
        Ok(())
    }
}
