//! What several tests of the outbox need.

use std::sync::Arc;

use crate::clock::Clock;
use crate::onboarding::ReceiverName;
use crate::store::{MadeBy, Opening, Sqlite, Store, WriterSettings};

pub fn name(name: &str) -> ReceiverName {
    name.parse().unwrap()
}

pub async fn store() -> (Store, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let opening = Opening::Migrate(MadeBy::Development);
    let backend = Arc::new(Sqlite::open(&home.path().join("test.db"), opening).await.unwrap());
    let settings = WriterSettings::default();
    (Store::start(backend, settings, Clock::system(), Arc::default()).await.unwrap(), home)
}
