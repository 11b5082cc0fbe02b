//! The operator's settings, read once per isolate from the environment; a missing upstream makes its part a stub.

use crate::http::set_timeout;
use crate::push::Push;
use kindling_domain::bolt11::Network;
use kindling_domain::catalogue::{PlanPrices, Prices, Product};
use kindling_domain::classroom::{Plan, Reach};
use kindling_domain::fiat::is_currency;
use kindling_domain::fleets::{self, FleetSpec};
use kindling_domain::money::Sats;
use kindling_domain::order::MachinePlan;
use kindling_domain::push::{PushHosts, USUAL_HOSTS};
use kindling_domain::secret::Secret;
use kindling_domain::wire::Stubs;
use kindling_domain::{door, fleet};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use worker::js_sys::Object;
use worker::wasm_bindgen::JsCast;
use worker::{Env, console_error};

/// LNbits, where invoices come from.
pub struct Lnbits {
    /// Base URL.
    pub url: String,
    /// The wallet's invoice key.
    pub invoice_key: Secret,
    /// The wallet's admin key, which pays refunds; without it they stay owed.
    pub admin_key: Option<Secret>,
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

/// The customers' money, where it is shown beside satoshis.
pub struct Fiat {
    /// The currency's code.
    pub currency: String,
    /// What answers its price.
    pub url: String,
}

/// Everything the operator can set.
pub struct Config {
    pub prices: Prices,
    /// What a full node's price buys, in hours; 0 for no end.
    pub full_node_hours: u32,
    /// How a class is reached.
    reach: Reach,
    /// The droplet's size of each plan that the operator wants another one for.
    class_sizes: BTreeMap<String, String>,
    /// The default region: `DO_REGION`, or the first that is sold where that one is not.
    pub region: String,
    pub size: String,
    pub volume_size_gb: u32,
    /// Where the snapshot of the UTXO set is that orders may start from.
    pub assumeutxo_url: Option<String>,
    pub public_url: Option<String>,
    pub network: Network,
    pub invoice_seconds: u64,
    pub lnbits: Option<Lnbits>,
    /// The main account.
    pub digitalocean: Option<DigitalOcean>,
    /// The other accounts, by name.
    accounts: BTreeMap<String, DigitalOcean>,
    pub tailscale: Option<Tailscale>,
    /// Where machines are sold now, in the order in which they are filled.
    pub fleets: Vec<FleetSpec>,
    /// How many orders one network address may have.
    pub door_limits: door::Limits,
    /// The most unpaid orders of one fleet.
    unpaid_per_fleet: u32,
    /// What opens the operator's paths; without it they are closed.
    pub operator_token: Option<Secret>,
    /// The origin of the front end that calls lnplay's names from a browser, or `*`; none may where it is missing.
    pub lnplay_origin: Option<String>,
    pub fiat: Option<Fiat>,
    /// Notifications, where they are sent.
    pub push: Option<Push>,
    /// Whether refunds may go to private addresses and over plain http, for tests.
    pub lnurl_allow_private: bool,
}

/// What the names of the other accounts' tokens begin with: `DO_API_TOKEN_B` is account `b`.
const ACCOUNT_TOKEN: &str = "DO_API_TOKEN_";

thread_local! {
    /// The settings of this isolate, which has one environment for all its life.
    static SETTINGS: OnceCell<Rc<Config>> = const { OnceCell::new() };
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

fn small_number(env: &Env, name: &str, default: u32) -> u32 {
    u32::try_from(number(env, name, default.into())).unwrap_or(u32::MAX)
}

fn url(env: &Env, name: &str) -> Option<String> {
    setting(env, name).map(|url| url.trim_end_matches('/').to_owned())
}

/// What a node of each plan costs. A setting that cannot be read is told once in the log, and leaves the usual price.
fn plan_prices(env: &Env) -> PlanPrices {
    let (prices, bad) = PlanPrices::parse(&setting(env, "CLASSROOM_PRICES").unwrap_or_default());
    for number in bad {
        console_error!("entry {number} of CLASSROOM_PRICES is not PLAN=MSATS");
    }
    prices
}

/// Entries such as `A=s-2vcpu-4gb`.
fn class_sizes(env: &Env) -> BTreeMap<String, String> {
    let text = setting(env, "CLASSROOM_SIZES").unwrap_or_default();
    let mut sizes = BTreeMap::new();
    for (number, entry) in (1..).zip(text.split_whitespace()) {
        match entry.split_once('=') {
            Some((plan, size))
                if !size.is_empty() && Plan::ALL.iter().any(|it| it.as_str() == plan) =>
            {
                sizes.insert(plan.to_owned(), size.to_owned());
            }
            _ => console_error!("entry {number} of CLASSROOM_SIZES is not PLAN=SIZE"),
        }
    }
    sizes
}

fn reach(env: &Env) -> Reach {
    let url_or = |name: &str, usual: &str| url(env, name).unwrap_or_else(|| usual.to_owned());
    Reach {
        domain: setting(env, "CLASSROOM_DOMAIN").unwrap_or_default(),
        connect_url: url_or("CLASSROOM_CONNECT_URL", "https://app.clams.tech"),
        wallet_url: url_or("CLASSROOM_WALLET_URL", "https://remote.clams.tech"),
    }
}

/// Where the price of a bitcoin comes from: `PRICE_URL`, or the shop's own LNbits.
fn fiat(env: &Env, lnbits: Option<&Lnbits>) -> Option<Fiat> {
    let currency = setting(env, "FIAT_CURRENCY")?;
    if !is_currency(&currency) {
        console_error!("FIAT_CURRENCY is not a code of three capital letters");
        return None;
    }
    let template = match (setting(env, "PRICE_URL"), lnbits) {
        (Some(template), _) => template,
        (None, Some(lnbits)) => format!("{}/api/v1/rate/{{currency}}", lnbits.url),
        (None, None) => return None,
    };
    let url = template.replace("{currency}", &currency);
    Some(Fiat { currency, url })
}

/// What notifications are sent with, where there is a key.
fn push(env: &Env) -> Option<Push> {
    let key = Secret::new(setting(env, "VAPID_PRIVATE_KEY")?);
    let named = setting(env, "PUSH_HOSTS");
    let (hosts, bad) = PushHosts::parse(named.as_deref().unwrap_or(USUAL_HOSTS));
    for number in bad {
        console_error!("entry {number} of PUSH_HOSTS is not the name of a push service");
    }
    let subject = setting(env, "VAPID_SUBJECT");
    let known = |subject: &String| {
        ["mailto:", "https:"]
            .iter()
            .any(|it| subject.starts_with(it))
    };
    if subject.as_ref().is_some_and(|subject| !known(subject)) {
        console_error!("VAPID_SUBJECT begins neither with mailto: nor with https:");
    }
    let subject = subject.filter(known);
    Some(Push {
        key,
        subject,
        hosts,
    })
}

/// The account of this token.
fn account(env: &Env, token: String) -> DigitalOcean {
    DigitalOcean {
        url: url(env, "DO_API_URL").unwrap_or_else(|| "https://api.digitalocean.com".to_owned()),
        token: Secret::new(token),
    }
}

/// Every account but the main one. Found by the tokens and not by `FLEETS`: a fleet that is no longer sold still has machines.
fn accounts(env: &Env) -> BTreeMap<String, DigitalOcean> {
    Object::keys(env.unchecked_ref::<Object>())
        .iter()
        .filter_map(|name| name.as_string())
        .filter_map(|name| {
            let of = name.strip_prefix(ACCOUNT_TOKEN)?.to_ascii_lowercase();
            Some((of, account(env, setting(env, &name)?)))
        })
        .collect()
}

/// The fleets of the settings that `has_account`, and a line in the log for each that cannot be sold.
fn offered(env: &Env, has_account: impl Fn(&str) -> bool) -> Vec<FleetSpec> {
    let text = setting(env, "FLEETS").unwrap_or_default();
    let mut offered = Vec::new();
    for entry in fleets::parse(&text, small_number(env, "FLEET_CAPACITY", 10)) {
        match entry {
            Ok(fleet) if has_account(&fleet.account) => offered.push(fleet),
            Ok(fleet) => console_error!("FLEETS: no token for {}", fleet.name()),
            Err(problem) => console_error!("{problem}"),
        }
    }
    offered
}

impl Config {
    /// The settings of `env`. Reading them is some forty calls into JavaScript, so they are read when they are first asked for, and
    /// what is wrong with them is told in the log once.
    pub fn of(env: &Env) -> Rc<Self> {
        SETTINGS.with(|settings| Rc::clone(settings.get_or_init(|| Rc::new(Self::read(env)))))
    }

    fn read(env: &Env) -> Self {
        let lnbits = url(env, "LNBITS_URL").map(|url| Lnbits {
            url,
            invoice_key: Secret::new(setting(env, "LNBITS_API_KEY").unwrap_or_default()),
            admin_key: setting(env, "LNBITS_ADMIN_KEY").map(Secret::new),
        });
        let digitalocean = setting(env, "DO_API_TOKEN").map(|token| account(env, token));
        let accounts = accounts(env);
        let fleets = offered(env, |name| match name {
            _ if digitalocean.is_none() && accounts.is_empty() => true,
            "" => digitalocean.is_some(),
            name => accounts.contains_key(name),
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
        let region = setting(env, "DO_REGION").unwrap_or_else(|| "nyc3".to_owned());
        let region = match fleets.first() {
            Some(first) if fleets.iter().all(|fleet| fleet.region != region) => {
                first.region.clone()
            }
            _ => region,
        };
        set_timeout(Duration::from_millis(number(
            env,
            "UPSTREAM_TIMEOUT_MS",
            15_000,
        )));
        Self {
            prices: Prices {
                full_node: Sats::from_sats(number(env, "BOOTSTRAP_FEE_SATS", 10_000)),
                classroom: plan_prices(env),
            },
            reach: reach(env),
            class_sizes: class_sizes(env),
            full_node_hours: small_number(env, "FULL_NODE_HOURS", 0),
            region,
            size: setting(env, "DO_SIZE").unwrap_or_else(|| "s-2vcpu-4gb".to_owned()),
            volume_size_gb: u32::try_from(number(env, "DO_VOLUME_SIZE_GB", 0)).unwrap_or(0),
            assumeutxo_url: setting(env, "ASSUMEUTXO_URL"),
            public_url: url(env, "PUBLIC_URL"),
            network,
            fiat: fiat(env, lnbits.as_ref()),
            push: push(env),
            invoice_seconds: number(env, "INVOICE_SECONDS", 3600),
            lnbits,
            digitalocean,
            accounts,
            tailscale,
            fleets,
            door_limits: door::Limits {
                unpaid: small_number(env, "UNPAID_PER_ADDRESS", 5),
                per_minute: small_number(env, "CREATES_PER_MINUTE", 10),
            },
            unpaid_per_fleet: small_number(env, "UNPAID_PER_FLEET", 1000),
            operator_token: setting(env, "OPERATOR_TOKEN").map(Secret::new),
            lnplay_origin: url(env, "LNPLAY_ORIGIN"),
            lnurl_allow_private: setting(env, "LNURL_ALLOW_PRIVATE").as_deref() == Some("true"),
        }
    }

    /// Which upstreams are make-believe.
    pub fn stubs(&self) -> Stubs {
        Stubs {
            lightning: self.lnbits.is_none(),
            cloud: self.digitalocean.is_none() && self.accounts.is_empty(),
        }
    }

    /// The cloud account of this name; the main one is called "".
    pub fn digitalocean(&self, account: &str) -> Option<&DigitalOcean> {
        match account {
            "" => self.digitalocean.as_ref(),
            name => self.accounts.get(name),
        }
    }

    /// Every cloud account, with its name.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &DigitalOcean)> {
        let main = self.digitalocean.iter().map(|main| ("", main));
        let others = self.accounts.iter().map(|(name, it)| (name.as_str(), it));
        main.chain(others)
    }

    /// The fleets that sell machines in a region, in the order in which they are filled.
    pub fn fleets_in(&self, region: &str) -> impl Iterator<Item = &FleetSpec> {
        self.fleets
            .iter()
            .filter(move |fleet| fleet.region == region)
    }

    /// Whether a node may be ordered that starts from a snapshot. A make-believe one takes no snapshot, but shows what it would be like.
    pub fn sells_assumeutxo(&self) -> bool {
        self.assumeutxo_url.is_some() || self.stubs().cloud
    }

    /// How full the fleet of this name may get. One that is no longer sold takes nobody new.
    pub fn fleet_limits(&self, name: &str) -> fleet::Limits {
        let known = self.fleets.iter().find(|fleet| fleet.name() == name);
        fleet::Limits {
            capacity: known.map_or(0, |fleet| fleet.capacity),
            unpaid: self.unpaid_per_fleet,
        }
    }

    /// What an order made now is built from; `origin` is where the request came in.
    pub fn plan(&self, origin: &str, product: Product) -> MachinePlan {
        let cloud = !self.stubs().cloud;
        let common = MachinePlan {
            stubs: self.stubs(),
            size: self.size.clone(),
            volume_size_gb: 0,
            tailscale: cloud && self.tailscale.is_some(),
            assumeutxo_url: None,
            reach: None,
            public_url: self.public_url.clone().unwrap_or_else(|| origin.to_owned()),
            hours: None,
            // Which fleet it is turns out when one of them keeps a place.
            fleet: String::new(),
            account: String::new(),
        };
        match product {
            Product::FullNode { assumeutxo, .. } => MachinePlan {
                volume_size_gb: if cloud { self.volume_size_gb } else { 0 },
                assumeutxo_url: self.assumeutxo_url.clone().filter(|_| assumeutxo),
                hours: Some(self.full_node_hours).filter(|hours| *hours > 0),
                ..common
            },
            Product::Classroom(class) => MachinePlan {
                size: self.class_size(class.plan),
                reach: Some(self.reach.clone()),
                hours: Some(class.hours),
                ..common
            },
        }
    }

    fn class_size(&self, plan: Plan) -> String {
        let chosen = self.class_sizes.get(plan.as_str()).map(String::as_str);
        chosen.unwrap_or(plan.size()).to_owned()
    }
}
