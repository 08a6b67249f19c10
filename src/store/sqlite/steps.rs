//! What a statement costs, for tests: steps of SQLite's virtual machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::SqliteConnection;
use tempfile::TempDir;

use super::super::{MadeBy, Opening};
use super::Sqlite;

/// An empty database in a directory of its own.
pub async fn opened() -> (Arc<Sqlite>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let opening = Opening::Migrate(MadeBy::Development);
    let sqlite = Sqlite::open(&directory.path().join("test.db"), opening).await.unwrap();
    (Arc::new(sqlite), directory)
}

/// Counts hundreds of steps of the connection from now on.
pub async fn hundreds(connection: &mut SqliteConnection) -> Arc<AtomicU32> {
    let counted = Arc::new(AtomicU32::new(0));
    let counting = counted.clone();
    connection.lock_handle().await.unwrap().set_progress_handler(100, move || {
        counting.fetch_add(1, Ordering::Relaxed);
        true
    });
    counted
}
