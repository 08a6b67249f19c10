//! The contract on PostgreSQL, and what only a server can do.

mod outbox;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::batch::Work;
use super::cluster::{Cluster, Database};
use super::contract::{Fresh, at, contract, one_poison_of_128, person, registered, store_on};
use super::*;
use crate::onboarding::{Actor, Attempt, Cause, Count, EventKind, FailureKind, PageAction, Profile};

fn server(database: &Database) -> PostgresServer {
    PostgresServer {
        url: database.url.clone().into(),
        name: "the database of a test".to_owned(),
        connections: 8,
        patience: Duration::from_millis(800),
        notify: true,
    }
}

async fn open(database: &Database) -> Arc<dyn Backend> {
    Arc::new(Postgres::open(&server(database), Opening::Migrate(MadeBy::Development)).await.unwrap())
}

async fn ask<T>(connection: &mut PgConnection, sql: &'static str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

async fn until(connection: &mut PgConnection, condition: &'static str) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !ask::<bool>(connection, condition).await {
        assert!(tokio::time::Instant::now() < deadline, "never: {condition}");
    }
}

/// Counted by the record, so that a lost or a doubled one shows.
fn skipped(n: u128, nth: u128) -> Event {
    let mut event = registered(n, 1, 1);
    event.id = EventId(Uuid::from_u128((n << 64) + nth + 1));
    event.dedupe.0[16..].copy_from_slice(event.id.0.as_bytes());
    (event.actor, event.cause) = (Actor::Person, Cause::Page(PageAction::Skip));
    (event.profile, event.kind) = (Profile::default(), EventKind::Skipped);
    event.at = at(i64::try_from(nth).unwrap());
    event
}

async fn fresh() -> Fresh<Database> {
    fresh_on(Database::new().await).await
}

async fn fresh_on(database: Database) -> Fresh<Database> {
    Fresh { backend: open(&database).await, elsewhere: open(&database).await, home: database }
}

contract!(fresh);

#[tokio::test]
async fn a_refused_event_costs_the_others_nothing() {
    let fresh = fresh().await;
    let spoil = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT identity FROM records WHERE id = NEW.record) = '5eddbeec-b3d3-4769-ad6d-000000000040' THEN
                 RAISE EXCEPTION 'poison';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER poison BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION poison()";
    one_poison_of_128(&fresh, async || fresh.home.execute(spoil).await).await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_costs_the_others_nothing() {
    let fresh = fresh().await;
    one_poison_of_128(&fresh, async || fresh.home.execute("UPDATE records SET facts = '{}'").await).await;
}

const PEOPLE: u128 = 12;
const EACH: u128 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn three_instances_that_begin_with_no_record_neither_lose_nor_double_an_event() {
    let database = Database::new().await;
    let mut stores = Vec::new();
    for _ in 0..3 {
        stores.push(store_on(open(&database).await).await);
    }
    // Every event at every instance, each in an order of its own.
    let told = stores.iter().enumerate().flat_map(|(instance, store)| {
        let order = (0..PEOPLE * EACH).map(move |i| (i * [7, 11, 13][instance] + 5) % (PEOPLE * EACH));
        order.map(move |i| store.apply(skipped(i % PEOPLE, i / PEOPLE)))
    });
    let answers = join_all(told).await;
    let applied = answers.iter().filter(|answer| matches!(answer, Ok(Stored::Applied { .. }))).count();
    let doubled = answers.iter().filter(|answer| matches!(answer, Ok(Stored::Duplicate { .. }))).count();
    assert_eq!((applied, doubled), ((PEOPLE * EACH) as usize, (2 * PEOPLE * EACH) as usize), "{answers:?}");
    for n in 0..PEOPLE {
        let record = open(&database).await.record(person(n)).await.unwrap().unwrap();
        assert_eq!((u128::from(record.offers.skips), u128::from(record.version)), (EACH, EACH));
        let versions: Vec<_> =
            stores[0].audit(person(n), 1000).await.unwrap().iter().map(|entry| entry.version).collect();
        assert_eq!(versions, (1..=EACH as u64).rev().map(Some).collect::<Vec<_>>(), "one after the other");
    }
    for store in stores {
        store.close().await;
    }
}

#[tokio::test]
async fn a_deadlock_with_a_stranger_is_tried_again() {
    // A server that looks for deadlocks sooner than this service gives up.
    let fresh = fresh_on(Cluster::shared().database().await).await;
    let pair = |dedupe| [1, 2].map(|n| Work::Event(Box::new(registered(n, dedupe, 1))));
    fresh.backend.commit(&pair(1), &[]).await.unwrap();
    let (mut stranger, mut watcher) = (fresh.home.connect().await, fresh.home.connect().await);
    for sql in ["SET deadlock_timeout = '20s'", "BEGIN"] {
        sqlx::raw_sql(sql).execute(&mut stranger).await.unwrap();
    }
    let lock = "SELECT count(*) FROM (SELECT FROM records WHERE identity::text LIKE $1 FOR UPDATE) AS locked";
    let second: i64 = sqlx::query_scalar(lock).bind("%2").fetch_one(&mut stranger).await.unwrap();
    assert_eq!(second, 1);
    let backend = fresh.backend.clone();
    let commits = tokio::spawn(async move { backend.commit(&pair(2), &[]).await });
    // It holds the first and waits for the second.
    until(&mut watcher, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").await;
    let first: i64 = sqlx::query_scalar(lock).bind("%1").fetch_one(&mut stranger).await.unwrap();
    assert_eq!(first, 1, "the stranger went on");
    sqlx::raw_sql("COMMIT").execute(&mut stranger).await.unwrap();
    let outcomes = commits.await.unwrap().unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Applied { .. })), "{outcomes:?}");
    let deadlocks = "SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()";
    until(&mut watcher, deadlocks).await;
}

#[tokio::test]
async fn a_serialization_failure_is_tried_again() {
    let fresh = fresh().await;
    fresh
        .home
        .execute(
            "CREATE SEQUENCE tries;
             CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER fail_twice BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION fail_twice()",
        )
        .await;
    let store = store_on(fresh.backend.clone()).await;
    assert!(matches!(store.apply(registered(1, 1, 1)).await, Ok(Stored::Applied { .. })));
    assert_eq!(store.audit(person(1), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_database_makes_its_default_changes_nothing() {
    let database = Database::new().await;
    let mut admin = database.connect().await;
    for setting in ["default_transaction_isolation = 'serializable'", "enable_indexscan = off"] {
        let sql = format!("ALTER DATABASE {} SET {setting}", database.name());
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    }
    let (one, other) = (store_on(open(&database).await).await, store_on(open(&database).await).await);
    let told = (0..50).flat_map(|nth| [one.apply(skipped(1, nth)), other.apply(skipped(1, 50 + nth))]);
    let answers = join_all(told).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Stored::Applied { .. }))), "{answers:?}");
}

#[tokio::test]
async fn a_connection_that_was_ended_meanwhile_costs_no_delivery() {
    let fresh = fresh().await;
    let store = store_on(fresh.backend.clone()).await;
    store.apply(registered(1, 1, 1)).await.unwrap();
    let end = "CREATE TABLE ended AS SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    fresh.home.execute(end).await;
    let gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity JOIN ended USING (pid))";
    until(&mut fresh.home.connect().await, gone).await;
    assert!(matches!(store.apply(registered(1, 2, 1)).await, Ok(Stored::Applied { .. })));
    // One that answered a moment ago is not asked first whether it is there.
    let record = loop {
        if let Ok(record) = fresh.backend.record(person(1)).await {
            break record;
        }
    };
    assert_eq!(record.unwrap().version, 2);
}

#[tokio::test]
async fn a_row_somebody_holds_refuses_within_the_deadline_and_heals() {
    let fresh = fresh().await;
    let store = store_on(fresh.backend.clone()).await;
    store.apply(registered(1, 1, 1)).await.unwrap();
    let mut somebody = fresh.home.connect().await;
    for sql in ["BEGIN", "SELECT FROM records FOR UPDATE"] {
        sqlx::raw_sql(sql).execute(&mut somebody).await.unwrap();
    }
    assert_eq!(store.apply(registered(1, 2, 1)).await.unwrap_err(), WriteError::Unavailable);
    store.ready().await.unwrap();
    assert!(matches!(store.apply(registered(2, 1, 1)).await, Ok(Stored::Applied { .. })), "others go on");
    sqlx::raw_sql("ROLLBACK").execute(&mut somebody).await.unwrap();
    assert!(matches!(store.apply(registered(1, 2, 1)).await, Ok(Stored::Applied { .. })));
    // What was abandoned does not go on without us.
    until(&mut somebody, "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").await;
    assert_eq!(store.audit(person(1), 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn commits_that_become_visible_in_another_order_are_all_heard_of() {
    let fresh = fresh().await;
    let mut news = fresh.backend.follow().await.unwrap();
    let (mut slow, mut quick) = (fresh.home.connect().await, fresh.home.connect().await);
    let tell =
        "INSERT INTO commits (writer, n, identities) SELECT $1, n, ARRAY[$2] FROM generate_series(1, $3) n";
    sqlx::raw_sql("BEGIN").execute(&mut slow).await.unwrap();
    for (connection, writer, who, commits) in [(&mut slow, 1_i64, 1, 3), (&mut quick, 2, 2, 700)] {
        let told = sqlx::query(tell).bind(writer).bind(person(who).as_uuid()).bind(commits);
        told.execute(connection).await.unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 700 {
        let Elsewhere::Wrote(wrote) = news.next().await.unwrap() else { panic!("lost") };
        heard.extend(wrote);
    }
    assert!(heard.iter().all(|who| *who == person(2)));
    sqlx::raw_sql("COMMIT").execute(&mut slow).await.unwrap();
    while heard.len() < 703 {
        let Elsewhere::Wrote(wrote) = news.next().await.unwrap() else { panic!("lost") };
        heard.extend(wrote);
    }
    assert_eq!(heard[700..], [person(1); 3]);
    assert_eq!(news.next().await.unwrap(), Elsewhere::Wrote(Vec::new()), "each once");
}

#[tokio::test]
async fn what_was_committed_on_a_connection_whose_end_was_not_seen_is_news() {
    let fresh = fresh().await;
    let mut news = fresh.backend.follow().await.unwrap();
    fresh.backend.commit(&[Work::Event(Box::new(registered(1, 1, 1)))], &[]).await.unwrap();
    assert_eq!(news.next().await.unwrap(), Elsewhere::Wrote(Vec::new()), "one's own is none");
    let mut connection = fresh.home.connect().await;
    let writer: i64 = ask(&mut connection, "SELECT writer FROM commits").await;
    let held = "BEGIN; SELECT FROM records FOR UPDATE";
    sqlx::raw_sql(held).execute(&mut connection).await.unwrap();
    // Not answered in time: its connection is given up.
    fresh.backend.commit(&[Work::Event(Box::new(registered(1, 2, 1)))], &[]).await.unwrap_err();
    sqlx::raw_sql("COMMIT").execute(&mut connection).await.unwrap();
    // As if the server had carried it out all the same.
    sqlx::query("INSERT INTO commits (writer, n, identities) VALUES ($1, 2, ARRAY[$2])")
        .bind(writer)
        .bind(person(1).as_uuid())
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    loop {
        match news.next().await.unwrap() {
            Elsewhere::Wrote(wrote) if wrote.is_empty() => {}
            elsewhere => break assert_eq!(elsewhere, Elsewhere::Wrote(vec![person(1)])),
        }
    }
}

#[tokio::test]
async fn several_that_start_at_once_bring_the_schema_up_together() {
    let database = Database::new().await;
    let server = server(&database);
    let refused = Postgres::open(&server, Opening::Current(MadeBy::Production)).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Behind { lacks, .. } if lacks.contains(&1)), "{refused}");
    let opening = Opening::Migrate(MadeBy::Production);
    let opened = join_all((0..8).map(|_| Postgres::open(&server, opening))).await;
    assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    Postgres::open(&server, Opening::Current(MadeBy::Production)).await.unwrap().close().await;
    let refused = Postgres::open(&server, Opening::Migrate(MadeBy::Development)).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotDevelopment(_)), "{refused}");
}

#[tokio::test]
async fn each_migration_is_looked_for() {
    let database = Database::new().await;
    let open = async |opening| Postgres::open(&server(&database), opening).await.map(drop);
    contract::each_migration_is_looked_for(async |sql| database.execute(sql).await, open).await;
}

#[tokio::test]
async fn the_migrations_of_both_databases_have_the_same_numbers_and_names() {
    let names = |kind: &str| {
        let entries = std::fs::read_dir(format!("{}/migrations/{kind}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("postgres"), names("sqlite"));
}

/// Nobody waits for a row that somebody else counts in: all reach the end of their transactions together.
#[tokio::test]
async fn those_who_count_the_same_at_once_do_not_wait_for_each_other() {
    const TOGETHER: u128 = 17;
    let database = Database::new().await;
    let hold = "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_advisory_xact_lock_shared(1);
             RETURN NULL;
         END $$;
         CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION hold()";
    let patient = PostgresServer { patience: Duration::from_secs(20), ..server(&database) };
    let mut backends = Vec::new();
    for _ in 0..TOGETHER {
        backends.push(Postgres::open(&patient, Opening::Migrate(MadeBy::Development)).await.unwrap());
    }
    database.execute(hold).await;
    let mut holder = database.connect().await;
    sqlx::raw_sql("SELECT pg_advisory_lock(1)").execute(&mut holder).await.unwrap();
    let failed =
        EventKind::Failed { kind: FailureKind::Network, exception: None, attempt: Attempt::default() };
    let committing: Vec<_> = (1..)
        .zip(backends)
        .map(|(n, backend)| {
            let event = Event { kind: failed.clone(), profile: Profile::default(), ..registered(n, 1, 1) };
            tokio::spawn(async move {
                backend.commit(&[Work::Event(Box::new(event))], &[]).await.map(|_| backend)
            })
        })
        .collect();
    let all_wait = "SELECT count(*) = 17 FROM pg_locks JOIN pg_database d ON d.oid = database
                    WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 1 AND NOT granted";
    until(&mut holder, all_wait).await;
    sqlx::raw_sql("SELECT pg_advisory_unlock(1)").execute(&mut holder).await.unwrap();
    let mut backend = None;
    for committed in committing {
        backend = Some(committed.await.unwrap().unwrap());
    }
    let day = at(0).to_zoned(jiff::tz::TimeZone::UTC).date();
    let rows = backend.unwrap().funnel(day, day).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.count, row.n)).collect::<Vec<_>>(),
        [(Count::Failed(FailureKind::Network), 17)]
    );
    // One after the other, they all count in the same.
    let later = open(&database).await;
    let shards = "SELECT count(DISTINCT shard) FROM funnel";
    assert_eq!(ask::<i64>(&mut holder, shards).await, 17);
    for n in 100..105 {
        let event = Event { kind: failed.clone(), profile: Profile::default(), ..registered(n, 1, 1) };
        later.commit(&[Work::Event(Box::new(event))], &[]).await.unwrap();
    }
    assert_eq!(ask::<i64>(&mut holder, shards).await, 17, "no more than ever committed at once");
}

#[tokio::test]
async fn what_others_have_costs_an_erasure_nothing() {
    let fresh = fresh().await;
    let store = store_on(fresh.backend.clone()).await;
    store.apply(registered(1, 1, 1)).await.unwrap();
    let others = "INSERT INTO identifiers SELECT sha256(n::text::bytea), '\\x01010101', 0 FROM generate_series(1, 20000) n";
    fresh.home.execute(others).await;
    let mut watcher = fresh.home.connect().await;
    let inserted = "SELECT n_tup_ins >= 20000 FROM pg_stat_user_tables WHERE relname = 'identifiers'";
    until(&mut watcher, inserted).await;
    let looks =
        "SELECT idx_blks_hit + idx_blks_read FROM pg_statio_user_tables WHERE relname = 'identifiers'";
    let before: i64 = ask(&mut watcher, looks).await;
    assert_eq!(store.erase(person(1)).await.unwrap().identifiers, 1);
    // A session tells what it did when it ends.
    store.close().await;
    until(&mut watcher, "SELECT n_tup_del = 1 FROM pg_stat_user_tables WHERE relname = 'identifiers'").await;
    let looked = ask::<i64>(&mut watcher, looks).await - before;
    assert!(looked < 20, "{looked} pages of the index");
}
