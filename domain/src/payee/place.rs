//! Which places on the web are asked about a refund: public ones, by https, and never our own.
//!
//! A place is judged as `fetch` reads it (the WHATWG rules, in which `0x7f.1` is 127.0.0.1), or a spelling that is read two ways
//! would pass here and lead elsewhere. A public name that leads to a private address cannot be told without asking DNS; the
//! Worker's network reaches no private address.

use super::refuse;
use crate::error::ApiError;
use url::{Host, Url};

/// Ends of names that do not lead to the public internet.
const NOT_PUBLIC: [&str; 13] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "arpa",
    "onion",
    "test",
    "invalid",
];

/// Where a refund may be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlPolicy {
    /// Lets http, private hosts and other ports through, for tests and development.
    pub allow_private: bool,
    /// Never asked, whatever the rest says: `host`, or `host:port` where the port is not the scheme's own.
    pub own_hosts: Vec<String>,
}

impl UrlPolicy {
    /// The policy of a deployment that is reached at these URLs; what is no URL is left out.
    pub fn new<'a>(allow_private: bool, own_urls: impl IntoIterator<Item = &'a str>) -> Self {
        let own_hosts = own_urls
            .into_iter()
            .filter_map(|url| Url::parse(url).ok())
            .filter_map(|url| {
                let host = url.host_str()?.to_owned();
                Some(match url.port() {
                    Some(port) => format!("{host}:{port}"),
                    None => host,
                })
            })
            .collect();
        Self {
            allow_private,
            own_hosts,
        }
    }

    /// Whether this place may be asked: https, the usual port, no user, a public name, and not one of ours.
    ///
    /// # Errors
    /// `invalid_refund_address` with a sentence about the part that is wrong.
    pub fn check(&self, text: &str) -> Result<(), ApiError> {
        // Parsers drop or turn these, and not all alike.
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(refuse("The refund address leads to no place on the web."));
        }
        let url = Url::parse(text)
            .map_err(|_| refuse("The refund address leads to no place on the web."))?;
        if url.scheme() != "https" && !(self.allow_private && url.scheme() == "http") {
            return Err(refuse("The refund address does not use https."));
        }
        let authority = text
            .split_once("//")
            .map_or("", |(_, rest)| rest)
            .split(['/', '?', '#'])
            .next()
            .unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
            return Err(refuse(
                "The refund address names a user before its host; give it without.",
            ));
        }
        if self.own_hosts.iter().any(|own| is_own(&url, own)) {
            return Err(refuse("The refund address is this shop's own."));
        }
        if self.allow_private {
            return Ok(());
        }
        if url.port().is_some() {
            return Err(refuse(
                "The refund address uses a port other than https's own.",
            ));
        }
        match url.host() {
            Some(Host::Domain(name)) if is_public(name) => Ok(()),
            _ => Err(refuse(
                "The refund address's host is not a name on the public internet.",
            )),
        }
    }
}

/// The parser has put the host into lower case and decoded it.
fn is_own(url: &Url, own: &str) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let own = own.to_ascii_lowercase();
    let plain = |text: &str| text.trim_end_matches('.') == host;
    match own.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((name, port)) if !port.ends_with(']') => {
            plain(name)
                && url
                    .port_or_known_default()
                    .map(|p| p.to_string())
                    .as_deref()
                    == Some(port)
        }
        _ => plain(&own),
    }
}

fn is_public(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels: Vec<&str> = name.split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let Some(last) = labels.last() else {
        return false;
    };
    labels.len() > 1
        && name.len() <= 253
        && labels.iter().all(is_label)
        && last.bytes().any(|b| b.is_ascii_alphabetic())
        && !NOT_PUBLIC.contains(last)
}
