//! The operator's settings, read once from the environment; a missing upstream makes its part a stub.

use kindling_domain::bolt11::Network;
use kindling_domain::catalogue::Prices;
use kindling_domain::money::Sats;
use kindling_domain::order::MachinePlan;
use kindling_domain::secret::Secret;
use kindling_domain::wire::Stubs;
use worker::Env;

/// LNbits, where invoices come from.
pub struct Lnbits {
    /// Base URL.
    pub url: String,
    /// The wallet's invoice key.
    pub invoice_key: Secret,
}

/// DigitalOcean, where machines come from.
pub struct DigitalOcean {
    /// Base URL, for tests.
    pub url: String,
    /// API token.
    pub token: Secret,
}

/// Tailscale, where configured.
pub struct Tailscale {
    /// Base URL, for tests.
    pub url: String,
    /// An API key, or an OAuth client's secret (`tskey-client-…`).
    pub api_key: Secret,
    /// `-` is the key's own tailnet.
    pub tailnet: String,
    /// The tag of machines; OAuth clients must own it.
    pub tag: String,
}

/// Everything the operator can set.
pub struct Config {
    pub prices: Prices,
    pub region: String,
    pub size: String,
    pub volume_size_gb: u32,
    pub public_url: Option<String>,
    pub network: Network,
    pub invoice_seconds: u64,
    pub lnbits: Option<Lnbits>,
    pub digitalocean: Option<DigitalOcean>,
    pub tailscale: Option<Tailscale>,
}

/// A variable or secret that is set and not empty.
fn setting(env: &Env, name: &str) -> Option<String> {
    env.var(name)
        .ok()
        .map(|value| value.to_string())
        .filter(|value| !value.is_empty())
}

fn number(env: &Env, name: &str, default: u64) -> u64 {
    setting(env, name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn url(env: &Env, name: &str) -> Option<String> {
    setting(env, name).map(|url| url.trim_end_matches('/').to_owned())
}

impl Config {
    /// Reads the environment.
    pub fn read(env: &Env) -> Self {
        let lnbits = url(env, "LNBITS_URL").map(|url| Lnbits {
            url,
            invoice_key: Secret::new(setting(env, "LNBITS_API_KEY").unwrap_or_default()),
        });
        let digitalocean = setting(env, "DO_API_TOKEN").map(|token| DigitalOcean {
            url: url(env, "DO_API_URL")
                .unwrap_or_else(|| "https://api.digitalocean.com".to_owned()),
            token: Secret::new(token),
        });
        let tailscale = setting(env, "TAILSCALE_API_KEY").map(|key| Tailscale {
            url: url(env, "TAILSCALE_API_URL")
                .unwrap_or_else(|| "https://api.tailscale.com".to_owned()),
            api_key: Secret::new(key),
            tailnet: setting(env, "TAILSCALE_TAILNET").unwrap_or_else(|| "-".to_owned()),
            tag: setting(env, "TAILSCALE_TAG").unwrap_or_else(|| "tag:kindling".to_owned()),
        });
        let network = match setting(env, "LIGHTNING_NETWORK").as_deref() {
            // Nobody can pay a stub invoice by mistake: no wallet outside a test speaks regtest.
            _ if lnbits.is_none() => Network::Regtest,
            Some("testnet") => Network::Testnet,
            Some("signet") => Network::Signet,
            Some("regtest") => Network::Regtest,
            _ => Network::Bitcoin,
        };
        Self {
            prices: Prices {
                full_node: Sats::from_sats(number(env, "BOOTSTRAP_FEE_SATS", 10_000)),
            },
            region: setting(env, "DO_REGION").unwrap_or_else(|| "nyc3".to_owned()),
            size: setting(env, "DO_SIZE").unwrap_or_else(|| "s-2vcpu-4gb".to_owned()),
            volume_size_gb: u32::try_from(number(env, "DO_VOLUME_SIZE_GB", 0)).unwrap_or(0),
            public_url: url(env, "PUBLIC_URL"),
            network,
            invoice_seconds: number(env, "INVOICE_SECONDS", 3600),
            lnbits,
            digitalocean,
            tailscale,
        }
    }

    /// Which upstreams are make-believe.
    pub fn stubs(&self) -> Stubs {
        Stubs {
            lightning: self.lnbits.is_none(),
            cloud: self.digitalocean.is_none(),
        }
    }

    /// What an order made now is built from; `origin` is where the request came in.
    pub fn plan(&self, origin: &str) -> MachinePlan {
        let cloud = self.digitalocean.is_some();
        MachinePlan {
            stubs: self.stubs(),
            size: self.size.clone(),
            volume_size_gb: if cloud { self.volume_size_gb } else { 0 },
            tailscale: cloud && self.tailscale.is_some(),
            public_url: self.public_url.clone().unwrap_or_else(|| origin.to_owned()),
        }
    }
}
