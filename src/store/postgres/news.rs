//! What other instances wrote. The table `commits` tells it for certain, a notification only says when to look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool, Row};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::super::backend::{Elsewhere, News, ReadError};
use super::line::Reading;
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
const AWAY_AT_MOST: Duration = Duration::from_secs(60);
const TIDY_EVERY: Duration = Duration::from_secs(15);
const KEPT: &str = "120 seconds";

/// How far this process knows each writer's commits. Its own are known up to the one under way.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<i64, i64>>);

impl Places {
    /// A new writer of this process: what it commits is no news here.
    pub fn begin(&self) -> i64 {
        let writer = random();
        self.lock().insert(writer, i64::MAX);
        writer
    }

    /// The writer's connection is gone: more than `commits` would be news after all.
    pub fn end(&self, writer: i64, commits: i64) {
        self.lock().insert(writer, commits);
    }

    fn reached(&self, writer: i64, n: i64) {
        let mut places = self.lock();
        let place = places.entry(writer).or_default();
        *place = n.max(*place);
    }

    fn known(&self) -> (Vec<i64>, Vec<i64>) {
        self.lock().iter().unzip()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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

/// Random, so that two processes differ; which one it is does not matter.
fn random() -> i64 {
    let mut bytes = [0; 8];
    // Without randomness from the system nothing else here would work either.
    let _ = getrandom::fill(&mut bytes);
    i64::from_le_bytes(bytes)
}

pub(super) struct Following {
    readers: Reading,
    places: Arc<Places>,
    hints: Arc<Hints>,
    /// There was more than one look could take.
    more: bool,
    looked: Instant,
    tidied: Instant,
    _companions: JoinSet<()>,
}

impl Following {
    pub async fn begin(
        readers: Reading,
        listener: Option<PgPool>,
        places: Arc<Places>,
        hints: Arc<Hints>,
    ) -> Result<Following, ReadError> {
        let heads = readers.read(async |connection| heads(connection).await).await?;
        heads.into_iter().for_each(|(writer, n)| places.reached(writer, n));
        let mut companions = JoinSet::new();
        if let Some(listener) = listener {
            companions.spawn(listen(listener, hints.clone()));
            companions.spawn(notify(readers.clone(), hints.clone()));
        }
        let now = Instant::now();
        Ok(Following {
            readers,
            places,
            hints,
            more: false,
            looked: now,
            tidied: now,
            _companions: companions,
        })
    }

    async fn look(&mut self) -> Result<Vec<IdentityId>, ReadError> {
        let (writers, known) = self.places.known();
        let rows = self
            .readers
            .read(async |connection| {
                // From one writer to the next by the index: the table holds many commits of few writers.
                let rows = sqlx::query(
                    "WITH RECURSIVE seen (writer) AS (
                         (SELECT writer FROM commits ORDER BY writer LIMIT 1)
                         UNION ALL
                         SELECT (SELECT c.writer FROM commits c WHERE c.writer > seen.writer ORDER BY c.writer LIMIT 1)
                         FROM seen WHERE seen.writer IS NOT NULL
                     )
                     SELECT fresh.writer, fresh.n, fresh.identities
                     FROM seen
                     LEFT JOIN unnest($1::bigint[], $2::bigint[]) AS known (writer, n) ON known.writer = seen.writer
                     CROSS JOIN LATERAL (
                         SELECT c.writer, c.n, c.identities FROM commits c
                         WHERE c.writer = seen.writer AND c.n > coalesce(known.n, 0) ORDER BY c.n LIMIT $3
                     ) AS fresh
                     LIMIT $3",
                )
                .bind(writers)
                .bind(known)
                .bind(AT_ONCE)
                .fetch_all(connection)
                .await?;
                Ok(rows)
            })
            .await?;
        self.more = rows.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        let mut identities = Vec::new();
        for row in &rows {
            let wrote: Vec<Uuid> = row.try_get("identities")?;
            identities.extend(wrote.into_iter().filter_map(|id| IdentityId::try_from(id).ok()));
            self.places.reached(row.try_get("writer")?, row.try_get("n")?);
        }
        Ok(identities)
    }

    async fn tidy(&mut self) -> Result<(), ReadError> {
        let old = sqlx::AssertSqlSafe(format!(
            "DELETE FROM commits WHERE at < clock_timestamp() - interval '{KEPT}'"
        ));
        self.readers
            .read(async |connection| Ok(sqlx::query(old).execute(connection).await.map(|_| ())?))
            .await
    }
}

#[async_trait]
impl News for Following {
    async fn next(&mut self) -> Result<Elsewhere, ReadError> {
        if !self.more {
            let _ = timeout(LOOK_EVERY, self.hints.taken.notified()).await;
        }
        let identities = self.look().await?;
        let away = self.looked.elapsed();
        self.looked = Instant::now();
        if self.tidied.elapsed() > TIDY_EVERY {
            self.tidied = Instant::now();
            if let Err(error) = self.tidy().await {
                tracing::debug!(error = %error, "old commits are left for the next time");
            }
        }
        Ok(if away > AWAY_AT_MOST { Elsewhere::Anything } else { Elsewhere::Wrote(identities) })
    }
}

async fn heads(connection: &mut PgConnection) -> Result<Vec<(i64, i64)>, ReadError> {
    let rows =
        sqlx::query("SELECT writer, max(n) AS n FROM commits GROUP BY writer").fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get("writer")?, row.try_get("n")?))).collect()
}

/// Where LISTEN does not exist, or its connection hears nothing (as behind a pooler), the look every second remains.
async fn listen(pool: PgPool, hints: Arc<Hints>) {
    loop {
        let heard = hear(&pool, &hints).await;
        if let Err(error) = heard {
            tracing::debug!(error = %error, "notifications cannot be listened for");
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Until the connection is lost, or was quiet for long.
async fn hear(pool: &PgPool, hints: &Hints) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
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
async fn notify(readers: Reading, hints: Arc<Hints>) {
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
