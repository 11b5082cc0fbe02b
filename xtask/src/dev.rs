//! `cargo xtask dev`: build, start workerd through wrangler, say where it is, and end with everything on Ctrl-C.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::children::{Running, wait_if_stopping};
use crate::plan::{Plan, seconds};
use crate::project::Project;
use crate::{build, node, order};

/// How long wrangler may take until the Worker answers.
const PATIENCE: Duration = Duration::from_secs(90);

/// The limits of a shop that is being tried out: nobody meets them by hand.
const GENEROUS: [(&str, &str); 4] = [
    ("FLEET_CAPACITY", "100000"),
    ("UNPAID_PER_FLEET", "100000"),
    ("UNPAID_PER_ADDRESS", "100000"),
    ("CREATES_PER_MINUTE", "100000"),
];

/// Where to serve.
#[derive(Args)]
pub struct Options {
    /// The port to serve on.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Serve other machines too: on every address, or on the one given. (Browsers allow key storage, clipboard and service
    /// worker only on https and on this machine itself.)
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_value = "127.0.0.1", default_missing_value = "0.0.0.0")]
    host: IpAddr,
}

/// Builds and serves until stopped.
pub fn run(project: &Project, options: &Options) -> Result<ExitCode> {
    let started = Instant::now();
    let address = SocketAddr::new(options.host, options.port);
    check_free(address)?;
    let mut plan = Plan::default();
    build::set_up(&mut plan);
    build::steps(&mut plan);
    plan.run(project)?;

    let url = url(address);
    let talk = Talk::default();
    let mut server = start(project, address, &url, talk.clone())?;
    let health = match wait_until_ready(&mut server, &url) {
        Ok(health) => health,
        Err(error) => {
            wait_if_stopping();
            talk.show_held();
            return Err(error);
        }
    };
    println!(
        "\nKindling is ready: {url}  (after {})",
        seconds(started.elapsed())
    );
    describe(&health);
    println!("Ctrl-C ends it; `cargo xtask build` in another terminal puts changes in place.\n");
    talk.open();

    let status = server.wait()?;
    wait_if_stopping();
    bail!("wrangler ended by itself ({status})");
}

fn start(project: &Project, address: SocketAddr, url: &str, talk: Talk) -> Result<Running> {
    let mut command = node::wrangler(project);
    command
        .args([
            "dev",
            "--local",
            "--show-interactive-dev-session=false",
            "--inspector-port",
            "0",
        ])
        .args([
            "--ip",
            &address.ip().to_string(),
            "--port",
            &address.port().to_string(),
            "--persist-to",
        ])
        .arg(project.build("dev-state"))
        .env("CI", "1")
        // workerd would ask Cloudflare for a sample of request.cf.
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let token = draw_operator_token(project)?;
    let own = [("PUBLIC_URL", url), ("OPERATOR_TOKEN", token.as_str())];
    let set = fs::read_to_string(project.path(".dev.vars")).unwrap_or_default();
    for (name, value) in own.into_iter().chain(GENEROUS) {
        if !names(&set, name) {
            command.args(["--var", &format!("{name}:{value}")]);
        }
    }
    let mut server = Running::start(&mut command)?;
    let verbose = project.verbose;
    server.on_lines(move |line| talk.say(line, verbose));
    Ok(server)
}

/// Waits for the Worker's own answer, not for a message of wrangler's.
fn wait_until_ready(server: &mut Running, url: &str) -> Result<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = server.ended()? {
            bail!("wrangler ended before the Worker answered ({status})");
        }
        let answer = minreq::get(format!("{url}/api/health"))
            .with_timeout(5)
            .send();
        if let Some(health) = answer.ok().filter(|answer| answer.status_code == 200) {
            return serde_json::from_slice(health.as_bytes())
                .context("GET /api/health gave no JSON");
        }
        if Instant::now() > deadline {
            bail!(
                "GET {url}/api/health did not answer 200 within {}",
                seconds(PATIENCE)
            );
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn describe(health: &Value) {
    let stub = |part: &str| health["stubs"][part].as_bool().unwrap_or(false);
    let lightning = if stub("lightning") {
        "stub; LNBITS_URL and LNBITS_API_KEY make it real"
    } else {
        "LNbits"
    };
    let cloud = if stub("cloud") {
        "stub; DO_API_TOKEN makes it real"
    } else {
        "DigitalOcean: machines cost money"
    };
    let tailscale = if health["tailscale"].as_bool() == Some(true) {
        "on"
    } else {
        "off; TAILSCALE_API_KEY turns it on"
    };
    println!("  lightning  {lightning}\n  cloud      {cloud}\n  tailscale  {tailscale}");
    if stub("lightning") || stub("cloud") {
        println!("  settings go into .dev.vars; .dev.vars.example names them");
    }
}

/// wrangler would pick another port or fail late.
fn check_free(address: SocketAddr) -> Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let next = address.port().checked_add(1).unwrap_or(8787);
            bail!(
                "port {} is in use; choose another: cargo xtask dev --port {next}",
                address.port()
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot serve on {address}")),
    }
}

/// The address that others can call: with every address served, the one that leads out of this machine.
fn url(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() {
        outward().unwrap_or(Ipv4Addr::LOCALHOST.into())
    } else {
        address.ip()
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// Connecting a UDP socket sends nothing; it only makes the system choose the source address (of a documentation address here).
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Draws the token that opens the operator's paths of this run, and leaves it where `cargo xtask order` finds it.
fn draw_operator_token(project: &Project) -> Result<String> {
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("no randomness")?;
    let token = hex::encode(bytes);
    let file = project.build(order::DEV_TOKEN);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(&file)
        .and_then(|mut file| file.write_all(token.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(token)
}

/// Whether these settings give `name` a value.
fn names(vars: &str, name: &str) -> bool {
    vars.lines()
        .filter_map(|line| line.split_once('='))
        .any(|(set, value)| {
            set.trim() == name && !value.trim().trim_matches(['"', '\'']).is_empty()
        })
}

/// What wrangler and the Worker print: held back until the URL is shown, then passed on.
#[derive(Clone, Default)]
struct Talk(Arc<Mutex<Talked>>);

#[derive(Default)]
struct Talked {
    open: bool,
    held: Vec<String>,
}

impl Talk {
    fn say(&self, line: &str, verbose: bool) {
        let mut talked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if talked.open || verbose {
            println!("{line}");
        } else {
            talked.held.push(line.to_owned());
        }
    }

    /// Shows everything from here on; what wrangler said while it started well is of no interest.
    fn open(&self) {
        let mut talked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        talked.open = true;
        talked.held.clear();
    }

    fn show_held(&self) {
        let talked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        talked.held.iter().for_each(|line| println!("{line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_the_developers_is_noticed() {
        let named = |vars| names(vars, "PUBLIC_URL");
        assert!(named("A=1\nPUBLIC_URL = \"https://example.com\"\n"));
        assert!(!named(
            "# PUBLIC_URL=https://example.com\nPUBLIC_URL=\"\"\n"
        ));
        assert!(!named(""));
    }

    #[test]
    fn a_port_in_use_is_told_before_anything_is_built() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = check_free(address).unwrap_err().to_string();
        assert!(
            error.contains("in use") && error.contains(&address.port().to_string()),
            "{error}"
        );
        drop(taken);
        assert!(check_free(address).is_ok());
    }

    #[test]
    fn urls_name_one_address() {
        assert_eq!(
            url("127.0.0.1:8787".parse().unwrap()),
            "http://127.0.0.1:8787"
        );
        assert!(!url("0.0.0.0:1".parse().unwrap()).contains("0.0.0.0"));
    }
}
