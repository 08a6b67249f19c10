// Takes Kratos's registration hook as one would write it by hand: Fastify and better-sqlite3, one transaction a request.

import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import Database from 'better-sqlite3';
import Fastify from 'fastify';

const { PEER_DATABASE, PEER_KEY, PEER_PII, PEER_SYNCHRONOUS = 'FULL', PORT = '0' } = process.env;
for (const [name, value] of Object.entries({ PEER_DATABASE, PEER_KEY, PEER_PII })) {
  if (!value) throw new Error(`${name} is not set`);
}
if (!['OFF', 'NORMAL', 'FULL', 'EXTRA'].includes(PEER_SYNCHRONOUS)) throw new Error('PEER_SYNCHRONOUS is unknown');

const sha256 = (data) => hash('sha256', data, 'buffer');
const apiKey = sha256(PEER_KEY);
const piiKey = Buffer.from(PEER_PII, 'base64');

// --- the database

const db = new Database(PEER_DATABASE);
db.pragma('journal_mode = WAL');
db.pragma(`synchronous = ${PEER_SYNCHRONOUS}`);
db.pragma('foreign_keys = ON');
db.exec(`
  CREATE TABLE IF NOT EXISTS records (
    id       INTEGER PRIMARY KEY,
    identity TEXT    NOT NULL UNIQUE,
    version  INTEGER NOT NULL,
    facts    TEXT    NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    id          INTEGER PRIMARY KEY,
    dedupe      BLOB    NOT NULL UNIQUE,
    identity    TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    method      TEXT    NOT NULL,
    flow        TEXT    NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS identifiers (
    mac    BLOB    NOT NULL,
    record INTEGER NOT NULL REFERENCES records (id),
    PRIMARY KEY (mac, record)
  ) STRICT, WITHOUT ROWID;
`);

const insertEvent = db.prepare(`
  INSERT INTO events (dedupe, identity, received_at, method, flow) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING
`);
const upsertRecord = db.prepare(`
  INSERT INTO records (identity, version, facts) VALUES (?, 1, ?)
  ON CONFLICT (identity) DO UPDATE SET version = version + 1, facts = excluded.facts
  RETURNING id
`).pluck();
const insertIdentifier = db.prepare('INSERT INTO identifiers (mac, record) VALUES (?, ?) ON CONFLICT DO NOTHING');
const count = db.prepare('SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM records) AS records');

const store = db.transaction(({ dedupe, identity, method, flow, facts, macs }) => {
  const { changes } = insertEvent.run(dedupe, identity, Date.now(), method, flow);
  if (changes === 0) return; // delivered before
  const record = upsertRecord.get(identity, facts);
  for (const mac of macs) insertIdentifier.run(mac, record);
}).immediate;

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

app.post('/api/kratos/hooks/registration/:method', { schema, onRequest: authenticate }, (request, reply) => {
  const { flow, identity } = request.body;
  const { method } = request.params;
  const { schema_id, state, created_at, updated_at } = identity;
  store({
    dedupe: sha256(request.headers['ory-webhook-trigger-id'] || request.text),
    identity: identity.id.toLowerCase(),
    method,
    flow: JSON.stringify(flow),
    facts: JSON.stringify({ schema_id, state, created_at, updated_at, registered: method }),
    macs: identity.identifiers.map(digest),
  });
  reply.code(204).send();
});

app.get('/count', () => count.get());
app.get('/pid', () => ({ pid: process.pid }));

// Ends when it is told to, and with whoever started it.
process.on('exit', () => db.close());
process.on('SIGTERM', () => process.exit());
process.stdin.resume().on('end', () => process.exit());

await app.listen({ host: '127.0.0.1', port: Number(PORT) });
console.log(`listening 127.0.0.1:${app.server.address().port}`);
