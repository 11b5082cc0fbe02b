//! Where notifications may go: the push services that the operator names. An endpoint comes from a stranger, and is called by us.
//!
//! An endpoint is judged as `fetch` reads it (the WHATWG rules), and kept as it was read, so that one that passed leads nowhere else.

use crate::error::{ApiError, ErrorCode};
use crate::secret::Secret;
use url::{Host, Url};

/// The services of Chromium, Firefox, Safari and Edge.
pub const USUAL_HOSTS: &str =
    "fcm.googleapis.com updates.push.services.mozilla.com *.push.apple.com *.notify.windows.com";

/// The longest endpoint, in bytes.
const MAX_ENDPOINT: usize = 1024;

/// The services that may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushHosts {
    /// Whole names.
    names: Vec<String>,
    /// Ends of names, with their first dot.
    ends: Vec<String>,
    /// Origins on this machine, for tests.
    loopback: Vec<String>,
}

impl PushHosts {
    /// Reads a setting such as `push.example *.push.example http://127.0.0.1:9000`. What cannot be read comes back, by its place in the
    /// text.
    pub fn parse(text: &str) -> (Self, Vec<usize>) {
        let mut hosts = Self::default();
        let mut bad = Vec::new();
        for (number, entry) in (1..).zip(text.split_whitespace()) {
            if let Some(origin) = loopback(entry) {
                hosts.loopback.push(origin);
            } else if let Some(end) = entry.strip_prefix('*').filter(|end| is_end(end)) {
                hosts.ends.push(end.to_owned());
            } else if is_name(entry) {
                hosts.names.push(entry.to_owned());
            } else {
                bad.push(number);
            }
        }
        (hosts, bad)
    }

    /// An endpoint that may be called, as `fetch` reads it. Knowing it is all it takes to send there, so it is a secret.
    ///
    /// # Errors
    /// `invalid_push_endpoint`.
    pub fn check(&self, endpoint: &str) -> Result<Secret, ApiError> {
        let refused = || ApiError::from(ErrorCode::InvalidPushEndpoint);
        // Parsers drop or turn these, and not all alike.
        let plain = endpoint
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#');
        if !plain || endpoint.len() > MAX_ENDPOINT {
            return Err(refused());
        }
        let url = Url::parse(endpoint).map_err(|_| refused())?;
        let nobody = url.username().is_empty() && url.password().is_none();
        if nobody && url.as_str().len() <= MAX_ENDPOINT && self.allows(&url) {
            Ok(Secret::new(url))
        } else {
            Err(refused())
        }
    }

    fn allows(&self, url: &Url) -> bool {
        if self.loopback.contains(&url.origin().ascii_serialization()) {
            return true;
        }
        match url.host() {
            Some(Host::Domain(name)) if url.scheme() == "https" && url.port().is_none() => {
                self.names.iter().any(|known| known == name)
                    || self.ends.iter().any(|end| name.ends_with(end.as_str()))
            }
            _ => false,
        }
    }
}

/// A name of the public internet, in lower case.
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.contains('.')
        && text.split('.').all(label)
        && text.ends_with(|last: char| last.is_ascii_lowercase())
}

/// What follows the star: a dot and a name.
fn is_end(text: &str) -> bool {
    text.strip_prefix('.').is_some_and(is_name)
}

/// The origin of an entry such as `http://127.0.0.1:9000`; nothing else may be called without TLS.
fn loopback(entry: &str) -> Option<String> {
    let url = Url::parse(entry)
        .ok()
        .filter(|url| url.scheme() == "http")?;
    let here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    here.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(hosts: &str, endpoint: &str) -> bool {
        let (hosts, bad) = PushHosts::parse(hosts);
        assert_eq!(bad, [0; 0]);
        hosts.check(endpoint).is_ok()
    }

    #[test]
    fn the_services_of_the_browsers_pass() {
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc:APA91b-_",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAAAA==",
            "https://web.push.apple.com/QGuQ?x=1",
            "https://wns2-db5p.notify.windows.com/w/?token=BQYAAA%2bz",
            "https://FCM.googleapis.com:443/fcm/send/abc",
        ] {
            assert!(passes(USUAL_HOSTS, good), "{good}");
        }
    }

    #[test]
    fn nothing_else_does() {
        let long = format!("https://fcm.googleapis.com/{}", "a".repeat(1024));
        for bad in [
            "",
            "fcm.googleapis.com/x",
            "http://fcm.googleapis.com/x",
            "https://fcm.googleapis.com:8443/x",
            "https://fcm.googleapis.com./x",
            "https://evil.example/fcm.googleapis.com",
            "https://fcm.googleapis.com.evil.example/x",
            "https://fcm.googleapis.com@evil.example/x",
            "https://me:word@fcm.googleapis.com/x",
            "https://evil.example\\@fcm.googleapis.com/x",
            "https://fcm.googleapis.com/x#y",
            "https://fcm.googleapis.com/x\n",
            "https://push.apple.com/x",
            "https://evilpush.apple.com.evil/x",
            "https://notify.windows.com/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "http://127.0.0.1:9000/x",
            "wss://fcm.googleapis.com/x",
            &long,
        ] {
            assert!(!passes(USUAL_HOSTS, bad), "{bad}");
        }
    }

    #[test]
    fn a_loopback_origin_is_called_where_it_is_named() {
        let named = "http://127.0.0.1:9000 push.example";
        assert!(passes(named, "http://127.0.0.1:9000/x") && passes(named, "https://push.example/"));
        for bad in [
            "http://127.0.0.1:9001/x",
            "https://127.0.0.1:9000/x",
            "http://push.example/x",
            "http://localhost:9000/x",
        ] {
            assert!(!passes(named, bad), "{bad}");
        }
    }

    #[test]
    fn what_is_kept_is_what_is_called() {
        let (hosts, _) = PushHosts::parse(USUAL_HOSTS);
        let read = |endpoint| hosts.check(endpoint).unwrap();
        assert_eq!(
            read("HTTPS://FCM.googleapis.com:443/a/../b").expose(),
            "https://fcm.googleapis.com/b"
        );
    }

    #[test]
    fn entries_that_are_none_are_told() {
        let text = "push.example *push.example *. http://push.example https://push.example PUSH.example 10.0.0.1 localhost";
        assert_eq!(PushHosts::parse(text).1, [2, 3, 4, 5, 6, 7, 8]);
    }
}
