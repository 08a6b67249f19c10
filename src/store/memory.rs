//! Records in memory, as long as there can be nothing newer in the database that was to be heard of.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::onboarding::{IdentityId, Record};

/// One record is about 1 KB.
const RECORDS: usize = 10_000;
/// Should all else fail, what another instance wrote is not hidden for longer.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Memory counts while the log was read so recently: what is in it may be older otherwise.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Memory {
    records: Cache<IdentityId, (Arc<Record>, Instant)>,
    /// Moves with every commit, here or elsewhere: a read that one overtook must not be kept.
    commits: AtomicU64,
    /// Moves when others were heard of: a commit that they overtook must not be kept either.
    heard: AtomicU64,
    /// When it was last known what others wrote.
    followed: Mutex<Instant>,
}

/// What a read or a commit is held against when it is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    commits: u64,
    heard: u64,
}

impl Memory {
    pub fn new() -> Memory {
        Memory {
            records: Cache::new(RECORDS),
            commits: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            followed: Mutex::new(Instant::now()),
        }
    }

    pub fn get(&self, identity: IdentityId) -> Option<Arc<Record>> {
        let (record, since) = self.records.get(&identity)?;
        let is_followed =
            || self.followed.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < FOLLOWED_WITHIN;
        (since.elapsed() < KEPT_FOR && is_followed()).then_some(record)
    }

    /// Before a read or a commit.
    pub fn begin(&self) -> Begun {
        Begun { commits: self.commits.load(Ordering::SeqCst), heard: self.heard.load(Ordering::SeqCst) }
    }

    /// Keeps what was read, unless a commit overtook it.
    pub fn read(&self, begun: Begun, record: &Arc<Record>) {
        let overtaken = || self.commits.load(Ordering::SeqCst) != begun.commits;
        if !overtaken() {
            self.keep(record);
            // A commit counts first and is kept second: one that came in between may have been overwritten.
            if overtaken() {
                self.records.remove(&record.identity);
            }
        }
    }

    /// Keeps what this process committed, unless others were heard of meanwhile: they may have changed it since.
    pub fn committed<'a>(&self, begun: Begun, records: impl Iterator<Item = &'a Arc<Record>> + Clone) {
        self.commits.fetch_add(1, Ordering::SeqCst);
        records.clone().for_each(|record| self.keep(record));
        if self.heard.load(Ordering::SeqCst) != begun.heard {
            self.forget(records.map(|record| record.identity));
        }
    }

    /// What others wrote.
    pub fn heard_of(&self, identities: impl Iterator<Item = IdentityId>) {
        self.heard.fetch_add(1, Ordering::SeqCst);
        self.forget(identities);
    }

    /// Others may have written anything.
    pub fn heard_of_all(&self) {
        self.heard.fetch_add(1, Ordering::SeqCst);
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.records.clear();
    }

    /// It is known now what others wrote until now.
    pub fn followed(&self) {
        *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// What is in the database is not known any more.
    pub fn forget(&self, identities: impl Iterator<Item = IdentityId>) {
        self.commits.fetch_add(1, Ordering::SeqCst);
        for identity in identities {
            self.records.remove(&identity);
        }
    }

    fn keep(&self, record: &Arc<Record>) {
        self.records.insert(record.identity, (record.clone(), Instant::now()));
    }
}
