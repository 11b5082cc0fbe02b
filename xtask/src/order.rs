//! `cargo xtask order`: what the operator can see of a running deployment: the fleets and what needs a look, or one order's story.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::project::Project;

/// Where `cargo xtask dev` leaves the token it has drawn.
pub const DEV_TOKEN: &str = "operator-token";

/// What to show.
#[derive(Args)]
pub struct Options {
    /// The order's id, 32 hex digits; without it, the fleets and every order that needs a look.
    id: Option<String>,
    /// The deployment.
    #[arg(long, default_value = "http://127.0.0.1:8787", env = "KINDLING_URL")]
    url: String,
    /// Note that what is owed was paid back by hand.
    #[arg(long, requires = "id")]
    refunded: bool,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Asks and prints.
pub fn run(project: &Project, options: &Options) -> Result<ExitCode> {
    let url = options.url.trim_end_matches('/');
    if let Some(id) = &options.id
        && (id.len() != 32 || !id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    {
        bail!(
            "an order id is 32 lowercase hex digits; it stands in the order's link, before the #"
        );
    }
    let token = token(project, url)?;
    let ask = |request: minreq::Request| ask(request, &token);
    if options.refunded {
        let id = options.id.as_deref().unwrap_or_default();
        let at = format!("{url}/api/operator/orders/{id}/refunded");
        ask(minreq::post(at)).context("it could not be noted; a refund may be under way")?;
    }
    let answer = match &options.id {
        Some(id) => ask(minreq::get(format!("{url}/api/operator/orders/{id}")))?,
        None => ask(minreq::get(format!("{url}/api/operator/fleets")))?,
    };
    let text = match &options.id {
        _ if options.json => serde_json::to_string_pretty(&answer)?,
        Some(_) => story(&answer),
        None => fleets(&answer),
    };
    println!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The operator's token: from the environment, or, of the server on this machine, the one it has drawn.
fn token(project: &Project, url: &str) -> Result<String> {
    if let Ok(token) = std::env::var("OPERATOR_TOKEN") {
        return Ok(token);
    }
    let local = url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost");
    if !local {
        bail!("set OPERATOR_TOKEN to the deployment's secret of that name");
    }
    let file = project.build(DEV_TOKEN);
    let token = fs::read_to_string(&file)
        .context("OPERATOR_TOKEN is not set, and no `cargo xtask dev` has left one here")?;
    Ok(token.trim().to_owned())
}

fn ask(request: minreq::Request, token: &str) -> Result<Value> {
    let answer = request
        .with_header("authorization", format!("Bearer {token}"))
        .with_timeout(30)
        .send()
        .context("the deployment does not answer")?;
    match answer.status_code {
        200 => serde_json::from_slice(answer.as_bytes()).context("the answer is no JSON"),
        404 => bail!("there is no such order, or OPERATOR_TOKEN is not the deployment's"),
        status => bail!("the deployment answered {status}"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// RFC 3339 of a time in milliseconds.
fn time(millis: &Value) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(millis.as_u64().unwrap_or(0));
    humantime::format_rfc3339_seconds(at).to_string()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fleets(answer: &Value) -> String {
    let mut lines = vec!["fleet                 places  free".to_owned()];
    let mut notes = Vec::new();
    for fleet in list(&answer["fleets"]) {
        let free = match &fleet["free"] {
            Value::Null => "does not answer".to_owned(),
            free => text(free),
        };
        lines.push(format!(
            "{:20}  {:>6}  {free}",
            text(&fleet["name"]),
            text(&fleet["capacity"])
        ));
        notes.extend(list(&fleet["orders"]).filter(|order| order["note"].is_string()));
    }
    lines.push(String::new());
    if notes.is_empty() {
        lines.push("no order needs a look".to_owned());
    } else {
        lines.push("orders that need a look".to_owned());
    }
    for order in notes {
        lines.push(format!(
            "  {}  {}",
            text(&order["id"]),
            text(&order["note"])
        ));
    }
    lines.join("\n")
}

fn story(answer: &Value) -> String {
    let (order, inner) = (&answer["order"], &answer["inner"]);
    let why = order["errorCode"]
        .as_str()
        .map_or_else(String::new, |code| format!(" ({code})"));
    let mut lines = vec![
        format!(
            "order {}: {}{why}",
            text(&order["bootstrapJobId"]),
            text(&order["state"])
        ),
        format!(
            "  bought    {} for {} sats at {}, fleet {}",
            text(&order["product"]["kind"]),
            text(&order["amountSats"]),
            text(&order["createdAt"]),
            text(&inner["fleet"]),
        ),
        format!(
            "  money     received {} sats, owed {}, returned {}",
            text(&inner["received_sats"]),
            text(&inner["owed_sats"]),
            text(&inner["refund"]["returned_sats"]),
        ),
    ];
    for bill in list(&inner["bills"]) {
        let odd = bill["odd"]
            .as_str()
            .map_or_else(String::new, |odd| format!(", in quarantine: {odd}"));
        lines.push(format!(
            "  bill      {} sats for {}: {}{odd}, hash {}",
            text(&bill["amount_sats"]),
            text(&bill["purpose"]["for"]),
            text(&bill["standing"]["is"]),
            text(&bill["payment_hash"]),
        ));
    }
    if let Some(payout) = inner["refund"]["payout"].as_object() {
        lines.push(format!(
            "  refund    {} sats under way, hash {}",
            text(&payout["amount_sats"]),
            text(&payout["payment_hash"]),
        ));
    } else if order["refund"].is_object() {
        let address = inner["refund"]["has_address"] == Value::Bool(true);
        let problem = inner["refund"]["problem"].as_str();
        lines.push(format!(
            "  refund    {}, {}",
            text(&order["refund"]["state"]),
            problem.unwrap_or(if address {
                "the customer gave an address"
            } else {
                "no address yet"
            }),
        ));
    }
    let has = &inner["resources"];
    lines.push(format!(
        "  cloud     droplet {}, address {}, volume {}, SSH key {}, tailnet {}",
        text(&has["droplet"]),
        text(&has["address"]),
        text(&has["volume"]),
        text(&has["ssh_key"]["id"]),
        text(&has["tailscale_node"]),
    ));
    if let Some(end) = order["endsAt"].as_str() {
        lines.push(format!("  ends      {end}"));
    }
    lines.push(String::new());
    for entry in list(&answer["journal"]) {
        lines.push(format!(
            "{}  {:22}  {}",
            time(&entry["at"]),
            text(&entry["event"]),
            text(&entry["detail"])
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_story_reads_from_the_order_to_its_last_line() {
        let answer = json!({
            "order": {
                "bootstrapJobId": "ab", "state": "failed", "errorCode": "no_capacity", "amountSats": 10_000,
                "createdAt": "2026-11-21T12:00:00Z", "product": { "kind": "full_node" }, "refund": { "state": "owed" },
            },
            "inner": {
                "fleet": "nyc3", "received_sats": 10_000, "owed_sats": 10_000,
                "refund": { "returned_sats": 0, "has_address": false },
                "bills": [{
                    "amount_sats": 10_000, "purpose": { "for": "machine" }, "standing": { "is": "owed" },
                    "payment_hash": "cd", "odd": null,
                }],
            },
            "journal": [{ "at": 1_795_262_400_000_u64, "event": "failed", "detail": "no_capacity" }],
        });
        let story = story(&answer);
        for line in [
            "order ab: failed (no_capacity)",
            "received 10000 sats, owed 10000, returned 0",
            "10000 sats for machine: owed, hash cd",
            "owed, no address yet",
            "2026-11-21T12:00:00Z  failed                  no_capacity",
        ] {
            assert!(story.contains(line), "{line}\n{story}");
        }
    }

    #[test]
    fn fleets_show_their_room_and_what_needs_a_look() {
        let answer = json!({ "fleets": [
            { "name": "nyc3", "capacity": 10, "free": 9, "orders": [
                { "id": "ab", "place": { "paid": null }, "note": "refund of 5 sats owed" },
                { "id": "cd", "place": { "paid": null } },
            ] },
            { "name": "fra1@b", "capacity": 5 },
        ] });
        let fleets = fleets(&answer);
        assert!(
            fleets.contains("nyc3                      10  9"),
            "{fleets}"
        );
        assert!(fleets.contains("does not answer") && fleets.contains("ab  refund of 5 sats owed"));
        assert!(!fleets.contains("cd"));
    }
}
