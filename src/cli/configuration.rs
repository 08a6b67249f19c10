//! Settings and database, as the verbs that need them get them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use super::dev_keys::{DevKeys, DevKeysError};
use super::keygen::NoRandomness;
use super::terminal::{complain, say_aside};
use crate::config::{ConfigErrors, Dsn, Environment, Mode, Settings, Sources};
use crate::server::Origin;
use crate::store::{Backend, MadeBy, OpenError, Opening, Postgres, PostgresServer, Sqlite};

#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// The settings, in YAML. Variables of the environment win over it.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Development mode: defaults for everything, keys that are made here and kept beside the database, loopback only.
    #[arg(long)]
    pub dev: bool,
}

/// A database that is started together with the service may need so long.
const WAIT_FOR_DATABASE: Duration = Duration::from_secs(30);
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// Development keys of a database that is no file, in the working directory.
const BESIDE_NO_FILE: &str = "kratos-onboarding";

/// What to do about a database that is missing or behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    BringUp,
    Refuse,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum OpeningError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Database(#[from] OpenError),
    #[error("dsn: there is no development database at {0}; this makes it: kratos-onboarding serve --dev")]
    NoDevelopment(PathBuf),
    #[error(
        "dsn: the schema of the development database {0} is behind; this brings it up: kratos-onboarding serve --dev"
    )]
    DevelopmentBehind(String),
    #[error(transparent)]
    DevKeys(#[from] DevKeysError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// An open database and the settings that named it.
#[derive(Debug)]
pub(super) struct Opened {
    pub settings: Settings,
    pub database: Arc<dyn Backend>,
    /// In development mode.
    pub dev_keys: Option<DevKeys>,
}

impl ConfigArguments {
    pub fn mode(&self) -> Mode {
        if self.dev { Mode::Development } else { Mode::Production }
    }

    fn sources(&self) -> Sources {
        Sources::read(self.file.as_deref(), self.mode(), &Environment::of_process())
    }

    /// All settings judged. In development mode with keys that are thrown away: making the real ones is left to
    /// [`ConfigArguments::open`].
    pub fn judge(&self) -> Result<Settings, OpeningError> {
        Ok(match self.mode() {
            Mode::Production => self.sources().settings()?,
            Mode::Development => {
                self.sources().with_generated(&DevKeys::generate()?.to_settings()).settings()?
            }
        })
    }

    pub async fn open(&self, behind: Behind, patience: Duration) -> Result<Opened, OpeningError> {
        let settings = self.judge()?;
        let by = made_by(settings.mode);
        let opening = match behind {
            Behind::BringUp => Opening::Migrate(by),
            Behind::Refuse => Opening::Current(by),
        };
        // Before the keys: no file of ours appears beside a database that production made.
        let opened = open_database(&settings.dsn, opening, patience).await;
        let database = opened.map_err(|error| refused(error, settings.mode))?;
        if settings.mode == Mode::Production {
            return Ok(Opened { settings, database, dev_keys: None });
        }
        let beside = match &settings.dsn {
            Dsn::Sqlite(path) => path,
            Dsn::Postgres(_) => Path::new(BESIDE_NO_FILE),
        };
        let dev_keys = DevKeys::open_or_make(beside)?;
        let settings = self.sources().with_generated(&dev_keys.to_settings()).settings()?;
        Ok(Opened { settings, database, dev_keys: Some(dev_keys) })
    }
}

impl ConfigArguments {
    /// How the settings are read again while the service runs.
    pub fn origin(&self, dev_keys: Option<&DevKeys>) -> Origin {
        let (file, mode, keys) = (self.file.clone(), self.mode(), dev_keys.map(DevKeys::to_settings));
        if file.as_ref().is_some_and(|file| !file.is_file()) {
            return Origin { reread: None, file };
        }
        let again = file.clone();
        let reread = move || {
            let sources = Sources::read(again.as_deref(), mode, &Environment::of_process());
            match &keys {
                Some(keys) => sources.with_generated(keys).settings(),
                None => sources.settings(),
            }
        };
        Origin { reread: Some(Box::new(reread)), file }
    }
}

/// With the advice that helps in this mode.
fn refused(error: OpenError, mode: Mode) -> OpeningError {
    match (mode, error) {
        (Mode::Development, OpenError::Missing(path)) => OpeningError::NoDevelopment(path),
        (Mode::Development, OpenError::Behind { database, .. }) => OpeningError::DevelopmentBehind(database),
        (_, error) => error.into(),
    }
}

pub(super) fn made_by(mode: Mode) -> MadeBy {
    match mode {
        Mode::Production => MadeBy::Production,
        Mode::Development => MadeBy::Development,
    }
}

/// Waits for a server that cannot be reached yet, but not for ever.
pub(super) async fn open_database(
    dsn: &Dsn,
    opening: Opening,
    patience: Duration,
) -> Result<Arc<dyn Backend>, OpenError> {
    let deadline = Instant::now() + WAIT_FOR_DATABASE;
    let mut told = false;
    loop {
        match open_once(dsn, opening, patience).await {
            Err(error @ OpenError::Unreachable { .. }) if Instant::now() < deadline => {
                if !std::mem::replace(&mut told, true) {
                    complain(&error);
                    say_aside(&format!("trying for {} seconds", WAIT_FOR_DATABASE.as_secs()));
                }
                tokio::time::sleep(TRY_AGAIN).await;
            }
            opened => return opened,
        }
    }
}

/// The one place where the scheme of `dsn` chooses.
async fn open_once(dsn: &Dsn, opening: Opening, patience: Duration) -> Result<Arc<dyn Backend>, OpenError> {
    Ok(match dsn {
        Dsn::Sqlite(path) => Arc::new(Sqlite::open(path, opening).await?),
        Dsn::Postgres(dsn) => {
            let server = PostgresServer {
                url: dsn.url.clone(),
                name: dsn.name.clone(),
                connections: dsn.max_conns,
                patience,
                notify: dsn.notify,
            };
            Arc::new(Postgres::open(&server, opening).await?)
        }
    })
}
