//! Writers and their commits, as the table `commits` counts them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::backend::random;

/// How far this process knows each writer's commits. Its own are known up to the one under way.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<HashMap<i64, i64>>);

impl Progress {
    /// Of a writer of this process: what it commits is no news here.
    const OWN: i64 = i64::MAX;

    pub fn begin(&self) -> i64 {
        let writer = random();
        self.lock().insert(writer, Progress::OWN);
        writer
    }

    /// The writer's connection is gone: more than `commits` would be news after all.
    pub fn end(&self, writer: i64, commits: i64) {
        self.lock().insert(writer, commits);
    }

    pub fn reached(&self, writer: i64, n: i64) {
        let mut known = self.lock();
        let reached = known.entry(writer).or_default();
        *reached = n.max(*reached);
    }

    pub fn known(&self) -> (Vec<i64>, Vec<i64>) {
        self.lock().iter().unzip()
    }

    /// Whoever has no commit left is forgotten: what it commits later is all that there is of it.
    pub fn forget_but(&self, writers: &HashSet<i64>) {
        self.lock().retain(|writer, n| *n == Progress::OWN || writers.contains(writer));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
