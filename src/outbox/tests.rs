//! What several tests of the outbox need.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;

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

/// What this thread logs, as long as it is there.
pub struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn begin() -> Log {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        Log { lines, _guard: tracing::subscriber::set_default(subscriber.finish()) }
    }

    pub fn times(&self, what: &str) -> usize {
        self.text().matches(what).count()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock().unwrap()).into_owned()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
