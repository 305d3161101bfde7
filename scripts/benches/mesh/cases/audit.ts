import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AUDIT_KINDS, AuditLog, type MeshCounters } from '@macronode/mesh';
import { expectCount, keep, type MicroCase, type Prepared } from '../../micro/micro-case.ts';
import { addressOf, lanedCounters } from './envelopes.ts';

const KEY_BYTES = 32;
/** Below what the queue takes: none is lost. */
const QUEUED = 4_000;
const BATCHES = 10;
const RECORDED = 40_000;
/** Seconds of writing, so that several fsyncs are among them. */
const FLUSHED = 200_000;
const BRANCHES = 50_000_000;

const detailOf = (n: number) => ({
  ...{ kind: 'waf_reputation', subject: addressOf(n), score: 0.8, reason: 'quota_storm' },
  ...{ revoked: false, seq: 1_832_960_000_000_000 + n, ttl_s: 3_600 },
});

const written = ({ auditEvents }: MeshCounters): number =>
  AUDIT_KINDS.reduce((sum, kind) => sum + auditEvents.cell({ kind }).value(), 0);

async function openLog(): Promise<{
  readonly log: AuditLog;
  readonly counters: MeshCounters;
  readonly close: () => Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'macronode-bench-audit-'));
  const counters = lanedCounters();
  const log = await AuditLog.open({
    file: join(folder, 'audit.log'),
    key: randomBytes(KEY_BYTES),
    counters,
    now: Date.now,
  });
  const close = async (): Promise<void> => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { log, counters, close };
}

const untilWritten = async (log: AuditLog): Promise<void> => {
  while (log.queued > 0) await nextTurn();
};

/** As fast as the queue takes them, until the last is in the file. */
async function writeAll(log: AuditLog, records: number, done: () => void): Promise<void> {
  for (let n = 0; n < records; n += 1) {
    while (log.queued >= QUEUED) await nextTurn();
    if (log.append('mesh_receive', detailOf(n))) done();
  }
  await untilWritten(log);
}

async function prepareLog(
  operations: number,
  work: (log: AuditLog, done: () => void) => void | Promise<void>,
): Promise<Prepared> {
  const { log, counters, close } = await openLog();
  let done = 0;
  return {
    fresh: () => untilWritten(log),
    work: () => work(log, () => (done += 1)),
    floor: () => {
      let sum = 0;
      for (let n = 0; n < operations; n += 1) sum += detailOf(n).seq;
      keep(sum);
    },
    check: () => expectCount('records', written(counters) + log.queued, done),
    dispose: close,
  };
}

export const auditEmit: MicroCase = {
  name: 'audit_emit',
  what: 'a record given to the audit log: all that whoever emits it waits for',
  operations: QUEUED,
  batches: BATCHES,
  clock: 'wall',
  prepare: (operations) =>
    prepareLog(operations, (log, done) => {
      for (let n = 0; n < operations; n += 1) if (log.append('mesh_receive', detailOf(n))) done();
    }),
};

export const auditRecord: MicroCase = {
  name: 'audit_record',
  what: 'the same with sealing and writing it: CPU of the mesh thread in all',
  operations: RECORDED,
  clock: 'cpu',
  prepare: (operations) => prepareLog(operations, (log, done) => writeAll(log, operations, done)),
};

/** By the clock: as fast as the queue takes them, with an fsync a second. */
export const auditFlush: MicroCase = {
  name: 'audit_flush',
  what: 'a record written, by the clock, with its share of an fsync a second: the sustained limit',
  operations: FLUSHED,
  clock: 'wall',
  prepare: (operations) => prepareLog(operations, (log, done) => writeAll(log, operations, done)),
};

/** What the mesh thread asks before each record, and each event of a trace: is there anybody to tell? */
interface Told {
  readonly listener: { readonly tell: (n: number) => number } | undefined;
}

export function branchCase(name: string, what: string): MicroCase {
  return {
    name,
    what,
    operations: BRANCHES,
    clock: 'cpu',
    prepare: (operations) => {
      const nobody: readonly Told[] = [{ listener: undefined }, { listener: undefined }];
      return {
        work: () => {
          let sum = 0;
          for (let i = 0; i < operations; i += 1) sum += nobody[i & 1]?.listener?.tell(i) ?? 1;
          keep(sum);
        },
        floor: () => {
          let sum = 0;
          for (let i = 0; i < operations; i += 1) sum += nobody[i & 1] === undefined ? 0 : 1;
          keep(sum);
        },
        check: () => expectCount('listeners', nobody.filter(({ listener }) => listener !== undefined).length, 0),
      };
    },
  };
}

export const auditOff = branchCase('audit_off', 'the audit log off: no file, no queue, one branch');
