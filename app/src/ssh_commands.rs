//! What to type to get in, per system. Everything that goes into a command is checked first: it will be pasted into a shell.

use crate::browser::System;
use crate::words::ssh as words;
use std::net::IpAddr;

/// One thing to do: a sentence and the command for it.
pub struct Step {
    /// Why.
    pub title: &'static str,
    /// What the command is, for its copy button.
    pub what: &'static str,
    /// What to paste.
    pub command: String,
}

/// A machine that commands can be written for.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    key_file: String,
    address: IpAddr,
    known_hosts: Vec<String>,
}

impl Target {
    /// `None` where the server's words are not an address and host keys but something a shell might act on.
    pub fn new(key_file: &str, address: &str, host_keys: &[String]) -> Option<Self> {
        let address: IpAddr = address.parse().ok()?;
        let known_hosts = host_keys
            .iter()
            .map(|key| host_key(key).map(|key| format!("{address} {key}")));
        Some(Self {
            key_file: key_file.to_owned(),
            address,
            known_hosts: known_hosts.collect::<Option<_>>()?,
        })
    }

    /// The lines for `known_hosts`.
    pub fn known_hosts(&self) -> &[String] {
        &self.known_hosts
    }

    /// From the downloaded file to a prompt.
    pub fn steps(&self, system: System) -> Vec<Step> {
        vec![
            Step {
                title: words::keep(),
                what: words::keep_command(),
                command: self.keep(system),
            },
            Step {
                title: words::trust(),
                what: words::trust_command(),
                command: self.trust(system),
            },
            Step {
                title: words::login(),
                what: words::login_command(),
                command: self.login(system, ""),
            },
        ]
    }

    /// Logs in, with LNbits answering at `http://127.0.0.1:5000` while the session is open.
    pub fn tunnel(&self, system: System) -> String {
        self.login(system, "-L 5000:127.0.0.1:5000 ")
    }

    /// Runs one command on the machine.
    pub fn remote(&self, system: System, command: &str) -> String {
        format!("{} {command}", self.login(system, ""))
    }

    /// Runs one command on the machine that asks for something: it gets a terminal, which can keep what is typed off the screen.
    pub fn dialogue(&self, system: System, command: &str) -> String {
        format!("{} {command}", self.login(system, "-t "))
    }

    fn keep(&self, system: System) -> String {
        let file = &self.key_file;
        match system {
            System::Windows => format!(
                "New-Item -ItemType Directory -Force \"$HOME\\.ssh\" | Out-Null\n\
                 Move-Item \"$HOME\\Downloads\\{file}\" \"$HOME\\.ssh\\{file}\"\n\
                 icacls \"$HOME\\.ssh\\{file}\" /inheritance:r /grant:r \"$($env:USERNAME):R\""
            ),
            System::Mac | System::Linux => format!(
                "mkdir -p -m 700 ~/.ssh\nmv ~/Downloads/{file} ~/.ssh/\nchmod 600 ~/.ssh/{file}"
            ),
        }
    }

    fn trust(&self, system: System) -> String {
        let line = |line: &String| match system {
            System::Windows => format!("Add-Content \"$HOME\\.ssh\\known_hosts\" '{line}'"),
            System::Mac | System::Linux => format!("echo '{line}' >> ~/.ssh/known_hosts"),
        };
        self.known_hosts
            .iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn login(&self, system: System, options: &str) -> String {
        let (file, address) = (&self.key_file, &self.address);
        match system {
            System::Windows => format!("ssh -i \"$HOME\\.ssh\\{file}\" {options}root@{address}"),
            System::Mac | System::Linux => format!("ssh -i ~/.ssh/{file} {options}root@{address}"),
        }
    }
}

/// `type base64`, and nothing else.
fn host_key(text: &str) -> Option<&str> {
    let (kind, base64) = text.split_once(' ')?;
    let kind_fits = kind
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'@' | b'.'));
    let base64_fits = base64
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    (kind_fits && base64_fits && !kind.is_empty() && !base64.is_empty()).then_some(text)
}
