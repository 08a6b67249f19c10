//! What is not read, however much waits for receivers.

use super::*;
use crate::onboarding::ReceiverName;

const WAITING: i64 = 50_000;
/// The later a letter was written the older it is said to be: the first that was written is the oldest all the same.
const MUCH: &str = "INSERT INTO outbox (id, receiver, record, identity, at, body, due_at)
    SELECT gen_random_uuid(), 'crm', 1000000 + n, gen_random_uuid(), to_timestamp(1790000000 - n), '{}', now()
    FROM generate_series(1, 50000) n";
const MUCH_FOR_TWO: &str = "INSERT INTO outbox (id, receiver, record, identity, at, body, state, due_at)
    SELECT gen_random_uuid(), CASE WHEN n > 25000 THEN 'other' ELSE 'crm' END, n, gen_random_uuid(), now(), '{}',
           CASE WHEN n > 25000 THEN 'dead' ELSE 'waiting' END, CASE WHEN n > 25000 THEN NULL ELSE now() END
    FROM generate_series(1, 50000) n";

/// Rows and entries of indexes, once the indexes were looked into so often. Whoever leaves has told what it read.
async fn read_of_outbox(fresh: &Fresh<Database>, looks: i64) -> i64 {
    fresh.backend.close().await;
    let mut connection = fresh.home.connect().await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let looked = "SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes WHERE relname = 'outbox'";
    while ask::<i64>(&mut connection, looked).await < looks {
        assert!(tokio::time::Instant::now() < deadline, "too few looks");
    }
    let read = "SELECT (sum(idx_tup_read) + max(seq_tup_read))::bigint
                FROM pg_stat_user_indexes JOIN pg_stat_user_tables USING (relid) WHERE pg_stat_user_tables.relname = 'outbox'";
    ask(&mut connection, read).await
}

#[tokio::test]
async fn a_commit_does_not_read_what_waits_for_receivers() {
    let fresh = fresh().await;
    let receivers = [Receiver { name: "crm".parse().unwrap(), stages: None }];
    let commit = async |nth: u128| {
        let people = (0..32).map(|n| Work::Event(Box::new(registered(nth * 32 + n, 1, 1))));
        fresh.backend.commit(&people.collect::<Vec<_>>(), &receivers).await.unwrap();
    };
    // As often as it takes until each connection keeps the plan of a table with little in it.
    for nth in 0..20 {
        commit(nth).await;
    }
    fresh.home.execute(MUCH).await;
    for nth in 20..30 {
        commit(nth).await;
    }
    let read = read_of_outbox(&fresh, 30).await;
    assert!(read < WAITING, "{read} rows were read");
}

#[tokio::test]
async fn counting_looks_at_so_many_and_finds_the_oldest_of_all() {
    let fresh = fresh().await;
    let crm: ReceiverName = "crm".parse().unwrap();
    // As the server does itself within a minute.
    fresh.home.execute(MUCH).await;
    fresh.home.execute("ANALYZE outbox").await;
    let count = fresh.backend.outbox_count(&crm).await.unwrap();
    assert_eq!((count.waiting, count.dead), (OutboxCount::MOST, 0));
    assert_eq!(count.oldest_waiting_at, Some(at(-1)));
    let read = read_of_outbox(&fresh, 2).await;
    assert!(read < 2 * i64::from(OutboxCount::MOST), "{read} rows were read");
}

#[tokio::test]
async fn who_has_letters_is_known_without_reading_them() {
    let fresh = fresh().await;
    fresh.home.execute(MUCH_FOR_TWO).await;
    let store = store_on(fresh.backend.clone()).await;
    assert_eq!(store.outbox_receivers().await.unwrap(), ["crm", "other"]);
    let read = read_of_outbox(&fresh, 6).await;
    assert!(read < 1000, "{read} rows were read");
}

/// In an order that all share, nobody waits for somebody who waits for him.
#[tokio::test]
async fn whoever_changes_a_letter_waits_for_the_lock_of_its_record() {
    let fresh = fresh().await;
    let crm: ReceiverName = "crm".parse().unwrap();
    let receivers = [Receiver { name: crm.clone(), stages: None }];
    let people = [1, 2].map(|n| Work::Event(Box::new(registered(n, 1, 1))));
    fresh.backend.commit(&people, &receivers).await.unwrap();
    let letters = fresh.backend.outbox_heads(&crm, at(9), 9).await.unwrap();
    let settle = async |letter: &Letter, fate| {
        let settled = Settled { id: letter.id, line: letter.line, receiver: crm.clone(), fate };
        fresh.backend.outbox_settle(&[settled], at(9)).await
    };
    let [one, dead] = letters.as_slice() else { panic!("{letters:?}") };
    settle(dead, Fate::Dead { error: String::new() }).await.unwrap();
    let failed = || Fate::Failed { due_at: at(10), error: String::new() };

    let mut somebody = fresh.home.connect().await;
    sqlx::raw_sql("BEGIN; SELECT FROM records FOR UPDATE").execute(&mut somebody).await.unwrap();
    settle(one, failed()).await.unwrap_err();
    fresh.backend.replay_dead(&[dead.id], at(9)).await.unwrap_err();
    fresh.backend.drop_dead(&[dead.id]).await.unwrap_err();
    sqlx::raw_sql("ROLLBACK").execute(&mut somebody).await.unwrap();
    settle(one, failed()).await.unwrap();
    assert_eq!(fresh.backend.drop_dead(&[dead.id]).await.unwrap(), 1);
}

/// A writer that waits for a record is one that hooks wait for.
#[tokio::test]
async fn what_became_of_a_try_does_not_wait_for_a_record_that_somebody_holds() {
    const LONG: Duration = Duration::from_secs(600);
    let fresh = fresh().await;
    let crm: ReceiverName = "crm".parse().unwrap();
    let receivers = [Receiver { name: crm.clone(), stages: None }];
    fresh.backend.commit(&[Work::Event(Box::new(registered(1, 1, 1)))], &receivers).await.unwrap();
    let patient = PostgresServer { patience: LONG, ..server(&fresh.home) };
    let patient = Postgres::open(&patient, Opening::Current(MadeBy::Development)).await.unwrap();
    let due = patient.outbox_heads(&crm, at(1000), 10).await.unwrap();
    let settled = Settled { id: due[0].id, line: due[0].line, receiver: crm.clone(), fate: Fate::Told };
    let mut somebody = fresh.home.connect().await;
    sqlx::raw_sql("BEGIN; SELECT FROM records FOR UPDATE").execute(&mut somebody).await.unwrap();
    let settling = patient.outbox_settle(std::slice::from_ref(&settled), at(1000));
    let refused = tokio::time::timeout(Duration::from_secs(60), settling).await.expect("it waits");
    assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut somebody).await.unwrap();
    patient.outbox_settle(&[settled], at(1000)).await.unwrap();
    assert_eq!(patient.outbox_count(&crm).await.unwrap(), OutboxCount::default());
}
