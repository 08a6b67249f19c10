// Takes Kratos's registration hook as one would write it by hand: Fastify and node-postgres, one transaction a request.

import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';

const { PEER_CONNECTIONS = '20', PEER_DATABASE, PEER_KEY, PEER_PII, PORT = '0' } = process.env;
for (const [name, value] of Object.entries({ PEER_DATABASE, PEER_KEY, PEER_PII })) {
  if (!value) throw new Error(`${name} is not set`);
}

const sha256 = (data) => hash('sha256', data, 'buffer');
const apiKey = sha256(PEER_KEY);
const piiKey = Buffer.from(PEER_PII, 'base64');

// --- the database

const pool = new pg.Pool({
  connectionString: PEER_DATABASE,
  max: Number(PEER_CONNECTIONS),
  idleTimeoutMillis: 0,
  pipeline: true,
});
pool.on('error', (error) => console.error(error.message)); // of an idle connection; the pool replaces it
await pool.query(`
  CREATE TABLE IF NOT EXISTS records (
    identity uuid   PRIMARY KEY,
    version  bigint NOT NULL,
    facts    jsonb  NOT NULL
  );
  CREATE TABLE IF NOT EXISTS events (
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    dedupe      bytea       PRIMARY KEY,
    identity    uuid        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    method      text        NOT NULL,
    flow        jsonb       NOT NULL
  );
  CREATE TABLE IF NOT EXISTS identifiers (
    mac    bytea NOT NULL,
    record uuid  NOT NULL REFERENCES records (identity),
    PRIMARY KEY (mac, record)
  );
`);

const insertEvent = {
  name: 'insert-event',
  text: 'INSERT INTO events (dedupe, identity, method, flow) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
};
const upsertRecord = {
  name: 'upsert-record',
  text: `INSERT INTO records (identity, version, facts) VALUES ($1, 1, $2)
         ON CONFLICT (identity) DO UPDATE SET version = records.version + 1, facts = excluded.facts`,
};
const insertIdentifiers = {
  name: 'insert-identifiers',
  text: 'INSERT INTO identifiers (mac, record) SELECT unnest($1::bytea[]), $2 ON CONFLICT DO NOTHING',
};

// What does not wait for an answer is sent together.
const store = async ({ dedupe, identity, method, flow, facts, macs }) => {
  const client = await pool.connect();
  try {
    const [, { rowCount }] = await Promise.all([
      client.query('BEGIN'),
      client.query({ ...insertEvent, values: [dedupe, identity, method, flow] }),
    ]);
    if (rowCount === 0) {
      await client.query('ROLLBACK'); // delivered before
    } else {
      await Promise.all([
        client.query({ ...upsertRecord, values: [identity, facts] }),
        client.query({ ...insertIdentifiers, values: [macs, identity] }),
        client.query('COMMIT'),
      ]);
    }
  } catch (error) {
    client.release(error); // closes the connection, which rolls back
    throw error;
  }
  client.release();
};

// --- what Kratos sends

const uuid = { type: 'string', format: 'uuid', maxLength: 36 };
const text = { type: 'string', nullable: true };
const time = { type: 'string', format: 'date-time', nullable: true };
const schema = {
  params: {
    type: 'object',
    properties: { method: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } },
  },
  body: {
    type: 'object',
    required: ['version', 'hook', 'flow', 'identity'],
    properties: {
      version: { const: 1 },
      hook: { const: 'registration' },
      method: text,
      flow: { type: 'object', properties: { id: { ...uuid, nullable: true }, type: text, issued_at: time } },
      identity: {
        type: 'object',
        required: ['id', 'identifiers'],
        properties: {
          id: uuid,
          schema_id: text,
          state: text,
          created_at: time,
          updated_at: time,
          identifiers: {
            type: 'array',
            items: { type: 'object', required: ['value'], properties: { via: text, value: { type: 'string' } } },
          },
        },
      },
    },
  },
};

const digest = ({ via, value }) => {
  const normal = via === 'email' ? value.trim().toLowerCase() : value.trim();
  return createHmac('sha256', piiKey).update(normal).digest();
};

// --- the server

const app = Fastify({
  bodyLimit: 64 * 1024,
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
});

// As Fastify does it, and the text is kept: it tells deliveries without a trigger id apart.
const parseJson = app.getDefaultJsonParser('error', 'error');
app.decorateRequest('text', '');
app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
  request.text = body;
  parseJson(request, body, done);
});

const authenticate = (request, reply, done) => {
  if (timingSafeEqual(sha256(request.headers['x-onboarding-key'] ?? ''), apiKey)) return done();
  reply.code(401).send({ statusCode: 401, error: 'Unauthorized', message: 'The key is missing or wrong' });
};

app.post('/api/kratos/hooks/registration/:method', { schema, onRequest: authenticate }, async (request, reply) => {
  const { flow, identity } = request.body;
  const { method } = request.params;
  const { schema_id, state, created_at, updated_at } = identity;
  await store({
    dedupe: sha256(request.headers['ory-webhook-trigger-id'] || request.text),
    identity: identity.id,
    method,
    flow,
    facts: { schema_id, state, created_at, updated_at, registered: method },
    macs: identity.identifiers.map(digest),
  });
  return reply.code(204).send();
});

app.get('/count', async () => {
  const { rows } = await pool.query(
    'SELECT (SELECT count(*) FROM events)::int AS events, (SELECT count(*) FROM records)::int AS records',
  );
  return rows[0];
});
app.get('/pid', () => ({ pid: process.pid }));

// Ends when it is told to, and with whoever started it.
process.on('SIGTERM', () => process.exit());
process.stdin.resume().on('end', () => process.exit());

await app.listen({ host: '127.0.0.1', port: Number(PORT) });
console.log(`listening 127.0.0.1:${app.server.address().port}`);
