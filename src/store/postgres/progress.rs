//! Writers and their commits, as the table `commits` counts them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::backend::random;

/// How far this process knows each writer's commits. Its own are known up to the one under way.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<HashMap<i64, i64>>);

impl Progress {
    /// Of a writer of this process: what it commits is no news here.
    const OWN: i64 = i64::MAX;

    fn begin(&self) -> i64 {
        let writer = random();
        self.lock().insert(writer, Progress::OWN);
        writer
    }

    fn end(&self, writer: i64, commits: i64) {
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

/// A connection of this process that writes. When it is dropped, more than it knew to be committed would be news after
/// all.
#[derive(Debug)]
pub(super) struct Writer {
    progress: Arc<Progress>,
    pub id: i64,
    /// Made so far.
    pub commits: i64,
}

impl Writer {
    pub fn begin(progress: Arc<Progress>) -> Writer {
        let id = progress.begin();
        Writer { progress, id, commits: 0 }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.progress.end(self.id, self.commits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_own_is_no_news_until_the_connection_is_gone() {
        let progress = Arc::<Progress>::default();
        let mut writer = Writer::begin(progress.clone());
        writer.commits = 3;
        let id = writer.id;
        assert_eq!(progress.known(), (vec![id], vec![i64::MAX]));
        drop(writer);
        assert_eq!(progress.known(), (vec![id], vec![3]));
        progress.reached(id, 4);
        progress.reached(id, 2);
        assert_eq!(progress.known(), (vec![id], vec![4]), "never back");
        progress.forget_but(&HashSet::new());
        assert_eq!(progress.known().0, Vec::<i64>::new());
    }
}
