//! Where machines are sold: the operator's `FLEETS`, such as `nyc3=10 fra1=25 fra1@b=25`, read into one [`FleetSpec`] each.
//!
//! Invariant: nothing is sold where the text is not understood.

use crate::catalogue::regions;

/// The machines of one region and cloud account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetSpec {
    /// The region's slug.
    pub region: String,
    /// The cloud account's name, empty for the main one.
    pub account: String,
    /// The most machines.
    pub capacity: u32,
}

impl FleetSpec {
    /// What the fleet is called everywhere: `nyc3`, or `fra1@b`.
    pub fn name(&self) -> String {
        fleet_name(&self.region, &self.account)
    }
}

/// The name of the fleet in this region and account.
pub fn fleet_name(region: &str, account: &str) -> String {
    if account.is_empty() {
        region.to_owned()
    } else {
        format!("{region}@{account}")
    }
}

/// An entry that names no fleet. Says which one and why, not what stands there: a secret pasted into the wrong setting is still one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadEntry {
    /// Its place in the text, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl std::fmt::Display for BadEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "entry {} of FLEETS: {}", self.number, self.problem)
    }
}

impl std::error::Error for BadEntry {}

/// Reads `FLEETS`: entries of `region[@account]=capacity` with spaces between. An empty text is every region of the catalogue on the
/// main account, each with `capacity`.
///
/// # Errors
/// Each entry for itself, so that a slip in one leaves the others open.
pub fn parse(text: &str, capacity: u32) -> Vec<Result<FleetSpec, BadEntry>> {
    if text.trim().is_empty() {
        let all = regions().into_iter().map(|region| FleetSpec {
            region: region.slug,
            account: String::new(),
            capacity,
        });
        return all.map(Ok).collect();
    }
    let mut read: Vec<Result<FleetSpec, BadEntry>> = Vec::new();
    for (before, text) in text.split_whitespace().enumerate() {
        let mut found = entry(text);
        let named = |other: &FleetSpec| found.as_ref().is_ok_and(|it| it.name() == other.name());
        if read.iter().flatten().any(named) {
            found = Err("the fleet was named before");
        }
        read.push(found.map_err(|problem| BadEntry {
            number: before + 1,
            problem,
        }));
    }
    read
}

fn entry(text: &str) -> Result<FleetSpec, &'static str> {
    let (name, capacity) = text
        .split_once('=')
        .ok_or("there is no capacity (region=capacity)")?;
    let (region, account) = match name.split_once('@') {
        Some((region, account)) if is_account(account) => (region, account),
        Some(_) => return Err("an account is 1 to 32 of a-z, 0-9 and _"),
        None => (name, ""),
    };
    if !regions().iter().any(|known| known.slug == region) {
        return Err("there is no such region");
    }
    Ok(FleetSpec {
        region: region.to_owned(),
        account: account.to_owned(),
        capacity: whole(capacity).ok_or("a capacity is a whole number")?,
    })
}

/// Digits only; Rust alone would take a sign, too.
fn whole(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn is_account(name: &str) -> bool {
    let word = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (1..=32).contains(&name.len()) && name.bytes().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<FleetSpec, BadEntry> {
        let mut read = parse(text, 1);
        assert_eq!(read.len(), 1);
        read.remove(0)
    }

    #[test]
    fn several_regions_and_accounts() {
        let read: Result<Vec<_>, _> = parse(" nyc3=10  fra1=25\nfra1@b=0 ", 1)
            .into_iter()
            .collect();
        let read = read.unwrap();
        let names: Vec<String> = read.iter().map(FleetSpec::name).collect();
        assert_eq!(names, ["nyc3", "fra1", "fra1@b"]);
        assert_eq!(
            read[2],
            FleetSpec {
                region: "fra1".to_owned(),
                account: "b".to_owned(),
                capacity: 0,
            }
        );
    }

    #[test]
    fn an_empty_text_is_every_region() {
        for text in ["", " \n"] {
            let read: Vec<FleetSpec> = parse(text, 7).into_iter().flatten().collect();
            assert_eq!(read.len(), regions().len());
            assert!(
                read.iter()
                    .all(|fleet| fleet.capacity == 7 && fleet.account.is_empty())
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_and_not_repeated() {
        let long = format!("fra1@{}=1", "a".repeat(33));
        for bad in [
            "mars1=1",
            "NYC3=1",
            "nyc3",
            "nyc3=",
            "nyc3=-1",
            "nyc3=+1",
            "nyc3=1=2",
            "=1",
            "nyc3@=1",
            "nyc3@B=1",
            "nyc3@a@b=1",
            "nyc3=4294967296",
            &long,
        ] {
            let error = one(bad).unwrap_err().to_string();
            assert!(error.starts_with("entry 1 of FLEETS: "), "{error}");
            assert!(!error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_bad_entry_leaves_the_others() {
        let read = parse("nyc3=1 mars1=2 fra1=3 nyc3=4", 9);
        let good: Vec<_> = read.iter().flatten().map(|fleet| fleet.capacity).collect();
        assert_eq!(good, [1, 3]);
        let bad: Vec<_> = read
            .iter()
            .filter_map(|entry| entry.as_ref().err().map(|error| error.number))
            .collect();
        assert_eq!(bad, [2, 4]);
    }
}
