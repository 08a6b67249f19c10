//! What other instances wrote. The table `commits` tells it for certain, a notification only says when to look.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::Timestamp as SqlTime;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{PgConnection, Row};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::super::backend::{Elsewhere, Follow, ReadError, random};
use super::line::Readers;
use super::progress::Progress;
use crate::onboarding::IdentityId;

const CHANNEL: &str = "kratos_onboarding";
/// Without a notification.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Of those that come at once, one look is enough.
const HINTS_APART: Duration = Duration::from_millis(20);
/// A connection that went quiet may be dead, and says nothing of it.
const LISTEN_AGAIN: Duration = Duration::from_secs(60);
const AT_ONCE: i64 = 500;

/// Rows are kept for twice as long as somebody may be away before they count as lost.
const AWAY_AT_MOST: SignedDuration = SignedDuration::from_secs(60);
const TIDY_EVERY: Duration = Duration::from_secs(15);

/// Says that there is something to look at: to the other instances, and by them.
#[derive(Debug)]
pub(super) struct Hints {
    /// Tells this process's notifications from others'.
    sender: String,
    given: Notify,
    taken: Notify,
}

impl Default for Hints {
    fn default() -> Hints {
        Hints { sender: format!("{:016x}", random()), given: Notify::new(), taken: Notify::new() }
    }
}

impl Hints {
    pub fn committed(&self) {
        self.given.notify_one();
    }
}

pub(super) struct Following {
    readers: Readers,
    progress: Arc<Progress>,
    hints: Arc<Hints>,
    /// There may be something now: the last look was full, or failed.
    at_once: bool,
    /// By the server's clock, which goes on while this machine sleeps.
    looked: Timestamp,
    _companions: JoinSet<()>,
}

impl Following {
    /// `listener`: where instances notify each other.
    pub async fn begin(
        readers: Readers,
        listener: Option<PgConnectOptions>,
        progress: Arc<Progress>,
        hints: Arc<Hints>,
    ) -> Result<Following, ReadError> {
        let (looked, heads) = readers.read(async |connection| heads(connection).await).await?;
        heads.into_iter().for_each(|(writer, n)| progress.reached(writer, n));
        let mut companions = JoinSet::new();
        if let Some(listener) = listener {
            companions.spawn(listen(listener, hints.clone()));
            companions.spawn(notify(readers.clone(), hints.clone()));
        }
        companions.spawn(tidy(readers.clone(), progress.clone()));
        Ok(Following { readers, progress, hints, at_once: false, looked, _companions: companions })
    }

    async fn look(&mut self) -> Result<Elsewhere, ReadError> {
        let (writers, known) = self.progress.known();
        // From one writer to the next by the index, newest first: the table holds many commits of few writers, and
        // behind the oldest of each lie those that were taken away.
        let rows = self.readers.read(async |connection| {
            let rows = sqlx::query(
                "WITH RECURSIVE seen (writer) AS (
                     (SELECT writer FROM commits ORDER BY writer DESC, n DESC LIMIT 1)
                     UNION ALL
                     SELECT (SELECT c.writer FROM commits c WHERE c.writer < seen.writer
                             ORDER BY c.writer DESC, c.n DESC LIMIT 1)
                     FROM seen WHERE seen.writer IS NOT NULL
                 )
                 SELECT now.at, fresh.writer, fresh.n, fresh.identities
                 FROM (SELECT clock_timestamp() AS at) AS now
                 LEFT JOIN (
                     SELECT new.writer, new.n, new.identities
                     FROM seen
                     LEFT JOIN unnest($1::bigint[], $2::bigint[]) AS known (writer, n) ON known.writer = seen.writer
                     CROSS JOIN LATERAL (
                         SELECT c.writer, c.n, c.identities FROM commits c
                         WHERE c.writer = seen.writer AND c.n > coalesce(known.n, 0) ORDER BY c.n LIMIT $3
                     ) AS new
                     LIMIT $3
                 ) AS fresh ON true",
            );
            Ok(rows.bind(&writers).bind(&known).bind(AT_ONCE).fetch_all(connection).await?)
        });
        let rows = rows.await?;
        self.at_once = rows.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        let mut identities = Vec::new();
        let mut now = self.looked;
        for row in &rows {
            now = row.try_get::<SqlTime, _>("at")?.to_jiff();
            let (Some(writer), Some(n)) = (row.try_get("writer")?, row.try_get("n")?) else { continue };
            let wrote: Vec<Uuid> = row.try_get("identities")?;
            identities.extend(wrote.into_iter().filter_map(|id| IdentityId::try_from(id).ok()));
            self.progress.reached(writer, n);
        }
        let away = now.duration_since(std::mem::replace(&mut self.looked, now));
        Ok(if away > AWAY_AT_MOST { Elsewhere::Anything } else { Elsewhere::Wrote(identities) })
    }
}

#[async_trait]
impl Follow for Following {
    async fn next(&mut self) -> Result<Elsewhere, ReadError> {
        if !std::mem::replace(&mut self.at_once, true) {
            let _ = timeout(LOOK_EVERY, self.hints.taken.notified()).await;
        }
        self.look().await
    }
}

/// Where each writer stands, and when.
async fn heads(connection: &mut PgConnection) -> Result<(Timestamp, Vec<(i64, i64)>), ReadError> {
    let now: SqlTime = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut *connection).await?;
    let heads = "SELECT writer, max(n) FROM commits GROUP BY writer";
    Ok((now.to_jiff(), sqlx::query_as(heads).fetch_all(connection).await?))
}

/// Takes away what everybody had time to see, a part at a time; another instance may be at it too.
async fn tidy(readers: Readers, progress: Arc<Progress>) {
    const AT_ONCE: u64 = 5000;
    loop {
        let tidied = readers.read(async |connection| {
            let old = sqlx::query(
                "DELETE FROM commits WHERE (writer, n) IN (
                     SELECT writer, n FROM commits WHERE at < clock_timestamp() - interval '120 seconds'
                     ORDER BY at LIMIT 5000 FOR UPDATE SKIP LOCKED)",
            );
            Ok(old.execute(connection).await?.rows_affected())
        });
        match tidied.await {
            Ok(rows) if rows >= AT_ONCE => continue,
            Ok(_) => {
                if let Ok((_, heads)) = readers.read(async |connection| heads(connection).await).await {
                    progress.forget_but(&heads.into_iter().map(|(writer, _)| writer).collect());
                }
            }
            Err(error) => tracing::debug!(error = %error, "old commits are left for the next time"),
        }
        sleep(TIDY_EVERY).await;
    }
}

/// Where LISTEN does not exist, or its connection hears nothing (as behind a pooler), the look every second remains.
async fn listen(options: PgConnectOptions, hints: Arc<Hints>) {
    loop {
        if let Err(error) = hear(&options, &hints).await {
            tracing::debug!(error = %error, "notifications cannot be listened for");
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Until the connection is lost, or was quiet for long.
async fn hear(options: &PgConnectOptions, hints: &Hints) -> Result<(), sqlx::Error> {
    // A pool of its own: the last one may be waiting for a connection that says nothing any more.
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    while let Ok(heard) = timeout(LISTEN_AGAIN, listener.try_recv()).await {
        match heard? {
            Some(notification) if notification.payload() == hints.sender => {}
            Some(_) => hints.taken.notify_one(),
            None => break,
        }
    }
    Ok(())
}

/// At most one notification a commit, and outside of it: NOTIFY makes all that commit with one wait for each other.
async fn notify(readers: Readers, hints: Arc<Hints>) {
    loop {
        hints.given.notified().await;
        let sender = hints.sender.as_str();
        let told = readers.read(async |connection| {
            let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(sender);
            Ok(notify.execute(connection).await.map(|_| ())?)
        });
        if let Err(error) = told.await {
            tracing::debug!(error = %error, "the other instances are not notified");
        }
        sleep(HINTS_APART).await;
    }
}
