//! The keys of development mode: made once, kept beside the database, so that a restart keeps them.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::keygen::{NoRandomness, new_api_key, new_pii_secret};
use crate::config::GeneratedKeys;

/// Only the owner may read or write it.
const PRIVATE: u32 = 0o600;
/// Far above what two keys need.
const LARGEST: u64 = 4096;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    webhook_api_key: String,
    pii_secret: String,
    /// Not in the files of versions that had no operators' endpoints.
    #[serde(default)]
    admin_token: String,
}

#[derive(Clone)]
pub(super) struct DevKeys {
    kept: Kept,
    /// Where they are kept; empty for those that are not.
    pub path: PathBuf,
    /// Whether this start made them.
    pub new: bool,
}

impl std::fmt::Debug for DevKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevKeys").field("path", &self.path).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum DevKeysError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the development keys cannot be kept in {path}")]
    Make { path: PathBuf, source: std::io::Error },
    #[error("the development keys in {path} cannot be read")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{0} is not a plain file: development keys are only read from one")]
    NotAFile(PathBuf),
    #[error("{path} can be used by others (its mode is {mode:04o}); take that away with: chmod 600 {path}")]
    Open { path: PathBuf, mode: u32 },
    #[error(
        "{0} does not hold development keys; remove it to have new ones made (people already in the database are then no longer found by their e-mail address)"
    )]
    Broken(PathBuf),
}

impl DevKeys {
    /// Kept nowhere.
    pub fn generate() -> Result<DevKeys, NoRandomness> {
        let kept = Kept {
            webhook_api_key: new_api_key()?,
            pii_secret: new_pii_secret()?,
            admin_token: new_api_key()?,
        };
        Ok(DevKeys { kept, path: PathBuf::new(), new: true })
    }

    /// Those beside `database`, made where there are none.
    pub fn open_or_make(database: &Path) -> Result<DevKeys, DevKeysError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".dev-keys.json");
        let path = PathBuf::from(name);
        let new = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&path);
        match new {
            Ok(file) => DevKeys::make(file, path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => DevKeys::read(path),
            Err(source) => Err(DevKeysError::Make { path, source }),
        }
    }

    pub fn to_settings(&self) -> GeneratedKeys {
        GeneratedKeys {
            webhook_api_key: self.kept.webhook_api_key.clone(),
            pii: self.kept.pii_secret.clone(),
            admin_token: self.kept.admin_token.clone(),
        }
    }

    fn make(file: File, path: PathBuf) -> Result<DevKeys, DevKeysError> {
        DevKeys { path, ..DevKeys::generate()? }.kept_in(file)
    }

    fn kept_in(self, mut file: File) -> Result<DevKeys, DevKeysError> {
        let text = serde_json::to_string_pretty(&self.kept).map_err(std::io::Error::from);
        let written = text.and_then(|text| file.write_all(text.as_bytes())).and_then(|()| file.sync_all());
        match written {
            Ok(()) => Ok(self),
            Err(source) => Err(DevKeysError::Make { path: self.path, source }),
        }
    }

    fn read(path: PathBuf) -> Result<DevKeys, DevKeysError> {
        let unreadable = |source| DevKeysError::Read { path: path.clone(), source };
        // Before it is opened: opening a pipe would wait for ever, and a link may lead anywhere.
        if !std::fs::symlink_metadata(&path).map_err(unreadable)?.is_file() {
            return Err(DevKeysError::NotAFile(path));
        }
        let file = File::open(&path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(DevKeysError::Open { path, mode });
        }
        let mut text = Vec::new();
        file.take(LARGEST).read_to_end(&mut text).map_err(unreadable)?;
        let Ok(mut kept) = serde_json::from_slice::<Kept>(&text) else {
            return Err(DevKeysError::Broken(path));
        };
        if !kept.admin_token.is_empty() {
            return Ok(DevKeys { kept, path, new: false });
        }
        kept.admin_token = new_api_key()?;
        let file = OpenOptions::new().write(true).truncate(true).open(&path);
        match file {
            Ok(file) => DevKeys { kept, path, new: false }.kept_in(file),
            Err(source) => Err(DevKeysError::Make { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn they_are_private_and_survive() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("some.db");
        let made = DevKeys::open_or_make(&database).unwrap();
        assert!(made.new);
        assert_eq!(made.path, directory.path().join("some.db.dev-keys.json"));
        assert_eq!(std::fs::metadata(&made.path).unwrap().mode() & 0o7777, 0o600);
        let again = DevKeys::open_or_make(&database).unwrap();
        assert!(!again.new);
        assert_eq!(again.kept.webhook_api_key, made.kept.webhook_api_key);
        assert_eq!(again.kept.pii_secret, made.kept.pii_secret);
        assert!(!format!("{made:?}").contains(&made.kept.webhook_api_key));
    }

    #[test]
    fn a_file_from_before_there_were_operators_gets_a_token_and_keeps_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("some.db");
        let made = DevKeys::open_or_make(&database).unwrap();
        let older = serde_json::json!({
            "webhook_api_key": made.kept.webhook_api_key, "pii_secret": made.kept.pii_secret });
        std::fs::write(&made.path, older.to_string()).unwrap();
        let read = DevKeys::open_or_make(&database).unwrap();
        assert_eq!(read.kept.pii_secret, made.kept.pii_secret);
        assert!(read.kept.admin_token.len() >= 32);
        assert_eq!(DevKeys::open_or_make(&database).unwrap().kept.admin_token, read.kept.admin_token);
    }

    #[test]
    fn what_others_can_read_or_change_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("some.db");
        let path = DevKeys::open_or_make(&database).unwrap().path;
        for mode in [0o644, 0o640, 0o602, 0o610] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = DevKeys::open_or_make(&database).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn what_is_no_key_file_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("some.db");
        let path = DevKeys::open_or_make(&database).unwrap().path;
        std::fs::write(&path, "{}").unwrap();
        assert!(matches!(DevKeys::open_or_make(&database), Err(DevKeysError::Broken(_))));
        let elsewhere = directory.path().join("elsewhere");
        std::fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert!(matches!(DevKeys::open_or_make(&database), Err(DevKeysError::NotAFile(_))));
    }
}
