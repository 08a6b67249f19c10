//! `serve`: the service itself.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use secrecy::ExposeSecret as _;
use url::Url;

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use super::dev_keys::DevKeys;
use super::terminal::say;
use crate::clock::Clock;
use crate::config::Settings;
use crate::outbox;
use crate::server::{RunError, Server, StartError};
use crate::store::{ReadError, Store, WriterSettings};
use crate::telemetry::{LoggingError, Metrics, init_logging};

/// A hook as Kratos v26.2.0 sent it, for trying out; relative to the checkout.
const EXAMPLE: &str = "kratos-config/examples/registration-password.json";

/// A commit may take so long: less than who waits for it does.
const PATIENCE: Duration = Duration::from_millis(800);

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    config: ConfigArguments,
    #[arg(skip)]
    without_verb: bool,
}

impl ServeArguments {
    /// What a debug build does when it is given no verb.
    pub fn fallback() -> ServeArguments {
        ServeArguments { config: ConfigArguments { file: None, dev: true }, without_verb: true }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error(transparent)]
    Opening(#[from] OpeningError),
    #[error(transparent)]
    Logging(#[from] LoggingError),
    #[error(transparent)]
    Database(#[from] ReadError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Run(#[from] RunError),
}

pub(super) fn run(arguments: &ServeArguments) -> Result<(), ServeError> {
    // A second one would be refused, and then there already is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    actix_web::rt::System::new().block_on(serve(arguments))
}

async fn serve(arguments: &ServeArguments) -> Result<(), ServeError> {
    let behind = if arguments.config.dev { Behind::BringUp } else { Behind::Refuse };
    let Opened { settings, database, dev_keys } = arguments.config.open(behind, PATIENCE).await?;
    init_logging(&settings.log)?;
    let (clock, metrics) = (Clock::system(), Arc::new(Metrics::default()));
    let writing =
        WriterSettings { receivers: outbox::receivers(&settings.events), ..WriterSettings::default() };
    let store = Store::start(database, writing, clock.clone(), metrics.clone()).await?;
    warn_of_unconfigured(&store, &settings).await;
    let origin = arguments.config.origin(dev_keys.as_ref());
    let told = dev_keys.map(|keys| (keys, settings.clone()));
    let server = Server::bind(settings, origin, store, clock, metrics)?;
    if let Some((keys, settings)) = told {
        say(&banner(&keys, &settings, server.public_url(), server.admin_url(), arguments.without_verb));
    }
    let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    say(&format!(
        "listening public {}\nlistening admin {}",
        bare(server.public_url()),
        bare(server.admin_url())
    ));
    server.run().await?;
    Ok(())
}

async fn warn_of_unconfigured(store: &Store, settings: &Settings) {
    match outbox::unconfigured(store, &settings.events).await {
        Ok(names) => {
            for name in names {
                tracing::warn!(
                    receiver = name,
                    "there are letters for a receiver that is not configured: nobody is told of them until it is; \
                     `events list` counts them, `events drop --all --receiver` forgets them"
                );
            }
        }
        Err(error) => tracing::warn!(error = %error, "it cannot be looked whether letters wait for nobody"),
    }
}

/// What development mode is, and the first thing to try. Keys that somebody configured are not shown.
fn banner(keys: &DevKeys, settings: &Settings, public: &Url, admin: &Url, without_verb: bool) -> String {
    let generated = keys.to_settings().webhook_api_key;
    let in_use = settings.webhook.api_keys.iter().any(|key| key.expose_secret() == generated);
    let (name, public) = (&settings.webhook.api_key_name, public.as_str().trim_end_matches('/'));
    let key = if in_use { generated.as_str() } else { "YOUR-WEBHOOK-KEY" };
    let kept = match (in_use, keys.new) {
        (false, _) => "the one in your settings".to_owned(),
        (true, true) => format!("{key}  (new, kept in {})", keys.path.display()),
        (true, false) => format!("{key}  (from {})", keys.path.display()),
    };
    let why = if without_verb {
        "\nNo verb was given and this is a debug build, so it does: serve --dev\n"
    } else {
        ""
    };
    let kratos_admin = settings.kratos.admin_url.as_ref();
    let token = keys.to_settings().admin_token;
    let token = if settings.admin.is_token(&token) { token.as_str() } else { "one in your settings" };
    let line = "=".repeat(72);
    let database = &settings.dsn;
    format!(
        "{line}\n\
         DEVELOPMENT MODE: generated keys, loopback only. Not for real people.\n\
         {line}{why}\n\
         public       {public}\n\
         admin        {admin}\n\
         Kratos       {kratos}, its admin API {kratos_admin}\n\
         database     {database}\n\
         webhook key  {kept}\n\
         admin token  {token}\n\
         \n\
         Post a hook that a real Kratos sent:\n\
         \n\
         curl -i -X POST {public}/api/kratos/hooks/registration/password -H '{name}: {key}' \
         -H 'Content-Type: application/json' --data @{EXAMPLE}\n",
        admin = admin.as_str().trim_end_matches('/'),
        kratos = settings.kratos.public_url.as_str().trim_end_matches('/'),
        kratos_admin = kratos_admin.map_or("not set", |url| url.as_str().trim_end_matches('/')),
    )
}
