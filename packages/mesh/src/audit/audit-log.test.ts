import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MetricsRegistry } from '@macronode/metrics';
import { AUDIT_KINDS, meshCounters } from '../metrics.ts';
import { AuditLog, type AuditLogOptions } from './audit-log.ts';

const KEY = Buffer.alloc(32, 7);

interface Line {
  readonly seq: number;
  readonly ts: string;
  readonly kind: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly prev_hash: string;
  readonly hmac: string;
}

describe('the audit log', () => {
  let folder: string;
  let file: string;
  let counters: AuditLogOptions['counters'];
  let logs: AuditLog[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audit-'));
    file = join(folder, 'sub', 'audit.log');
    const { auditEvents, auditEventsDropped } = new MetricsRegistry().scope({ service: 'test' }).bind(meshCounters);
    counters = { auditEvents, auditEventsDropped };
    logs = [];
  });
  afterEach(async () => {
    for (const log of logs) await log.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function opened(options: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
    const log = await AuditLog.open({ file, key: KEY, counters, now: Date.now, retryMs: 5, fsyncMs: 5, ...options });
    logs.push(log);
    return log;
  }

  async function linesOf(name = file): Promise<Line[]> {
    const text = await readFile(name, 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  }

  const written = (): number => AUDIT_KINDS.reduce((sum, kind) => sum + counters.auditEvents.cell({ kind }).value(), 0);
  const lost = (reason: 'full' | 'write_failed'): number => counters.auditEventsDropped.cell({ reason }).value();
  const until = (what: () => boolean | Promise<boolean>): Promise<void> =>
    vi.waitFor(async () => expect(await what()).toBe(true), { timeout: 10_000, interval: 5 });

  it('writes what it is given in order, for its owner only, and says so in the counters', async () => {
    const log = await opened();
    expect(log.append('mesh_publish', { subject: '192.0.2.1', score: 1 })).toBe(true);
    expect(log.append('mesh_peer_joined', { client: 'b_1' })).toBe(true);
    expect(log.queued).toBe(2);
    await log.close();
    expect(log.queued).toBe(0);
    expect((await linesOf()).map(({ seq, kind }) => `${seq} ${kind}`)).toEqual([
      '0 chain_init',
      '1 mesh_publish',
      '2 mesh_peer_joined',
    ]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(written()).toBe(2);
    expect(log.append('mesh_publish', {})).toBe(false);
    expect(lost('write_failed')).toBe(1);
  });

  it('begins a new chain at each start, bound to the end of the one before', async () => {
    for (const subject of ['a', 'b']) {
      const log = await opened();
      log.append('mesh_publish', { subject });
      await log.close();
    }
    const [first, second, third] = await linesOf();
    expect(first?.detail['prev_head']).toBe('none');
    expect(third).toMatchObject({ seq: 0, kind: 'chain_init', detail: { prev_head: second?.hmac } });
    await (await opened({ key: Buffer.alloc(32, 8), previousKey: KEY })).close();
    await (await opened({ key: Buffer.alloc(32, 9), keyId: 'third' })).close();
    const [, , , fourth, fifth, sixth] = await linesOf();
    expect(fifth).toMatchObject({ kind: 'chain_init', detail: { prev_head: fourth?.hmac } });
    expect(sixth).toMatchObject({ detail: { prev_head: 'unverified', key_id: 'third' } });
  });

  it('keeps what a killed process tore off, and tells of it', async () => {
    await (await opened()).close();
    const whole = await readFile(file, 'utf8');
    await writeFile(file, `${whole}{"seq":1,"ts":"20`);
    await (await opened()).close();
    const text = await readFile(file, 'utf8');
    const [, torn, marker] = text.split('\n');
    expect(text.startsWith(whole)).toBe(true);
    expect(torn).toBe('{"seq":1,"ts":"20');
    expect(JSON.parse(marker ?? '')).toMatchObject({
      kind: 'chain_init',
      detail: {
        prev_head: (JSON.parse(whole) as Line).hmac,
        torn_bytes: 17,
        torn_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    });
  });

  it('moves a full file aside, no file above its size, and keeps so many', async () => {
    const log = await opened({ maxBytes: 16_384, files: 3 });
    for (let i = 0; i < 400; i++) log.append('mesh_receive', { i });
    await log.close();
    expect((await readdir(join(folder, 'sub'))).sort()).toEqual([
      ...['audit.log', 'audit.log.1', 'audit.log.2', 'audit.log.lease'],
    ]);
    const all: Line[] = [];
    for (const name of [`${file}.2`, `${file}.1`, file]) {
      expect((await stat(name)).size).toBeLessThanOrEqual(16_384);
      const lines = await linesOf(name);
      expect(lines[0]).toMatchObject({ kind: 'chain_rotate', detail: { prev_head: lines[0]?.prev_hash } });
      all.push(...lines);
    }
    for (const [i, line] of all.entries()) {
      const before = all[i - 1];
      if (before !== undefined) expect(line).toMatchObject({ seq: before.seq + 1, prev_hash: before.hmac });
    }
    expect(all.at(-1)?.detail).toEqual({ i: 399 });
    expect(written()).toBe(400);
  });

  it('loses what its queue cannot hold, counts it and leaves a record where it is missing', async () => {
    const log = await opened({ queue: 100 });
    const taken = Array.from({ length: 250 }, (_, i) => log.append('mesh_receive', { i })).filter(Boolean).length;
    expect(taken).toBe(100);
    await until(() => log.queued === 0);
    expect(log.append('mesh_publish', { after: true })).toBe(true);
    await log.close();
    const lines = await linesOf();
    expect(lines).toHaveLength(1 + 100 + 1 + 1);
    expect(lines.slice(-2).map(({ kind, detail }) => ({ kind, detail }))).toEqual([
      { kind: 'dropped', detail: { full: 150, write_failed: 0 } },
      { kind: 'mesh_publish', detail: { after: true } },
    ]);
    expect([written(), lost('full'), lost('write_failed')]).toEqual([101, 150, 0]);
  });

  it('outlives a disk that cannot be used: counts, tells once, and goes on where it can', async () => {
    const [failures, recoveries]: [string[], number[]] = [[], []];
    await writeFile(join(folder, 'sub'), 'a file where the folder belongs');
    const log = await opened({
      onFailure: ({ message }) => failures.push(message),
      onRecovery: (gone) => recoveries.push(gone),
    });
    for (let i = 0; i < 10; i++) expect(log.append('mesh_receive', { i })).toBe(false);
    await rm(join(folder, 'sub'));
    let tries = 0;
    await until(() => {
      tries += 1;
      return log.append('mesh_publish', { tries });
    });
    await until(() => log.queued === 0);
    const missing = 10 + tries - 1;
    await log.close();
    expect((await linesOf()).map(({ kind, detail }) => ({ kind, detail })).slice(1)).toEqual([
      { kind: 'dropped', detail: { full: 0, write_failed: missing } },
      { kind: 'mesh_publish', detail: { tries } },
    ]);
    expect([written(), lost('write_failed')]).toEqual([1, missing]);
    expect(failures).toHaveLength(1);
    expect(recoveries).toEqual([missing]);
  });

  it('goes on in the same file after its folder was gone for a while, and tells what it lost meanwhile', async () => {
    const [sub, next] = [join(folder, 'sub'), join(folder, 'next')];
    await mkdir(join(folder, 'disk'));
    await symlink('disk', sub);
    const log = await opened();
    log.append('mesh_publish', { n: 1 });
    await until(() => log.queued === 0);
    await writeFile(next, 'a file where the folder belongs');
    await rename(next, sub);
    await until(() => !log.append('mesh_receive', {}));
    await symlink('disk', next);
    await rename(next, sub);
    await until(() => log.append('mesh_publish', { n: 2 }));
    await log.close();
    const lines = await linesOf();
    const [last, marker, told, after] = lines.slice(-4);
    expect(lines[1]).toMatchObject({ kind: 'mesh_publish', detail: { n: 1 } });
    expect(marker).toMatchObject({ kind: 'chain_init', detail: { prev_head: last?.hmac } });
    expect(told).toMatchObject({ kind: 'dropped', detail: { full: 0, write_failed: lost('write_failed') } });
    expect(after).toMatchObject({ kind: 'mesh_publish', detail: { n: 2 } });
    expect([written(), lost('full')]).toEqual([lines.length - 3, 0]);
  });

  it('has one writer at a time: another loses what it is given, and says who has the file', async () => {
    const first = await opened();
    const failures: string[] = [];
    const second = await opened({ onFailure: ({ name }) => failures.push(name) });
    expect(second.append('mesh_publish', {})).toBe(false);
    await first.close();
    await until(() => second.append('mesh_publish', {}));
    expect(failures).toEqual(['AuditLogHeld']);
    const third = await opened();
    expect(third.append('mesh_publish', {})).toBe(false);
  });

  it('goes on behind what another wrote who had the file meanwhile', async () => {
    const [sub, next] = [join(folder, 'sub'), join(folder, 'next')];
    for (const disk of ['one', 'two']) await mkdir(join(folder, disk));
    await symlink('one', sub);
    const log = await opened();
    const other = await opened({ file: join(folder, 'two', 'audit.log') });
    await symlink('two', next);
    await rename(next, sub);
    await until(() => !log.append('mesh_receive', {}));
    other.append('mesh_publish', {});
    await other.close();
    const end = (await linesOf()).at(-1);
    await until(() => log.append('mesh_publish', {}));
    await log.close();
    expect((await linesOf())[2]).toMatchObject({ kind: 'chain_init', detail: { prev_head: end?.hmac } });
  });

  it('notices within a sync that its file is gone, and begins another that says what came before', async () => {
    const log = await opened();
    log.append('mesh_publish', { n: 1 });
    await until(() => log.queued === 0);
    await rename(join(folder, 'sub'), join(folder, 'moved'));
    await until(async () => (await stat(file).catch(() => undefined)) !== undefined);
    log.append('mesh_publish', { n: 2 });
    await log.close();
    const before = await linesOf(join(folder, 'moved', 'audit.log'));
    expect((await linesOf())[0]).toMatchObject({ kind: 'chain_init', detail: { prev_head: before.at(-1)?.hmac } });
    expect([written(), lost('write_failed')]).toEqual([2, 0]);
  });

  it('goes on from the file moved last where a process was killed before it made the next one', async () => {
    await (await opened()).close();
    const [first] = await linesOf();
    await rename(file, `${file}.1`);
    await (await opened()).close();
    expect((await linesOf())[0]).toMatchObject({ detail: { prev_head: first?.hmac } });
  });

  it('does not use what is no file', async () => {
    const failures: string[] = [];
    await mkdir(file, { recursive: true });
    const log = await opened({ onFailure: ({ message }) => failures.push(message) });
    expect(log.append('mesh_publish', {})).toBe(false);
    await log.close();
    expect(failures).toHaveLength(1);
    await expect(opened({ maxBytes: 1 })).rejects.toThrow(RangeError);
    await expect(opened({ files: 0 })).rejects.toThrow(RangeError);
    await expect(opened({ key: Buffer.alloc(8) })).rejects.toThrow(RangeError);
  });
});
