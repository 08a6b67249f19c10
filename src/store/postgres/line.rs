//! Connections that cannot hang: whatever does not answer in time is dropped, with all that is in doubt about it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use super::super::backend::{CommitError, ReadError};
use super::news::Places;

/// The one connection that writes, made anew after anything that leaves its state in doubt.
#[derive(Debug)]
pub(super) struct Line {
    options: PgConnectOptions,
    places: Arc<Places>,
    patience: Duration,
    open: Option<Open>,
}

/// A connection, and what it is known by in the table `commits`.
#[derive(Debug)]
pub(super) struct Open {
    pub connection: PgConnection,
    pub writer: i64,
    /// Commits made.
    pub commits: i64,
}

impl Line {
    pub fn new(options: PgConnectOptions, places: Arc<Places>, patience: Duration) -> Line {
        Line { options, places, patience, open: None }
    }

    /// The connection, taken out: whoever does not give it back has dropped it.
    pub async fn open(&mut self, deadline: Instant) -> Result<Open, CommitError> {
        if let Some(open) = self.open.take() {
            return Ok(open);
        }
        let connecting = connect(&self.options, self.patience);
        let connection = timeout_at(deadline, connecting).await.map_err(in_time)??;
        let writer = self.places.begin();
        Ok(Open { connection, writer, commits: 0 })
    }

    /// Kept where the server itself said what became of the transaction.
    pub fn take_back<T>(
        &mut self,
        open: Open,
        done: Result<Result<T, CommitError>, Elapsed>,
    ) -> Result<T, CommitError> {
        let done = done.unwrap_or_else(|elapsed| Err(in_time(elapsed)));
        match &done {
            Ok(_) | Err(CommitError::Data(_)) => self.open = Some(open),
            Err(error) if sqlstate(error).is_some_and(|code| code.starts_with("40")) => {
                self.open = Some(open)
            }
            Err(_) => self.places.end(open.writer, open.commits),
        }
        done
    }

    pub async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let deadline = Instant::now() + self.patience;
            let _ = timeout_at(deadline, open.connection.close()).await;
        }
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

/// What the server does by itself when this process no longer can: an abandoned statement ends, an abandoned transaction
/// lets go of its rows. All is reached by key, and a plan made while the tables were small must not say otherwise.
async fn connect(options: &PgConnectOptions, patience: Duration) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    let patience = patience.as_millis();
    let settings = format!(
        "SET statement_timeout = {patience}; SET lock_timeout = {patience}; \
         SET idle_in_transaction_session_timeout = 5000; \
         SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(&mut connection).await?;
    Ok(connection)
}

/// Connections that read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pool: PgPool,
    patience: Duration,
}

impl Reading {
    pub fn new(pool: PgPool, patience: Duration) -> Reading {
        Reading { pool, patience }
    }

    pub fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    pub async fn read<T>(
        &self,
        query: impl AsyncFnOnce(&mut PgConnection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let deadline = self.deadline();
        let acquired = timeout_at(deadline, self.pool.acquire()).await;
        let mut connection: PoolConnection<_> = acquired.map_err(late)??;
        match timeout_at(deadline, query(&mut connection)).await {
            Ok(read) => read,
            Err(elapsed) => {
                // Given back, it would be asked whether it lives, and hold a place until it answers.
                drop(connection.detach());
                Err(late(elapsed))
            }
        }
    }

    pub async fn close(&self) {
        let _ = timeout_at(self.deadline(), self.pool.close()).await;
    }
}

fn late(elapsed: Elapsed) -> ReadError {
    ReadError::Unavailable(elapsed.into())
}
