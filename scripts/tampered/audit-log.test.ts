import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { link, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MetricsRegistry } from '@macronode/metrics';
import { AuditKey } from '../../apps/ronctl/src/audit/audit-key.ts';
import { ChainBroken } from '../../apps/ronctl/src/audit/chain-broken.ts';
import { type AuditReport, familyOf, verifyFiles } from '../../apps/ronctl/src/audit/verify-files.ts';
import { AuditLog, type AuditLogOptions } from '../../packages/mesh/src/audit/audit-log.ts';
import { meshCounters } from '../../packages/mesh/src/metrics.ts';
import { poll } from '../poll.ts';
import { requireProgram } from '../programs.ts';

const KEY = 'the key these tests seal their audit logs with';
const CHILD = fileURLToPath(new URL('./audit-writer-child.ts', import.meta.url));
const LINE_FEED = 0x0a;
const ONE_WRITER = 'an audit log has one writer, and each node one of its own';

const counters = new MetricsRegistry().scope({ service: 'test' }).bind(meshCounters);

/** What `ronctl audit verify` finds, or in a word why it is broken. */
async function judged(file: string, head?: string): Promise<AuditReport | ChainBroken> {
  try {
    return await verifyFiles({
      files: await familyOf(file),
      keys: [new AuditKey(Buffer.from(KEY))],
      signal: new AbortController().signal,
      onProgress: () => undefined,
      ...(head === undefined ? {} : { head }),
    });
  } catch (error) {
    if (error instanceof ChainBroken) return error;
    throw error;
  }
}

async function verified(file: string): Promise<AuditReport> {
  const found = await judged(file);
  if (found instanceof ChainBroken) throw found;
  return found;
}

// The node and the verifier share no code: what the one writes the other must take, and nothing else.
describe('an audit log and its verifier', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audit-'));
    file = join(folder, 'audit.log');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function write(records: number, options: Partial<AuditLogOptions> = {}): Promise<void> {
    const log = await AuditLog.open({ file, key: Buffer.from(KEY), counters, now: Date.now, ...options });
    for (let i = 0; i < records; i++) log.append(i % 3 === 0 ? 'mesh_publish' : 'mesh_receive', { i, client: 'kälte' });
    await log.close();
  }

  it('agree on starts, a full queue, and files moved aside', async () => {
    await write(20);
    await write(50, { queue: 30 });
    await write(300, { maxBytes: 16_384, queue: 400 });
    const report = await verified(file);
    expect(report.files.length).toBeGreaterThan(3);
    expect(report).toMatchObject({
      chains: 3,
      begins: 'none',
      lost: { full: 20, write_failed: 0 },
      warnings: [],
      by_kind: {
        chain_init: 3,
        // The third start found its file full, and began the next one with its own marker.
        chain_rotate: report.files.length - 2,
        dropped: 1,
        mesh_publish: 117,
        mesh_receive: 233,
      },
    });
    await rm(report.files[0] ?? '');
    expect(await verified(file)).toMatchObject({
      warnings: [{ what: expect.stringContaining('begins after') as string }],
    });
    await rm(report.files[2] ?? '');
    expect(await judged(file)).toMatchObject({ kind: 'removed', place: { file: report.files[3], line: 1 } });
  });

  it('agree though the node moves files aside after they were listed, or while they are read', async () => {
    await write(100, { maxBytes: 16_384 });
    const files = await familyOf(file);
    const { records } = await verified(file);
    const { signal } = new AbortController();
    const keys = [new AuditKey(Buffer.from(KEY))];
    const moveAside = (): void => {
      for (let n = files.length - 1; n > 0; n--) renameSync(`${file}.${n}`, `${file}.${n + 1}`);
      renameSync(file, `${file}.1`);
    };
    let moved = false;
    const onProgress = (): void => {
      if (!moved) moveAside();
      moved = true;
    };
    expect(await verifyFiles({ files, keys, signal, onProgress })).toMatchObject({ records, warnings: [] });
    expect(moved).toBe(true);
    await write(1);
    const found = await verifyFiles({ files, keys, signal, onProgress });
    expect(found.warnings).toMatchObject([{ what: expect.stringContaining('begins after') as string }]);
    expect(found.head).toBe((await verified(file)).head);
    // As it is for one who opened the file that grows, and then the one before it by the name it had got meanwhile.
    await rm(`${file}.1`);
    await link(file, `${file}.1`);
    expect(await verifyFiles({ files: [`${file}.1`, file], keys, signal, onProgress })).toMatchObject({ records: 2 });
  });

  it('agree on a key that changed, and on one that was not given', async () => {
    await write(5, { key: Buffer.from('the key there was before it was changed') });
    await write(5, { previousKey: Buffer.from('the key there was before it was changed') });
    expect(await judged(file)).toMatchObject({ kind: 'wrong_key', place: { line: 1 } });
    const keys = [KEY, 'the key there was before it was changed'].map((key) => new AuditKey(Buffer.from(key)));
    const { signal } = new AbortController();
    const report = await verifyFiles({ files: [file], keys, signal, onProgress: () => undefined });
    expect(report).toMatchObject({ records: 12, chains: 2, warnings: [] });
  });

  it('notice every bit that is changed, and every line that is removed, repeated or moved', async () => {
    await write(6);
    await writeFile(file, Buffer.concat([await readFile(file), Buffer.from('{"seq":7,"ts":"torn he')]));
    await write(6);
    const whole = await readFile(file);
    const untouched = await verified(file);
    expect(untouched).toMatchObject({ records: 14, warnings: [{ line: 8 }] });
    const lines = whole.toString('latin1').trimEnd().split('\n');
    const change = fc.oneof(
      { weight: 5, arbitrary: fc.record({ how: fc.constant('flip' as const), at: fc.nat(whole.length * 8 - 1) }) },
      fc.record({ how: fc.constantFrom('remove', 'repeat', 'swap', 'last_here'), at: fc.nat(lines.length - 2) }),
    );
    const changed = ({ how, at }: { how: string; at: number }): Buffer => {
      if (how === 'flip') {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
        return bytes;
      }
      const made = [...lines];
      if (how === 'remove') made.splice(at, 1);
      else if (how === 'repeat') made.splice(at, 0, made[at] ?? '');
      else if (how === 'swap') made.splice(at, 2, made[at + 1] ?? '', made[at] ?? '');
      else made.splice(at, 0, made.pop() ?? '');
      return Buffer.from(`${made.join('\n')}\n`, 'latin1');
    };
    await fc.assert(
      fc.asyncProperty(change, async (one) => {
        await writeFile(file, changed(one));
        const found = await judged(file);
        expect(found).toBeInstanceOf(ChainBroken);
      }),
      { numRuns: 1_000 },
    );
  });

  it('notice a cut end once a later record is known, and call half a line torn, not tampered with', async () => {
    await write(5);
    const { head, records } = await verified(file);
    const whole = await readFile(file);
    // Every cut of the last two records, and some of those before.
    for (let keep = whole.length - 1; keep > 0; keep -= keep > whole.length - 600 ? 1 : 17) {
      await writeFile(file, whole.subarray(0, keep));
      const report = await verified(file);
      const torn = whole[keep - 1] !== LINE_FEED;
      expect(report.warnings.map(({ what }) => what.split(':')[0])).toEqual(torn ? ['torn tail'] : []);
      expect(report.records).toBeLessThan(records);
      expect(await judged(file, head ?? '')).toMatchObject({ kind: 'removed' });
    }
    await writeFile(file, whole);
    expect(await judged(file, head ?? '')).toMatchObject({ head });
  });

  /** A writer in a process of its own, and the lines it prints. */
  function child(shell: readonly string[] = []) {
    const line = [...shell, process.execPath, CHILD, file];
    const started = spawn(line[0] ?? '', line.slice(1), {
      env: { ...process.env, AUDIT_HMAC_KEY: KEY },
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const lines: string[] = [];
    createInterface({ input: started.stdout }).on('line', (line) => lines.push(line));
    const said = (word: string, times = 1): Promise<void> =>
      poll(word, 20_000, () => lines.filter((line) => line.startsWith(word)).length >= times, 5);
    return {
      started,
      lines,
      said,
      exit: once(started, 'close'),
      append: (records: number) => started.stdin.write(`${records}\n`),
      /** What it counted: written, full, write_failed. */
      counted: () => (/^counted (\d+) (\d+) (\d+)$/.exec(lines.at(-1) ?? '') ?? []).slice(1).map(Number),
    };
  }

  /** A limit of the size of a file stands in for the full disk: a write is cut short, and the next one fails. */
  const FULL_KIB = 64;
  const limited = ['bash', '-c', `trap '' XFSZ; ulimit -S -f ${FULL_KIB}; exec "$@"`, 'limited'];

  it('leave at most a torn tail where the node is killed while it writes, again and again', async () => {
    let records = 0;
    for (let kill = 1; kill <= 5; kill++) {
      const before = await stat(file).then(
        ({ size }) => size,
        () => 0,
      );
      const { started, append, exit } = child();
      append(100_000_000);
      await poll(
        'records',
        20_000,
        async () => (await stat(file).catch(() => ({ size: 0 }))).size > before + 100_000 * kill,
        1,
      );
      started.kill('SIGKILL');
      expect((await exit)[1]).toBe('SIGKILL');
      const report = await verified(file);
      expect(report.records).toBeGreaterThan(records);
      expect(report.chains).toBe(kill);
      expect(report.warnings.every(({ what }) => what.startsWith('torn'))).toBe(true);
      records = report.records;
    }
  });

  it('leave whole records and one torn on a disk that is full, and every record is in a counter', async () => {
    const { started, lines, append, counted, exit } = child(limited);
    append(2_000);
    started.stdin.end();
    expect((await exit)[0]).toBe(0);
    expect(lines.filter((line) => line.startsWith('failed'))).toEqual([expect.stringContaining('EFBIG')]);
    const [written = NaN, full = NaN, failed = NaN] = counted();
    expect(written + full + failed).toBe(2_000);
    expect(failed).toBeGreaterThan(1_000);
    expect((await stat(file)).size).toBe(FULL_KIB * 1_024);
    const report = await verified(file);
    expect(report.by_kind).toEqual({ chain_init: 1, mesh_receive: written });
    expect(report.warnings).toMatchObject([{ what: expect.stringContaining('torn tail') as string }]);
    await write(1);
    expect(await verified(file)).toMatchObject({ chains: 2, by_kind: { mesh_publish: 1 } });
  });

  const allow = (pid: number, bytes: number | 'unlimited'): void =>
    void execFileSync(requireProgram('prlimit', 'util-linux'), ['--pid', String(pid), `--fsize=${bytes}:`]);

  it.each<[string, number, (pid: number) => unknown]>([
    ['got room again', 2, (pid) => allow(pid, 'unlimited')],
    [
      'got room for a marker, not for what was to be told behind it, and then more',
      3,
      async (pid) => {
        const bytes = FULL_KIB * 1_024 + 600;
        allow(pid, bytes);
        await poll('the marker', 20_000, async () => (await stat(file)).size === bytes, 5);
        allow(pid, 'unlimited');
      },
    ],
    ['was emptied by moving the log aside', 2, () => rename(file, `${file}.1`)],
  ])('agree on a log that went on in the same process, on a disk that %s', async (_, chains, makeRoom) => {
    const { started, lines, said, append, counted, exit } = child(limited);
    append(1_000);
    await said('failed');
    await said('appended');
    await makeRoom(started.pid ?? NaN);
    await said('recovered');
    append(100);
    await said('appended', 2);
    started.stdin.end();
    expect((await exit)[0]).toBe(0);
    const [written = NaN, full = NaN, failed = NaN] = counted();
    expect([written + full + failed, full]).toEqual([1_100, 0]);
    expect(failed).toBeGreaterThan(500);
    // Told once each, and what the log itself tells is what the counter has: no record is missing without a trace.
    expect(lines.filter((line) => /^(failed|recovered)/.test(line))).toEqual([
      expect.stringContaining('EFBIG'),
      `recovered ${failed}`,
    ]);
    expect(await verified(file)).toMatchObject({
      chains,
      begins: 'none',
      by_kind: { chain_init: chains, dropped: 1, mesh_receive: written },
      lost: { full: 0, write_failed: failed },
      warnings: Array.from({ length: chains - 1 }, () => ({
        what: expect.stringContaining('the next chain tells of them') as string,
      })),
    });
  });

  it('have one writer: a second process loses its records by count, and takes over when the first has ended', async () => {
    const holder = child();
    holder.append(10);
    await holder.said('appended');
    await poll('records', 20_000, async () => (await verified(file)).records === 1 + 10, 5);
    const { started, lines, said, append, counted, exit } = child();
    append(20);
    await said('appended');
    expect(lines).toEqual([`failed ${file} is written by another process: ${ONE_WRITER}`, 'open', 'appended']);
    holder.started.kill('SIGKILL');
    await holder.exit;
    await said('recovered');
    append(30);
    started.stdin.end();
    expect((await exit)[0]).toBe(0);
    expect(counted()).toEqual([30, 0, 20]);
    expect(await verified(file)).toMatchObject({
      chains: 2,
      by_kind: { mesh_receive: 10 + 30 },
      lost: { full: 0, write_failed: 20 },
      warnings: [],
    });
  });
});
