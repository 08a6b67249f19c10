//! The settings file as types: the JSON Schema, the built-in defaults and the texts of messages come from here.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use super::sections::{
    AdminApiFile, EventsFile, KratosFile, LogFile, LogFormatFile, PageFile, PolicyFile, ReconcileFile,
    SecretsFile, ServeFile, WebauthnFile, WebhookFile,
};
use super::settings::Mode;
use crate::onboarding::EnrolMethod;

/// Settings of kratos-onboarding. Each can be set in the environment too: `serve.public.port` is
/// `ONBOARDING__SERVE__PUBLIC__PORT`, and a list is separated by commas there. The environment wins over the file,
/// the file over the default.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "kratos-onboarding")]
pub struct SettingsFile {
    /// The database: `sqlite://PATH` for one instance, `postgres://USER:PASSWORD@HOST/DATABASE` for one or many. A path
    /// that does not begin with `/` is relative to the working directory. What PostgreSQL takes after `?`: `sslmode`,
    /// `sslrootcert`, `sslcert`, `sslkey`, `host` (also the directory of a socket), `port`, `user`, `password`, `dbname`,
    /// `application_name`, `options`, `statement-cache-capacity`, `max_conns` (connections of this instance,
    /// 4 to 1000, 8 otherwise) and `notify` (`off`: instances do not tell each other at once what they wrote, and look
    /// every second only). No default outside development mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true), example = "sqlite:///var/lib/kratos-onboarding/onboarding.db")]
    pub dsn: Option<String>,
    /// Path of a file with the value of `dsn`, which may hold a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/run/secrets/onboarding-dsn")]
    pub dsn_file: Option<String>,
    /// The two listeners.
    pub serve: ServeFile,
    /// Where Ory Kratos is, and what of its configuration must be known here.
    pub kratos: KratosFile,
    /// What a hook must come with. Any one credential of any kind is enough; outside development mode at least one
    /// has to be there.
    pub webhook: WebhookFile,
    /// The PostRegistration page and what may call for it.
    pub page: PageFile,
    /// Our own ceremony: for whom passkeys are made, and whether Kratos is handed them.
    pub webauthn: WebauthnFile,
    /// The operators' endpoints on the admin listener.
    pub admin: AdminApiFile,
    /// What people enrol with: a list of `passkey`, `webauthn` or both. `webauthn` only where Kratos has it with
    /// `passwordless: true`: otherwise its keys are a second factor.
    #[schemars(example = ["passkey"])]
    pub methods: Vec<EnrolMethod>,
    /// Whom to offer a passkey, and when again.
    pub policy: PolicyFile,
    /// What finds out that a hook was missed: records are compared with Kratos's admin API, one instance at a time.
    pub reconcile: ReconcileFile,
    /// Who is told of what happens to people, by signed web hooks.
    pub events: EventsFile,
    /// Secrets of the service itself.
    pub secrets: SecretsFile,
    /// What is logged.
    pub log: LogFile,
}

impl Default for SettingsFile {
    fn default() -> SettingsFile {
        SettingsFile {
            dsn: None,
            dsn_file: None,
            serve: ServeFile::default(),
            kratos: KratosFile::default(),
            webhook: WebhookFile::default(),
            page: PageFile::default(),
            webauthn: WebauthnFile::default(),
            admin: AdminApiFile::default(),
            methods: vec![EnrolMethod::Passkey],
            policy: PolicyFile::default(),
            reconcile: ReconcileFile::default(),
            events: EventsFile::default(),
            secrets: SecretsFile::default(),
            log: LogFile::default(),
        }
    }
}

impl SettingsFile {
    pub(super) fn defaults(mode: Mode) -> SettingsFile {
        let mut file = SettingsFile::default();
        if mode == Mode::Development {
            file.dsn = Some("sqlite://kratos-onboarding.db".to_owned());
            file.serve.public.host = "127.0.0.1".to_owned();
            // By name, because cookies belong to a host name and `kratos-config/` has Kratos on this one.
            file.kratos.public_url = Some("http://localhost:4433/".to_owned());
            file.kratos.admin_url = Some("http://localhost:4434/".to_owned());
            file.log.format = LogFormatFile::Pretty;
        }
        file
    }
}

/// JSON Schema (draft 2020-12) of the settings file.
pub fn document() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<SettingsFile>()
}
