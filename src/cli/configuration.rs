//! Settings and database, as the verbs that need them get them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::dev_keys::{DevKeys, DevKeysError};
use super::keygen::NoRandomness;
use crate::config::{ConfigErrors, Dsn, Environment, Mode, Settings, Sources};
use crate::store::{MadeBy, OpenError, Opening, Sqlite};

#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// The settings, in YAML. Variables of the environment win over it.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Development mode: defaults for everything, keys that are made here and kept beside the database, loopback only.
    #[arg(long)]
    pub dev: bool,
}

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
    DevelopmentBehind(PathBuf),
    #[error(transparent)]
    DevKeys(#[from] DevKeysError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// An open database and the settings that named it.
#[derive(Debug)]
pub(super) struct Opened {
    pub settings: Settings,
    pub database: Sqlite,
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

    pub async fn open(&self, behind: Behind) -> Result<Opened, OpeningError> {
        let settings = self.judge()?;
        let by = made_by(settings.mode);
        let opening = match behind {
            Behind::BringUp => Opening::Migrate(by),
            Behind::Refuse => Opening::Current(by),
        };
        let path = database_path(&settings.dsn);
        // Before the keys: no file of ours appears beside a database that production made.
        let database = Sqlite::open(path, opening).await.map_err(|error| refused(error, settings.mode))?;
        if settings.mode == Mode::Production {
            return Ok(Opened { settings, database, dev_keys: None });
        }
        let dev_keys = DevKeys::open_or_make(path)?;
        let settings = self.sources().with_generated(&dev_keys.to_settings()).settings()?;
        Ok(Opened { settings, database, dev_keys: Some(dev_keys) })
    }
}

/// With the advice that helps in this mode.
fn refused(error: OpenError, mode: Mode) -> OpeningError {
    match (mode, error) {
        (Mode::Development, OpenError::Missing(path)) => OpeningError::NoDevelopment(path),
        (Mode::Development, OpenError::Behind { path, .. }) => OpeningError::DevelopmentBehind(path),
        (_, error) => error.into(),
    }
}

pub(super) fn made_by(mode: Mode) -> MadeBy {
    match mode {
        Mode::Production => MadeBy::Production,
        Mode::Development => MadeBy::Development,
    }
}

pub(super) fn database_path(dsn: &Dsn) -> &Path {
    let Dsn::Sqlite(path) = dsn;
    path
}
