//! What one double is like, as JSON. Everything left out is as in `kratos-config/kratos.yml`.

use jiff::SignedDuration;
use serde::Deserialize;

/// ```json
/// { "public": { "port": 0 }, "admin": { "port": 0 }, "ui": "http://localhost:4455",
///   "methods": { "webauthn": "off" }, "privileged_session_max_age": "3s",
///   "hooks": { "service": "http://localhost:5050", "key": "…" }, "kratos": "v1.3.1" }
/// ```
/// Durations are Go's: `3s`, `1h`, `1h30m`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub public: Listener,
    pub admin: Listener,
    /// Where the pages are: `{ui}/login`, `/registration`, `/settings`, `/error`.
    pub ui: String,
    pub default_return_url: String,
    pub after_registration_url: String,
    /// By scheme, host and path prefix.
    pub allowed_return_urls: Vec<String>,
    /// Exact origins, with credentials.
    pub cors_origins: Vec<String>,
    /// None: the cookies belong to the host alone.
    pub cookie_domain: Option<String>,
    pub rp: RelyingParty,
    pub methods: Methods,
    pub privileged_session_max_age: SignedDuration,
    /// For whoami and for settings.
    pub required_aal: RequiredAal,
    pub session_lifespan: SignedDuration,
    pub flow_lifespan: SignedDuration,
    /// None: no hooks are sent.
    pub hooks: Option<Hooks>,
    pub kratos: Version,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listener {
    /// 0: any free one.
    pub port: u16,
    /// What browsers use. Where it is left out, `http://localhost:{port}`.
    pub base_url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelyingParty {
    pub id: String,
    pub name: String,
    pub origins: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Methods {
    pub password: bool,
    pub passkey: bool,
    pub webauthn: WebAuthn,
    pub totp: bool,
    /// A code by e-mail: it counts as a way to sign in, so the last passkey may go, but no form offers it, because
    /// there is no mailbox.
    pub code: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebAuthn {
    Off,
    Passwordless,
    SecondFactor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredAal {
    Aal1,
    HighestAvailable,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// Takes the place of `http://localhost:5050` in the URLs of `kratos-config/kratos.yml`.
    pub service: String,
    pub key: String,
    /// How late they are sent.
    #[serde(default)]
    pub delay: SignedDuration,
}

/// Which Kratos is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Version {
    /// No Trigger-ID, no session in settings hooks, `updated_at` stays, JSON Patch cannot append to a list.
    #[serde(rename = "v1.3.1")]
    V1_3_1,
    #[serde(rename = "v26.2.0")]
    V26_2_0,
    #[serde(rename = "main")]
    Main,
}

impl Default for Config {
    fn default() -> Config {
        let pages = "http://localhost:4455";
        let service = "http://localhost:5050";
        let origins = vec![service.to_owned(), pages.to_owned()];
        Config {
            public: Listener::default(),
            admin: Listener::default(),
            ui: pages.to_owned(),
            default_return_url: format!("{pages}/"),
            after_registration_url: format!("{service}/post-registration"),
            allowed_return_urls: origins.iter().map(|origin| format!("{origin}/")).collect(),
            cors_origins: origins.clone(),
            cookie_domain: None,
            rp: RelyingParty { id: "localhost".into(), name: "Example".into(), origins },
            methods: Methods::default(),
            privileged_session_max_age: SignedDuration::from_hours(1),
            required_aal: RequiredAal::HighestAvailable,
            session_lifespan: SignedDuration::from_hours(24),
            flow_lifespan: SignedDuration::from_hours(1),
            hooks: None,
            kratos: Version::V26_2_0,
        }
    }
}

impl Default for Methods {
    fn default() -> Methods {
        Methods { password: true, passkey: true, webauthn: WebAuthn::Passwordless, totp: true, code: false }
    }
}

impl Methods {
    /// Whether the settings form has this part; the profile is always there.
    pub fn has(&self, method: &str) -> bool {
        match method {
            "password" => self.password,
            "passkey" => self.passkey,
            "webauthn" => self.webauthn != WebAuthn::Off,
            "totp" => self.totp,
            _ => true,
        }
    }
}

impl Config {
    /// JSON, or the path of a file that holds it.
    pub fn read(text_or_path: &str) -> Result<Config, String> {
        let text = if text_or_path.trim_start().starts_with('{') {
            text_or_path.to_owned()
        } else {
            std::fs::read_to_string(text_or_path).map_err(|error| format!("{text_or_path}: {error}"))?
        };
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// With a slash at the end, as Kratos writes it.
    pub fn public_url(&self) -> String {
        format!("{}/", self.public.base_url.as_deref().unwrap_or_default().trim_end_matches('/'))
    }

    pub fn public(&self, path: &str) -> String {
        format!("{}{}", self.public_url(), path.trim_start_matches('/'))
    }

    pub fn page(&self, name: &str) -> String {
        format!("{}/{name}", self.ui.trim_end_matches('/'))
    }
}
