//! The events with what goes with them: identifiers, counts, the news for other instances, and letters to receivers.

/// `more`: what else goes with the events, with parameters from `$25` on.
macro_rules! events_and {
    ($($more:literal)?) => {
        concat!(
            "WITH told AS (
                 INSERT INTO commits (writer, n, identities) VALUES ($1, $2, $3)
             ), added AS (
                 INSERT INTO identifiers (mac, key, record)
                 SELECT * FROM unnest($4::bytea[], $5::bytea[], $6::bigint[]) ON CONFLICT DO NOTHING
             ), free AS MATERIALIZED (
                 SELECT shard FROM generate_series(1, $23) AS shard WHERE pg_try_advisory_xact_lock($24, shard) LIMIT 1
             ), counted AS (
                 INSERT INTO funnel AS known (day, method, outcome, kind, n, shard)
                 SELECT *, coalesce((SELECT shard FROM free), 0) FROM unnest($18::integer[], $19::text[], $20::text[], $21::text[], $22::bigint[])
                 ON CONFLICT (day, method, outcome, kind, shard) DO UPDATE SET n = known.n + excluded.n
             )",
            $($more,)?
            "INSERT INTO events (id, dedupe, record, at, actor, cause, kind, detail, version, stage_from, stage_to)
             SELECT * FROM unnest($7::uuid[], $8::bytea[], $9::bigint[], $10::timestamptz[], $11::text[], $12::text[],
                                  $13::text[], $14::jsonb[], $15::bigint[], $16::text[], $17::text[])
             ON CONFLICT (record, dedupe) DO NOTHING"
        )
    };
}

pub const ADD_EVENTS: &str = events_and!();
/// Not `NOT EXISTS`: that may be answered by reading all that waits once.
pub const ADD_EVENTS_AND_LETTERS: &str = events_and!(
    ", letters AS (
         INSERT INTO outbox (id, receiver, record, identity, at, body, due_at)
         SELECT new.id, new.receiver, new.record, new.identity, new.at, new.body,
                CASE WHEN new.first AND (
                    SELECT seq FROM outbox earlier WHERE earlier.record = new.record
                        AND earlier.receiver = new.receiver AND earlier.state = 'waiting' LIMIT 1) IS NULL
                THEN new.at ELSE 'infinity' END
         FROM unnest($25::uuid[], $26::text[], $27::bigint[], $28::uuid[], $29::timestamptz[], $30::text[],
                     $31::boolean[]) AS new (id, receiver, record, identity, at, body, first)
     )"
);
