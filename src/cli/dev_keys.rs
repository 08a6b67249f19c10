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
        let kept = Kept { webhook_api_key: new_api_key()?, pii_secret: new_pii_secret()? };
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
        }
    }

    fn make(mut file: File, path: PathBuf) -> Result<DevKeys, DevKeysError> {
        let keys = DevKeys { path, ..DevKeys::generate()? };
        let text = serde_json::to_string_pretty(&keys.kept).map_err(std::io::Error::from);
        let written = text.and_then(|text| file.write_all(text.as_bytes())).and_then(|()| file.sync_all());
        match written {
            Ok(()) => Ok(keys),
            Err(source) => Err(DevKeysError::Make { path: keys.path, source }),
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
        match serde_json::from_slice(&text) {
            Ok(kept) => Ok(DevKeys { kept, path, new: false }),
            Err(_) => Err(DevKeysError::Broken(path)),
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
