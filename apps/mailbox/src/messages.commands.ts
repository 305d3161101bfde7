import type { DatabaseSync } from 'node:sqlite';
import { statement } from '@macronode/store';
import type {
  Acked,
  Acking,
  LeaseResult,
  Leased,
  Leasing,
  Released,
  Sending,
  Sent,
  Sweeping,
  Swept,
} from './message.store.ts';
import type { Delivery } from './receipt.ts';

/**
 * A message is ready while `lease_until` is null. Payloads stand in a table of their own, so that a lease rewrites a
 * narrow row. `lsn` is never used twice (AUTOINCREMENT): an old receipt can not name a new message.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE messages (
     lsn INTEGER PRIMARY KEY AUTOINCREMENT,
     msg_id TEXT NOT NULL,
     topic TEXT NOT NULL,
     ts INTEGER NOT NULL,
     attempt INTEGER NOT NULL DEFAULT 0,
     lease_until INTEGER,
     visibility_ms INTEGER NOT NULL DEFAULT 0,
     size INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX messages_ready ON messages (topic, lsn) WHERE lease_until IS NULL;
   CREATE INDEX messages_leased ON messages (lease_until, topic) WHERE lease_until IS NOT NULL;
   CREATE TABLE payloads (
     lsn INTEGER PRIMARY KEY,
     payload_hash TEXT NOT NULL,
     attrs TEXT NOT NULL,
     payload BLOB NOT NULL
   ) STRICT;
   CREATE TABLE dedup (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     topic TEXT NOT NULL,
     idem_key TEXT NOT NULL,
     msg_id TEXT NOT NULL,
     payload_hash TEXT NOT NULL,
     accepted_at INTEGER NOT NULL,
     UNIQUE (topic, idem_key)
   ) STRICT;
   CREATE TABLE acked (
     lsn INTEGER PRIMARY KEY,
     attempt INTEGER NOT NULL,
     acked_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX acked_by_time ON acked (acked_at);
   CREATE TABLE dead (
     lsn INTEGER PRIMARY KEY,
     msg_id TEXT NOT NULL,
     topic TEXT NOT NULL,
     ts INTEGER NOT NULL,
     attempt INTEGER NOT NULL,
     size INTEGER NOT NULL,
     reason TEXT NOT NULL,
     dead_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX dead_by_time ON dead (dead_at);
   CREATE INDEX dead_by_topic ON dead (topic, lsn);
   CREATE TABLE topics (topic TEXT PRIMARY KEY, live INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE totals (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     accepted INTEGER NOT NULL DEFAULT 0,
     live INTEGER NOT NULL DEFAULT 0,
     inflight INTEGER NOT NULL DEFAULT 0,
     acked INTEGER NOT NULL DEFAULT 0,
     dead INTEGER NOT NULL DEFAULT 0,
     expired INTEGER NOT NULL DEFAULT 0,
     bytes INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   INSERT INTO totals (id) VALUES (1);`,
];

interface MessageRow {
  readonly lsn: number;
  readonly topic: string;
  readonly attempt: number;
  readonly size: number;
}

/** Rows a lease looks at when it ends leases of its topic that ran out; what is left, the next one or the sweep ends. */
const RELEASE_LIMIT = 1_000;

interface Change {
  readonly accepted?: number;
  readonly live?: number;
  readonly inflight?: number;
  readonly acked?: number;
  readonly dead?: number;
  readonly expired?: number;
  readonly bytes?: number;
}

function count(db: DatabaseSync, change: Change): void {
  statement(
    db,
    `UPDATE totals SET accepted = accepted + ?, live = live + ?, inflight = inflight + ?, acked = acked + ?,
       dead = dead + ?, expired = expired + ?, bytes = bytes + ? WHERE id = 1`,
  ).run(
    change.accepted ?? 0,
    change.live ?? 0,
    change.inflight ?? 0,
    change.acked ?? 0,
    change.dead ?? 0,
    change.expired ?? 0,
    change.bytes ?? 0,
  );
}

/** A message is not live any more: acknowledged, dead or expired. */
function leaveTopic(db: DatabaseSync, topic: string): void {
  statement(db, 'UPDATE topics SET live = live - 1 WHERE topic = ?').run(topic);
  statement(db, 'DELETE FROM topics WHERE topic = ? AND live = 0').run(topic);
}

const dropMessage = (db: DatabaseSync, lsn: number): unknown =>
  statement(db, 'DELETE FROM messages WHERE lsn = ?').run(lsn);
const dropPayload = (db: DatabaseSync, lsn: number): unknown =>
  statement(db, 'DELETE FROM payloads WHERE lsn = ?').run(lsn);

function bury(db: DatabaseSync, row: MessageRow, wallNow: number): void {
  statement(
    db,
    `INSERT INTO dead (lsn, msg_id, topic, ts, attempt, size, reason, dead_at)
       SELECT lsn, msg_id, topic, ts, attempt, size, 'max_attempts', ? FROM messages WHERE lsn = ?`,
  ).run(wallNow, row.lsn);
  dropMessage(db, row.lsn);
  leaveTopic(db, row.topic);
  count(db, { live: -1, inflight: -1, dead: 1 });
}

interface ReleaseOptions {
  readonly maxAttempts: number;
  readonly wallNow: number;
}

/** Ends leases that ran out: ready again, or a dead letter when no attempt is left. */
function release(db: DatabaseSync, rows: readonly MessageRow[], options: ReleaseOptions): Released {
  let dead = 0;
  for (const row of rows) {
    if (row.attempt >= options.maxAttempts) {
      bury(db, row, options.wallNow);
      dead += 1;
    } else {
      statement(db, 'UPDATE messages SET lease_until = NULL WHERE lsn = ?').run(row.lsn);
      count(db, { inflight: -1 });
    }
  }
  return { timedOut: rows.length, dead };
}

function send(db: DatabaseSync, input: Sending): Sent {
  const known = statement(
    db,
    'SELECT id, msg_id AS msgId, payload_hash AS payloadHash, accepted_at AS at FROM dedup WHERE topic = ? AND idem_key = ?',
  ).get(input.topic, input.idemKey) as { id: number; msgId: string; payloadHash: string; at: number } | undefined;
  if (known !== undefined && known.at + input.dedupWindowMs > input.now) {
    return known.payloadHash === input.payloadHash
      ? { outcome: 'duplicate', msgId: known.msgId }
      : { outcome: 'mismatch' };
  }
  const size = input.payload.byteLength + Buffer.byteLength(input.attrs);
  const live = statement(db, 'SELECT live FROM topics WHERE topic = ?').get(input.topic)?.['live'];
  if (Number(live ?? 0) >= input.topicDepth) return { outcome: 'depth' };
  const bytes = statement(db, 'SELECT bytes FROM totals WHERE id = 1').get()?.['bytes'];
  if (Number(bytes) + size > input.storeBytes) return { outcome: 'bytes' };

  if (known !== undefined) statement(db, 'DELETE FROM dedup WHERE id = ?').run(known.id);
  const { lastInsertRowid } = statement(db, 'INSERT INTO messages (msg_id, topic, ts, size) VALUES (?, ?, ?, ?)').run(
    input.msgId,
    input.topic,
    input.now,
    size,
  );
  statement(db, 'INSERT INTO payloads (lsn, payload_hash, attrs, payload) VALUES (?, ?, ?, ?)').run(
    lastInsertRowid,
    input.payloadHash,
    input.attrs,
    input.payload,
  );
  statement(db, 'INSERT INTO dedup (topic, idem_key, msg_id, payload_hash, accepted_at) VALUES (?, ?, ?, ?, ?)').run(
    input.topic,
    input.idemKey,
    input.msgId,
    input.payloadHash,
    input.now,
  );
  statement(db, 'INSERT INTO topics (topic, live) VALUES (?, 1) ON CONFLICT (topic) DO UPDATE SET live = live + 1').run(
    input.topic,
  );
  count(db, { accepted: 1, live: 1, bytes: size });
  return { outcome: 'accepted', msgId: input.msgId };
}

function lease(db: DatabaseSync, input: Leasing): LeaseResult {
  const ranOut = statement(
    db,
    `SELECT lsn, topic, attempt, size FROM messages
       WHERE lease_until IS NOT NULL AND lease_until <= ? AND topic = ? ORDER BY lease_until LIMIT ${RELEASE_LIMIT}`,
  ).all(input.now, input.topic) as unknown as MessageRow[];
  const released = release(db, ranOut, input);
  const ready = statement(
    db,
    'SELECT lsn, topic, attempt, size FROM messages WHERE topic = ? AND lease_until IS NULL ORDER BY lsn LIMIT ?',
  ).all(input.topic, input.maxMessages) as unknown as MessageRow[];
  const messages: Leased[] = [];
  let bytes = 0;
  for (const row of ready) {
    bytes += row.size;
    if (messages.length > 0 && bytes > input.maxBytes) break;
    messages.push(leaseOne(db, row.lsn, input));
  }
  count(db, { inflight: messages.length });
  return { ...released, messages };
}

function leaseOne(db: DatabaseSync, lsn: number, input: Leasing): Leased {
  statement(db, 'UPDATE messages SET attempt = attempt + 1, lease_until = ?, visibility_ms = ? WHERE lsn = ?').run(
    input.now + input.visibilityMs,
    input.visibilityMs,
    lsn,
  );
  const row: unknown = statement(
    db,
    `SELECT m.lsn, m.attempt, m.msg_id AS msgId, m.ts, p.payload, p.payload_hash AS payloadHash, p.attrs
       FROM messages m JOIN payloads p ON p.lsn = m.lsn WHERE m.lsn = ?`,
  ).get(lsn);
  return row as Leased;
}

function ackOne(db: DatabaseSync, { lsn, attempt }: Delivery, input: Acking): Acked {
  const row = statement(db, 'SELECT topic, attempt, size, lease_until AS leaseUntil FROM messages WHERE lsn = ?').get(
    lsn,
  ) as { topic: string; attempt: number; size: number; leaseUntil: number | null } | undefined;
  if (row === undefined) {
    const done = statement(db, 'SELECT attempt FROM acked WHERE lsn = ?').get(lsn)?.['attempt'];
    if (done !== undefined) return done === attempt ? 'repeat' : 'receipt_stale';
    return statement(db, 'SELECT 1 FROM dead WHERE lsn = ?').get(lsn) === undefined ? 'not_found' : 'receipt_stale';
  }
  if (row.attempt !== attempt || row.leaseUntil === null || row.leaseUntil <= input.now) return 'receipt_stale';
  dropMessage(db, lsn);
  dropPayload(db, lsn);
  leaveTopic(db, row.topic);
  statement(db, 'INSERT INTO acked (lsn, attempt, acked_at) VALUES (?, ?, ?)').run(lsn, attempt, input.wallNow);
  count(db, { live: -1, inflight: -1, acked: 1, bytes: -row.size });
  return 'done';
}

/** Drops ready messages past their retention. Order of acceptance is order of age, so it stops at the first young one. */
function expireMessages(db: DatabaseSync, input: Sweeping): number {
  const oldest = statement(
    db,
    'SELECT lsn, topic, ts, size, lease_until AS leaseUntil FROM messages NOT INDEXED ORDER BY lsn LIMIT ?',
  ).all(input.limit) as unknown as (MessageRow & { ts: number; leaseUntil: number | null })[];
  let expired = 0;
  for (const row of oldest) {
    if (row.ts + input.retentionMs > input.wallNow) break;
    if (row.leaseUntil !== null) continue;
    dropMessage(db, row.lsn);
    dropPayload(db, row.lsn);
    leaveTopic(db, row.topic);
    count(db, { live: -1, expired: 1, bytes: -row.size });
    expired += 1;
  }
  return expired;
}

function expireDead(db: DatabaseSync, input: Sweeping): number {
  const rows = statement(db, 'SELECT lsn, size FROM dead WHERE dead_at <= ? ORDER BY dead_at LIMIT ?').all(
    input.wallNow - input.deadRetentionMs,
    input.limit,
  ) as unknown as { lsn: number; size: number }[];
  for (const { lsn, size } of rows) {
    statement(db, 'DELETE FROM dead WHERE lsn = ?').run(lsn);
    dropPayload(db, lsn);
    count(db, { dead: -1, expired: 1, bytes: -size });
  }
  return rows.length;
}

/** What makes repeats of sends and acknowledgements recognisable is kept for the window, and not for ever. */
function forget(db: DatabaseSync, input: Sweeping): number {
  const before = input.wallNow - input.dedupWindowMs;
  const keys = statement(db, 'SELECT id, accepted_at AS at FROM dedup ORDER BY id LIMIT ?').all(
    input.limit,
  ) as unknown as { id: number; at: number }[];
  let forgotten = 0;
  for (const { id, at } of keys) {
    if (at > before) break;
    statement(db, 'DELETE FROM dedup WHERE id = ?').run(id);
    forgotten += 1;
  }
  const acks = statement(
    db,
    'DELETE FROM acked WHERE lsn IN (SELECT lsn FROM acked WHERE acked_at <= ? ORDER BY acked_at LIMIT ?)',
  ).run(before, input.limit);
  return Math.max(forgotten, Number(acks.changes));
}

function sweep(db: DatabaseSync, input: Sweeping): Swept {
  const ranOut = statement(
    db,
    `SELECT lsn, topic, attempt, size FROM messages WHERE lease_until IS NOT NULL AND lease_until <= ?
       ORDER BY lease_until LIMIT ?`,
  ).all(input.now, input.limit) as unknown as MessageRow[];
  const released = release(db, ranOut, input);
  const readyTopics = [...new Set(ranOut.filter((row) => row.attempt < input.maxAttempts).map((row) => row.topic))];
  const messages = expireMessages(db, input);
  const dead = expireDead(db, input);
  const forgotten = forget(db, input);
  const more = Math.max(ranOut.length, messages, dead, forgotten) >= input.limit;
  return { ...released, readyTopics, expired: messages + dead, more };
}

export const commands = {
  /** Once per start: the receipt key is made the first time, and leases of the process before run anew in full. */
  start(db: DatabaseSync, input: { readonly freshKey: Uint8Array; readonly now: number }): Uint8Array {
    statement(db, "INSERT INTO meta (key, value) VALUES ('receipt_key', ?) ON CONFLICT DO NOTHING").run(input.freshKey);
    statement(db, 'UPDATE messages SET lease_until = ? + visibility_ms WHERE lease_until IS NOT NULL').run(input.now);
    return statement(db, "SELECT value FROM meta WHERE key = 'receipt_key'").get()?.['value'] as Uint8Array;
  },
  send,
  lease,
  ack(db: DatabaseSync, input: Acking): readonly Acked[] {
    return input.deliveries.map((delivery) => ackOne(db, delivery, input));
  },
  sweep,
};
