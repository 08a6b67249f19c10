//! What the rest of the service sees: every value parsed, every rule held.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

use crate::onboarding::{OperatorName, PiiKeys, Policy, ReceiverName, Stage};

/// All settings of a running service.
#[derive(Debug, Clone)]
pub struct Settings {
    pub mode: Mode,
    pub dsn: Dsn,
    pub serve: Serve,
    pub kratos: Kratos,
    pub webhook: Webhook,
    pub page: Page,
    pub webauthn: Webauthn,
    pub admin: Admin,
    /// Holds `methods` and `kratos.privileged_session_max_age` too.
    pub policy: Policy,
    /// `policy.denied_file`, to be looked at again when it changes.
    pub denied_file: Option<PathBuf>,
    pub reconcile: Reconcile,
    pub events: Events,
    pub secrets: Secrets,
    pub log: Log,
}

impl Settings {
    /// The operators' settings, with the names by which their listener is known in any case.
    pub fn admin_by_every_name(&self) -> Admin {
        let listener = &self.serve.admin.listener;
        let host = match listener.host {
            IpAddr::V6(host) => format!("[{host}]"),
            host => host.to_string(),
        };
        let configured = listener.base_url.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
        let local = listener.host.is_loopback() || listener.host.is_unspecified();
        let local = ["localhost", "127.0.0.1", "[::1]"].into_iter().filter(|_| local).map(str::to_owned);
        self.admin.clone().also_known_as(local.chain(configured).chain([host]))
    }

    /// Fills in the public port once it is bound, where the setting says 0.
    pub fn bound(&mut self, public_port: u16) {
        // A configured URL never has port 0, so this one was made from the setting.
        if self.page.default_return_url.port() == Some(0) {
            self.page.default_return_url = self.serve.public.root(public_port);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Production,
    /// Generated keys, loopback only.
    Development,
}

/// `dsn`.
#[derive(Debug, Clone)]
pub enum Dsn {
    /// `sqlite://PATH`; a relative path is relative to the working directory.
    Sqlite(PathBuf),
    /// `postgres://…`
    Postgres(PostgresDsn),
}

impl std::fmt::Display for Dsn {
    /// Without credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Dsn::Sqlite(path) => path.display().fmt(f),
            Dsn::Postgres(dsn) => dsn.name.fmt(f),
        }
    }
}

#[derive(Debug, Clone)]
pub struct PostgresDsn {
    /// As libpq takes it.
    pub url: SecretString,
    /// Host, port and database.
    pub name: String,
    /// Connections of this instance.
    pub max_conns: u32,
    /// Whether instances notify each other.
    pub notify: bool,
}

#[derive(Debug, Clone)]
pub struct Serve {
    pub public: Listener,
    pub admin: AdminListener,
}

#[derive(Debug, Clone)]
pub struct Listener {
    pub host: IpAddr,
    /// 0: any free port; the bound one is printed.
    pub port: u16,
    /// How browsers reach it, scheme to path; `None`: made from host and the bound port.
    pub base_url: Option<Url>,
    /// Prefix of every path, `""` or `/like/this`.
    pub base_path: String,
    pub tls: Option<Tls>,
}

impl Listener {
    /// `base_url`, or one made from host and `port` (the bound one, where the setting says 0). Ends with `/`. For the
    /// unspecified address the host is `localhost`.
    pub fn url(&self, port: u16) -> Url {
        self.base_url.clone().unwrap_or_else(|| self.made_url(port))
    }

    /// `/` on the same host.
    pub fn root(&self, port: u16) -> Url {
        let mut root = self.url(port);
        root.set_path("/");
        root
    }

    #[expect(clippy::expect_used, reason = "an IP address, a port and a path of unreserved characters parse")]
    fn made_url(&self, port: u16) -> Url {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let host = match self.host {
            host if host.is_unspecified() => "localhost".to_owned(),
            IpAddr::V4(host) => host.to_string(),
            IpAddr::V6(host) => format!("[{host}]"),
        };
        Url::parse(&format!("{scheme}://{host}:{port}{}/", self.base_path)).expect("a URL")
    }
}

#[derive(Debug, Clone)]
pub struct AdminListener {
    pub listener: Listener,
    /// Plain HTTP on an address that is not loopback.
    pub allow_insecure: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Kratos {
    pub public_url: Url,
    /// What a browser uses; defaults to `public_url`.
    pub browser_url: Url,
    pub admin_url: Option<Url>,
    pub session_cookie_name: String,
    pub privileged_session_max_age: SignedDuration,
    /// A code can be a second factor.
    pub code_mfa: bool,
}

/// Who may use the operators' endpoints, and by which names.
#[derive(Debug, Clone, Default)]
pub struct Admin {
    /// The tokens of each; never none.
    pub operators: BTreeMap<OperatorName, Vec<SecretString>>,
    pub allowed_hosts: Vec<AllowedHost>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    /// As the URL standard writes it: in lower case, IPv6 in brackets.
    pub name: String,
    /// `None`: any.
    pub port: Option<u16>,
}

/// Credentials a hook may come with; any one of them is enough.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub api_keys: Vec<SecretString>,
    /// Name of the header or cookie.
    pub api_key_name: String,
    pub basic_auth: Vec<Basic>,
    pub signing_secrets: Vec<SigningSecret>,
}

#[derive(Debug, Clone)]
pub struct Basic {
    pub user: String,
    pub password: SecretString,
}

/// The decoded part after `whsec_` (Standard Webhooks): 24 to 64 bytes.
#[derive(Clone)]
pub struct SigningSecret(pub Vec<u8>);

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

#[derive(Debug, Clone)]
pub struct Page {
    /// Besides the service's own.
    pub allowed_origins: Vec<Origin>,
    pub default_return_url: Url,
    pub allowed_return_urls: Vec<ReturnPrefix>,
    pub ceremony: Ceremony,
    /// A passkey may be made in the background after a sign-in with a password.
    pub conditional_create: bool,
    pub brand: Brand,
}

/// How a passkey is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ceremony {
    /// By our own where it can be handed in to Kratos, else by Kratos's settings flow.
    #[default]
    Auto,
    /// The same, and what our own needs has to be configured.
    Own,
    Settings,
}

/// Our own ceremony.
#[derive(Debug, Clone)]
pub struct Webauthn {
    /// `None`: it cannot be held.
    pub rp_id: Option<String>,
    pub rp_name: String,
    /// Empty: the page's own.
    pub origins: Vec<Origin>,
    /// A passkey may be handed in.
    pub import: bool,
    /// For the first passkey in the session that registered; for others no longer than
    /// `kratos.privileged_session_max_age`.
    pub own_ceremony_max_age: SignedDuration,
}

/// How the pages present the product.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// 1 to 64 characters, none of them a control character.
    pub name: Option<String>,
    pub logo: Option<Logo>,
    /// `#rrggbb`, in lower case.
    pub colour: Option<String>,
    /// `http`, `https` or `mailto`.
    pub support_url: Option<Url>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logo {
    /// `http` or `https`.
    Url(Url),
    /// From the root of the service's own host: `/like/this.svg`.
    Path(String),
}

/// Scheme, host and port as a browser writes them in `Origin` (RFC 6454, section 6.2). Never `null`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(pub String);

impl Origin {
    /// Whether browsers let its pages make passkeys for a relying party: its host is the domain or below it (WebAuthn
    /// Level 3, section 5.1.3, step 8), and the context is secure.
    pub fn is_at(&self, rp_id: &str) -> bool {
        let Ok(url) = Url::parse(&self.0) else { return false };
        let Some(host) = url.domain() else { return false };
        let is_local = host == "localhost" || host.ends_with(".localhost");
        let is_below = host.strip_suffix(rp_id).is_some_and(|sub| sub.ends_with('.'));
        (host == rp_id || is_below) && (url.scheme() == "https" || is_local)
    }
}

/// An origin and a path prefix that ends at a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnPrefix {
    pub origin: Origin,
    /// `/`, or `/like/this` without a `/` at the end.
    pub path: String,
}

/// How records are compared with Kratos's admin API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconcile {
    /// In the background of the service; never without a `kratos.admin_url`.
    pub enabled: bool,
    pub every: SignedDuration,
    /// Up to so much is added to `every`.
    pub jitter: SignedDuration,
    /// At most 500.
    pub page_size: NonZeroU32,
    /// Questions a second.
    pub rate: NonZeroU32,
}

/// Who is told of transitions, and how.
#[derive(Debug, Clone)]
pub struct Events {
    pub receivers: BTreeMap<ReceiverName, EventReceiver>,
    /// And plain HTTP.
    pub allow_private_addresses: bool,
    /// Of one try.
    pub timeout: Duration,
    /// Before the second, third, … try. Never none.
    pub retry_pauses: Vec<SignedDuration>,
}

#[derive(Debug, Clone)]
pub struct EventReceiver {
    pub url: ReceiverUrl,
    /// Each of them signs. Never none.
    pub secrets: Vec<SigningSecret>,
    /// Those that are told; `None`: all.
    pub stages: Option<BTreeSet<Stage>>,
}

/// May hold a secret, in its path or its query.
#[derive(Clone)]
pub struct ReceiverUrl(pub Url);

impl std::fmt::Debug for ReceiverUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiverUrl(…)")
    }
}

#[derive(Debug, Clone)]
pub struct Secrets {
    pub pii: PiiKeys,
}

#[derive(Debug, Clone)]
pub struct Log {
    /// A tracing filter: `info`, `warn,kratos_onboarding=debug`.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Pretty,
}
