//! `cargo xtask deploy`: look at the settings first, since a shop that cannot be paid or reached is worse than none, then build
//! and hand over to wrangler. What may be public stands in wrangler.toml; the keys are secrets that Cloudflare keeps.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::plan::Plan;
use crate::project::{Project, read};
use crate::{build, node};

/// How to deploy.
#[derive(Args)]
pub struct Options {
    /// Do everything but the upload; needs no network and no account.
    #[arg(long)]
    dry_run: bool,
    /// Deploy although Lightning or the cloud is a stub, for a demonstration that takes and gives nothing real.
    #[arg(long)]
    allow_stub: bool,
}

/// What wrangler is told.
#[derive(Args)]
pub struct WranglerOptions {
    /// Everything goes to wrangler as it is.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Checks, builds, deploys.
pub fn run(project: &Project, options: &Options) -> Result<ExitCode> {
    let mut plan = Plan::default();
    build::set_up(&mut plan);
    plan.run(project)?;
    let settings = Settings {
        vars: vars(project)?,
        secrets: if options.dry_run {
            None
        } else {
            Some(secrets(project)?)
        },
    };
    let problems = settings.problems(options.allow_stub);
    for problem in &problems {
        println!(
            "{}: {problem}",
            if options.dry_run { "note" } else { "error" }
        );
    }
    if !problems.is_empty() && !options.dry_run {
        bail!(
            "the settings are not complete; vars are in wrangler.toml, secrets are set by `cargo xtask wrangler secret put NAME`"
        );
    }

    let mut plan = Plan::default();
    build::steps(&mut plan);
    plan.run(project)?;
    let mut command = node::wrangler(project);
    command.arg("deploy");
    if options.dry_run {
        command
            .args(["--dry-run", "--outdir"])
            .arg(project.build("dry-run"));
    }
    hand_over(&mut command)
}

/// Calls wrangler in the terminal, with its questions.
pub fn wrangler(project: &Project, options: &WranglerOptions) -> Result<ExitCode> {
    let mut plan = Plan::default();
    plan.use_stderr();
    node::set_up(&mut plan);
    plan.run(project)?;
    hand_over(node::wrangler(project).args(&options.arguments))
}

/// wrangler may ask (log in, confirm), so it gets the terminal, and Ctrl-C with it.
fn hand_over(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().context("cannot start wrangler")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Settings {
    vars: BTreeMap<String, String>,
    /// The names of the secrets that are set; None where nobody was asked.
    secrets: Option<Vec<String>>,
}

impl Settings {
    /// One sentence for each thing that would keep the shop from working.
    fn problems(&self, allow_stub: bool) -> Vec<String> {
        let mut problems = Vec::new();
        match self.var("PUBLIC_URL") {
            "" => problems.push(
                "PUBLIC_URL is not set: machines and LNbits could not reach the Worker".to_owned(),
            ),
            url if !url.starts_with("https://") => {
                problems.push("PUBLIC_URL must begin with https://".to_owned())
            }
            url if url.ends_with('/') => {
                problems.push("PUBLIC_URL must not end with a slash".to_owned())
            }
            _ => {}
        }
        if self.var("BOOTSTRAP_FEE_SATS").parse::<u64>().is_err() {
            problems.push("BOOTSTRAP_FEE_SATS is not a whole number of satoshi".to_owned());
        }
        let lightning = self.var("LNBITS_URL");
        match lightning {
            "" if allow_stub => {}
            "" => problems.push(
                "LNBITS_URL is not set: Lightning would be a stub (--allow-stub lets it be one)"
                    .to_owned(),
            ),
            url if !url.starts_with("https://") => {
                problems.push("LNBITS_URL must begin with https://".to_owned())
            }
            _ => self.require_secret("LNBITS_API_KEY", "no invoice can be made", &mut problems),
        }
        if !allow_stub {
            self.require_secret(
                "DO_API_TOKEN",
                "the cloud would be a stub (--allow-stub lets it be one)",
                &mut problems,
            );
        }
        if !["", "-"].contains(&self.var("TAILSCALE_TAILNET")) {
            self.require_secret(
                "TAILSCALE_API_KEY",
                "TAILSCALE_TAILNET is set without it",
                &mut problems,
            );
        }
        self.fiat_problems(&mut problems);
        self.push_problems(&mut problems);
        for setting in DEVELOPMENT {
            if !self.var(setting).is_empty() {
                problems.push(format!("{setting} is for development and must not be set"));
            }
        }
        for secret in SECRETS {
            if self.vars.contains_key(secret) {
                problems.push(format!(
                    "{secret} is a secret and must not stand in wrangler.toml"
                ));
            }
        }
        problems
    }

    /// Of the price that is shown beside satoshis.
    fn fiat_problems(&self, problems: &mut Vec<String>) {
        let (currency, url) = (self.var("FIAT_CURRENCY"), self.var("PRICE_URL"));
        let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        if !currency.is_empty() && !is_code {
            problems.push(
                "FIAT_CURRENCY must be a code of three capital letters, such as EUR".to_owned(),
            );
        }
        if !url.is_empty() && !url.starts_with("https://") {
            problems.push("PRICE_URL must begin with https://".to_owned());
        }
        if !currency.is_empty() && url.is_empty() && self.var("LNBITS_URL").is_empty() {
            problems.push(
                "FIAT_CURRENCY is set, but neither LNBITS_URL nor PRICE_URL tells a price"
                    .to_owned(),
            );
        }
    }

    /// Of notifications.
    fn push_problems(&self, problems: &mut Vec<String>) {
        let subject = self.var("VAPID_SUBJECT");
        let known = ["mailto:", "https://"]
            .iter()
            .any(|it| subject.starts_with(it));
        if !subject.is_empty() && !known {
            problems.push("VAPID_SUBJECT must begin with mailto: or https://".to_owned());
        }
        if self.var("PUSH_HOSTS").contains("://") {
            problems
                .push("PUSH_HOSTS must name hosts; addresses with :// are for tests".to_owned());
        }
    }

    fn var(&self, name: &str) -> &str {
        self.vars.get(name).map_or("", String::as_str)
    }

    fn require_secret(&self, name: &str, consequence: &str, problems: &mut Vec<String>) {
        if self
            .secrets
            .as_ref()
            .is_some_and(|set| !set.iter().any(|secret| secret == name))
        {
            problems.push(format!("the secret {name} is not set: {consequence}"));
        }
    }
}

/// What must never be in a file of the repository.
const SECRETS: [&str; 6] = [
    "LNBITS_API_KEY",
    "LNBITS_ADMIN_KEY",
    "DO_API_TOKEN",
    "TAILSCALE_API_KEY",
    "OPERATOR_TOKEN",
    "VAPID_PRIVATE_KEY",
];

/// What opens doors that only tests and development need.
const DEVELOPMENT: [&str; 2] = ["DEV_CLOCK", "LNURL_ALLOW_PRIVATE"];

fn vars(project: &Project) -> Result<BTreeMap<String, String>> {
    let text = String::from_utf8(read(&project.path("wrangler.toml"))?).context("wrangler.toml")?;
    parse_vars(&text)
}

fn parse_vars(configuration: &str) -> Result<BTreeMap<String, String>> {
    let configuration: toml::Table = configuration.parse().context("wrangler.toml")?;
    let Some(vars) = configuration.get("vars").and_then(toml::Value::as_table) else {
        return Ok(BTreeMap::new());
    };
    vars.iter()
        .map(|(name, value)| match value {
            toml::Value::String(text) => Ok((name.clone(), text.clone())),
            _ => bail!("wrangler.toml: {name} must be a string, since the Worker reads text"),
        })
        .collect()
}

/// The names of the secrets at Cloudflare; their values cannot be read back.
fn secrets(project: &Project) -> Result<Vec<String>> {
    let output = node::wrangler(project)
        .args(["secret", "list", "--format", "json"])
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        // Cloudflare's code for a Worker that does not exist: a first deployment, so no secret is set.
        if said.contains("10007") {
            return Ok(Vec::new());
        }
        bail!(
            "wrangler could not list the secrets; `cargo xtask wrangler login` or CLOUDFLARE_API_TOKEN lets it in:\n{said}"
        );
    }
    let list: Value = serde_json::from_slice(&output.stdout).context("wrangler secret list")?;
    let names = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|secret| secret["name"].as_str());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(vars: &[(&str, &str)], secrets: &[&str]) -> Settings {
        let mut all = BTreeMap::from([("BOOTSTRAP_FEE_SATS".to_owned(), "10000".to_owned())]);
        all.extend(
            vars.iter()
                .map(|(name, value)| (name.to_string(), value.to_string())),
        );
        Settings {
            vars: all,
            secrets: Some(secrets.iter().map(ToString::to_string).collect()),
        }
    }

    const URLS: [(&str, &str); 2] = [
        ("PUBLIC_URL", "https://shop.example"),
        ("LNBITS_URL", "https://lnbits.example"),
    ];

    #[test]
    fn complete_settings_pass() {
        assert!(
            settings(&URLS, &["LNBITS_API_KEY", "DO_API_TOKEN"])
                .problems(false)
                .is_empty()
        );
    }

    #[test]
    fn prices_and_notifications_may_be_set() {
        let more = [
            ("FIAT_CURRENCY", "EUR"),
            ("PRICE_URL", "https://prices.example/{currency}"),
            ("VAPID_SUBJECT", "mailto:me@shop.example"),
            ("PUSH_HOSTS", "push.example *.push.example"),
        ];
        let all: Vec<_> = URLS.into_iter().chain(more).collect();
        let secrets = ["LNBITS_API_KEY", "DO_API_TOKEN", "VAPID_PRIVATE_KEY"];
        assert!(settings(&all, &secrets).problems(false).is_empty());
    }

    #[test]
    fn each_missing_part_is_named() {
        let named = |settings: Settings, name: &str| {
            let problems = settings.problems(false);
            assert!(
                problems.iter().any(|problem| problem.contains(name)),
                "{name}: {problems:?}"
            );
        };
        named(
            settings(&[URLS[1]], &["LNBITS_API_KEY", "DO_API_TOKEN"]),
            "PUBLIC_URL",
        );
        named(
            settings(&[URLS[1], ("PUBLIC_URL", "http://shop.example")], &[]),
            "https://",
        );
        named(
            settings(&[URLS[1], ("PUBLIC_URL", "https://shop.example/")], &[]),
            "slash",
        );
        named(settings(&[URLS[0]], &["DO_API_TOKEN"]), "LNBITS_URL");
        named(settings(&URLS, &["DO_API_TOKEN"]), "LNBITS_API_KEY");
        named(settings(&URLS, &["LNBITS_API_KEY"]), "DO_API_TOKEN");
        named(
            settings(&[("TAILSCALE_TAILNET", "shop.example")], &[]),
            "TAILSCALE_API_KEY",
        );
        named(
            settings(&[("BOOTSTRAP_FEE_SATS", "1e4")], &[]),
            "BOOTSTRAP_FEE_SATS",
        );
        named(
            settings(&[("DEV_CLOCK", "0")], &[]),
            "DEV_CLOCK is for development",
        );
        named(
            settings(&[("DO_API_TOKEN", "x")], &[]),
            "must not stand in wrangler.toml",
        );
        named(
            settings(&[("VAPID_PRIVATE_KEY", "x")], &[]),
            "VAPID_PRIVATE_KEY is a secret",
        );
        for (name, bad) in [
            ("FIAT_CURRENCY", "euro"),
            ("FIAT_CURRENCY", "EUR"),
            ("PRICE_URL", "http://prices.example/{currency}"),
            ("VAPID_SUBJECT", "me@shop.example"),
            ("PUSH_HOSTS", "push.example http://127.0.0.1:9000"),
        ] {
            named(settings(&[(name, bad)], &[]), name);
        }
    }

    #[test]
    fn stubs_are_deployed_only_on_request() {
        let stub = settings(&[URLS[0]], &[]);
        assert!(!stub.problems(false).is_empty());
        assert!(stub.problems(true).is_empty());
    }

    #[test]
    fn vars_are_text() {
        assert_eq!(parse_vars("[vars]\nA = \"1\"").unwrap()["A"], "1");
        assert!(parse_vars("[vars]\nA = 1").is_err());
        assert!(parse_vars("name = \"kindling\"").unwrap().is_empty());
    }
}
