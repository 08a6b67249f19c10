//! Of several instances one tells a receiver at a time.

use std::time::Duration;

use tokio::time::Instant;

use super::trouble::Trouble;
use crate::onboarding::ReceiverName;
use crate::store::Store;

/// Besides twice the time of a try.
const SPARE: Duration = Duration::from_secs(2);
/// Who was told that it is another's turn, or nothing, asks again after this.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Taken when there is something to tell, and kept by asking again while there is. Whoever stops asking loses it. Each
/// receiver has its own: not every instance need know the same ones, and who is slow at one holds up no other.
#[derive(Debug)]
pub struct Turn {
    store: Store,
    role: String,
    holder: i64,
    timeout: Duration,
    /// By the clock of this process, counted from before it was asked.
    until: Option<Instant>,
    refused: Option<Instant>,
    trouble: Trouble,
}

impl Turn {
    /// `holder`: of this process. `timeout`: of a try.
    pub fn new(store: Store, receiver: &ReceiverName, holder: i64, timeout: Duration) -> Turn {
        let role = format!("outbox:{receiver}");
        Turn { store, role, holder, timeout, until: None, refused: None, trouble: Trouble::default() }
    }

    fn length(&self) -> Duration {
        self.timeout * 2 + SPARE
    }

    /// Until when: a try may begin now, and is over by then whatever becomes of it. `None`: it is another's turn, or that is
    /// not known.
    pub async fn hold(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let is_long = self.until.is_some_and(|until| until > now + self.timeout + SPARE);
        if !is_long && !self.was_refused(now) {
            self.ask().await;
        }
        self.enough()
    }

    /// What is known without asking anybody.
    pub fn is_anothers(&self) -> bool {
        self.enough().is_none() && self.was_refused(Instant::now())
    }

    fn enough(&self) -> Option<Instant> {
        self.until.filter(|until| *until > Instant::now() + self.timeout)
    }

    fn was_refused(&self, now: Instant) -> bool {
        self.refused.is_some_and(|refused| now < refused + ASK_AGAIN)
    }

    async fn ask(&mut self) {
        let asked = Instant::now();
        match self.store.lease(&self.role, self.holder, self.length()).await {
            Ok(mine) => {
                self.until = mine.then(|| asked + self.length());
                self.refused = (!mine).then_some(asked);
                self.trouble.ends();
            }
            Err(error) => {
                self.refused = Some(asked);
                if self.trouble.begins() {
                    tracing::warn!(role = self.role, error = %error, "it cannot be found out whose turn it is to tell a receiver");
                }
            }
        }
    }

    /// The next one need not wait.
    pub async fn give_back(self) {
        if self.until.is_some()
            && let Err(error) = self.store.release(&self.role, self.holder).await
        {
            tracing::warn!(role = self.role, error = %error, "the turn to tell a receiver could not be given back; it lapses");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, pause, resume};

    use super::*;
    use crate::outbox::tests::{name, store};

    const TIMEOUT: Duration = Duration::from_secs(15);

    /// The database is not waited for meanwhile: it has a clock of its own.
    async fn later(by: Duration) {
        pause();
        advance(by).await;
        resume();
    }

    #[tokio::test]
    async fn it_is_one_s_at_a_time_and_the_other_need_not_ask_to_know() {
        let (store, _home) = store().await;
        let turn = |holder| Turn::new(store.clone(), &name("crm"), holder, TIMEOUT);
        let (mut one, mut other) = (turn(1), turn(2));
        let until = one.hold().await.unwrap();
        assert!(until > Instant::now() + TIMEOUT);
        assert!(!other.is_anothers(), "not known yet");
        assert_eq!(other.hold().await, None);
        assert!(other.is_anothers() && !one.is_anothers());
        one.give_back().await;
        assert_eq!(other.hold().await, None, "it was asked a moment ago");
        later(ASK_AGAIN).await;
        assert!(!other.is_anothers());
        assert!(other.hold().await.is_some());
    }

    #[tokio::test]
    async fn each_receiver_has_its_own() {
        let (store, _home) = store().await;
        let mut crm = Turn::new(store.clone(), &name("crm"), 1, TIMEOUT);
        let mut audit = Turn::new(store.clone(), &name("audit"), 2, TIMEOUT);
        assert!(crm.hold().await.is_some() && audit.hold().await.is_some());
    }

    #[tokio::test]
    async fn it_is_kept_as_long_as_it_is_asked_for_and_no_try_begins_that_could_outlast_it() {
        let (store, _home) = store().await;
        let mut turn = Turn::new(store.clone(), &name("crm"), 1, TIMEOUT);
        let first = turn.hold().await.unwrap();
        assert_eq!(turn.hold().await, Some(first), "not asked again for nothing");
        later(TIMEOUT).await;
        let second = turn.hold().await.unwrap();
        assert!(second >= first + TIMEOUT);
        store.close().await;
        later(TIMEOUT).await;
        assert_eq!(turn.hold().await, Some(second), "the database is away, and there is time for a try");
        later(SPARE).await;
        assert_eq!(turn.hold().await, None);
    }
}
