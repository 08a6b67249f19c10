-- What the service commits for :rows registrations of new people, in the same statements. The rows are made by the server
-- here, where the service sends them.
\set seed random(1, 9000000000000000000)
BEGIN ISOLATION LEVEL READ COMMITTED;
WITH begun AS (
    INSERT INTO records (identity, version, stage, changed_at, facts)
    SELECT md5(:seed::text || i)::uuid, 1, 'waiting', now(), format(
        '{"identity":"%s","first_heard_at":"2026-11-22T04:34:48.101032Z","registration":{"at":"2026-11-22T04:34:48.101032Z","method":"password"},"schema_id":{"as_of":"2026-11-22T04:34:48.101032Z","value":"person"},"state":{"as_of":"2026-11-22T04:34:48.101032Z","value":"active"},"identifiers":{"as_of":"2026-11-22T04:34:48.101032Z","value":[{"key":"01020304","mac":"%s"}]},"passkeys":{"seen":[]},"security_keys":{"seen":[]}}',
        md5(:seed::text || i)::uuid, encode(sha256((:seed::text || i)::bytea), 'hex'))::jsonb
    FROM generate_series(1, :rows) i ORDER BY 1
    ON CONFLICT (identity) DO NOTHING RETURNING id
)
SELECT array_agg(id)::text AS ids FROM begun
\gset
WITH told AS (
    INSERT INTO commits (writer, n, identities)
    SELECT :seed, 1, array_agg(md5(:seed::text || i)::uuid) FROM generate_series(1, :rows) i
), added AS (
    INSERT INTO identifiers (mac, key, record)
    SELECT sha256((record::text || :seed)::bytea), '\x01020304', record FROM unnest(:ids::bigint[]) AS record ORDER BY 1
    ON CONFLICT DO NOTHING
)
INSERT INTO events (id, dedupe, record, at, actor, cause, kind, detail, version, stage_from, stage_to)
SELECT md5(record::text || :seed)::uuid, sha256((record::text || :seed)::bytea), record, now(), 'kratos', 'hook.registration',
       'registered', format(
           '{"event":{"registered":{"method":"password"}},"profile":{"as_of":"2026-11-22T04:34:48.101032Z","created_at":"2026-11-22T04:34:48.101032Z","schema_id":"person","state":"active","identifiers":[{"key":"01020304","mac":"%s"}]}}',
           encode(sha256(record::text::bytea), 'hex'))::jsonb, 1, NULL, 'waiting'
FROM unnest(:ids::bigint[]) AS record
ON CONFLICT (record, dedupe) DO NOTHING;
COMMIT;
