//! Connections that cannot hang: whatever does not answer in time is dropped, with all that is in doubt about it.
//!
//! Not sqlx's pool: a connection given back to it is asked whether it lives, for as long as that takes, and holds its
//! place meanwhile.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::sync::Semaphore;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use super::super::backend::{BoxedError, CommitError, ReadError};
use super::progress::{Progress, Writer};

/// A transaction that this process no longer ends lets go of its rows.
const IDLE_IN_TRANSACTION: &str = "SET idle_in_transaction_session_timeout = 5000";
/// All is reached by key, and a plan made while the tables were small must not say otherwise.
const BY_KEY: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";
/// Of one line. A server that cannot end them has nothing to gain from more.
const ABANDONED_AT_MOST: usize = 3;

/// For so long after its last answer.
const SURELY_THERE: Duration = Duration::from_millis(500);

/// A connection that writes, made anew after anything that leaves its state in doubt.
pub(super) struct Line {
    options: PgConnectOptions,
    progress: Arc<Progress>,
    patience: Duration,
    open: Option<Open>,
    /// Sessions of the server that this process gave up, as long as they may still be there.
    abandoned: Vec<Session>,
}

#[derive(Debug)]
pub(super) struct Open {
    pub connection: PgConnection,
    pub writer: Writer,
    session: Session,
}

/// As `pg_stat_activity` tells it from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Session {
    pid: i32,
    started: String,
}

impl Line {
    pub fn new(options: PgConnectOptions, progress: Arc<Progress>, patience: Duration) -> Line {
        Line { options, progress, patience, open: None, abandoned: Vec::new() }
    }

    /// In time, or not at all: whoever leaves before the answer drops the connection.
    pub async fn run<T>(
        &mut self,
        deadline: Instant,
        work: impl AsyncFnOnce(&mut Open) -> Result<T, CommitError>,
    ) -> Result<T, CommitError> {
        let mut open = self.open(deadline).await?;
        let done = timeout_at(deadline, work(&mut open)).await;
        self.take_back(open, done)
    }

    /// Connects where there is no connection.
    pub async fn reach(&mut self, deadline: Instant) -> Result<(), CommitError> {
        self.open = Some(self.open(deadline).await?);
        Ok(())
    }

    /// The connection, taken out: whoever does not give it back has dropped it.
    async fn open(&mut self, deadline: Instant) -> Result<Open, CommitError> {
        if let Some(open) = self.open.take() {
            return Ok(open);
        }
        let (connection, session) = timeout_at(deadline, self.connect()).await.map_err(in_time)??;
        Ok(Open { connection, writer: Writer::begin(self.progress.clone()), session })
    }

    async fn connect(&mut self) -> Result<(PgConnection, Session), CommitError> {
        let more = format!("{IDLE_IN_TRANSACTION}; {BY_KEY}");
        let mut connection = connect(&self.options, self.patience, &more).await?;
        if !self.abandoned.is_empty() {
            self.end_abandoned(&mut connection).await?;
        }
        let own = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let (pid, started) = sqlx::query_as(own).fetch_one(&mut connection).await?;
        Ok((connection, Session { pid, started }))
    }

    /// One that waits for a standby or for its disk is not ended by its client's leaving; each holds a place that others
    /// need too, Kratos among them.
    async fn end_abandoned(&mut self, connection: &mut PgConnection) -> Result<(), CommitError> {
        let (pids, starts): (Vec<i32>, Vec<&str>) =
            self.abandoned.iter().map(|session| (session.pid, session.started.as_str())).unzip();
        let still: Vec<(i32, String, bool)> = sqlx::query_as(
            "SELECT a.pid, a.backend_start::text, pg_terminate_backend(a.pid) FROM pg_stat_activity a
             JOIN unnest($1::int[], $2::text[]) AS abandoned (pid, started)
             ON a.pid = abandoned.pid AND a.backend_start::text = abandoned.started",
        )
        .bind(pids)
        .bind(starts)
        .fetch_all(connection)
        .await?;
        self.abandoned = still.into_iter().map(|(pid, started, _)| Session { pid, started }).collect();
        if self.abandoned.len() > ABANDONED_AT_MOST {
            return Err(CommitError::Unavailable("the server does not end its abandoned sessions".into()));
        }
        Ok(())
    }

    /// Kept where the server itself said what became of the transaction.
    fn take_back<T>(
        &mut self,
        open: Open,
        done: Result<Result<T, CommitError>, Elapsed>,
    ) -> Result<T, CommitError> {
        let done = done.unwrap_or_else(|elapsed| Err(in_time(elapsed)));
        match &done {
            Ok(_) | Err(CommitError::Data(_)) => self.open = Some(open),
            Err(error) if sqlstate(error).is_some_and(|code| is_rolled_back(&code)) => self.open = Some(open),
            Err(_) => self.abandoned.push(open.session),
        }
        done
    }

    pub async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let _ = timeout_at(Instant::now() + self.patience, open.connection.close()).await;
        }
    }
}

impl fmt::Debug for Line {
    /// Without the options, which hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("open", &self.open.is_some()).finish_non_exhaustive()
    }
}

/// Connections that are asked one thing at a time, outside of a transaction.
#[derive(Clone)]
pub(super) struct Readers {
    options: PgConnectOptions,
    patience: Duration,
    places: Arc<Semaphore>,
    /// And since when.
    idle: Arc<Mutex<Vec<(PgConnection, Instant)>>>,
}

impl Readers {
    pub fn new(options: PgConnectOptions, connections: u32, patience: Duration) -> Readers {
        let places = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(1).max(1)));
        Readers { options, patience, places, idle: Arc::default() }
    }

    pub fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// Whoever leaves before the answer, by the deadline or on its own, drops the connection it holds.
    pub async fn read<T>(
        &self,
        query: impl AsyncFnOnce(&mut PgConnection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let asked = timeout_at(self.deadline(), async {
            let _place =
                self.places.acquire().await.map_err(|closed| ReadError::Unavailable(closed.into()))?;
            let mut connection = self.connection().await?;
            let answer = query(&mut connection).await;
            if !matches!(answer, Err(ReadError::Unavailable(_))) {
                self.lock().push((connection, Instant::now()));
            }
            answer
        });
        asked.await.unwrap_or_else(|elapsed| Err(ReadError::Unavailable(elapsed.into())))
    }

    /// One that was idle is asked whether it is still there: the server may have been restarted since.
    async fn connection(&self) -> Result<PgConnection, sqlx::Error> {
        while let Some((mut connection, since)) = self.pop() {
            if since.elapsed() < SURELY_THERE || connection.ping().await.is_ok() {
                return Ok(connection);
            }
        }
        connect(&self.options, self.patience, IDLE_IN_TRANSACTION).await
    }

    fn pop(&self) -> Option<(PgConnection, Instant)> {
        self.lock().pop()
    }

    pub async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.lock());
        let closing =
            futures_util::future::join_all(idle.into_iter().map(|(connection, _)| connection.close()));
        let _ = timeout_at(self.deadline(), closing).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(PgConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("free", &self.places.available_permits()).finish_non_exhaustive()
    }
}

/// With what makes the server end a statement that this process no longer waits for.
async fn connect(
    options: &PgConnectOptions,
    patience: Duration,
    more: &str,
) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    let patience = patience.as_millis();
    let settings = format!("SET statement_timeout = {patience}; SET lock_timeout = {patience}; {more}");
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut connection).await?;
    Ok(connection)
}

/// Transaction rollback, or a lock that was not to be had in time.
fn is_rolled_back(code: &str) -> bool {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    code.starts_with("40") || code == LOCK_NOT_AVAILABLE
}

/// The server ended the session, or was restarted since.
pub(super) fn is_gone(error: &BoxedError) -> bool {
    match error.downcast_ref() {
        Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => true,
        Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| code.starts_with("57P0")),
        _ => false,
    }
}

/// PostgreSQL, Appendix A.
pub(super) fn sqlstate(error: &CommitError) -> Option<Cow<'_, str>> {
    let (CommitError::Data(error) | CommitError::Unavailable(error)) = error;
    error.downcast_ref::<sqlx::Error>()?.as_database_error()?.code()
}

fn in_time(elapsed: Elapsed) -> CommitError {
    CommitError::Unavailable(elapsed.into())
}
