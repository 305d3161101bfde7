import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
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

const KEY = 'the key these tests seal their audit logs with';
const CHILD = fileURLToPath(new URL('./audit-writer-child.ts', import.meta.url));
const LINE_FEED = 0x0a;

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
  async function child(records: number, shell: readonly string[] = []) {
    const line = [...shell, process.execPath, CHILD, file, String(records)];
    const started = spawn(line[0] ?? '', line.slice(1), {
      env: { ...process.env, AUDIT_HMAC_KEY: KEY },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    createInterface({ input: started.stdout }).on('line', (line) => lines.push(line));
    return { started, lines, exit: once(started, 'close') };
  }

  it('leave at most a torn tail where the node is killed while it writes, again and again', async () => {
    let records = 0;
    for (let kill = 1; kill <= 5; kill++) {
      const before = await stat(file).then(
        ({ size }) => size,
        () => 0,
      );
      const { started, exit } = await child(100_000_000);
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
    // A limit of the size of a file stands in for the full disk: a write is cut short, and the next one fails.
    const limited = ['bash', '-c', 'trap \'\' XFSZ; ulimit -f 64; exec "$@"', 'limited'];
    const { lines, exit } = await child(2_000, limited);
    expect((await exit)[0]).toBe(0);
    expect(lines.filter((line) => line.startsWith('failed'))).toEqual([expect.stringContaining('EFBIG')]);
    const [, written = '', full = '', failed = ''] = /^counted (\d+) (\d+) (\d+)$/.exec(lines.at(-1) ?? '') ?? [];
    expect(Number(written) + Number(full) + Number(failed)).toBe(2_000);
    expect(Number(failed)).toBeGreaterThan(1_000);
    expect((await stat(file)).size).toBe(64 * 1_024);
    const report = await verified(file);
    expect(report.by_kind).toEqual({ chain_init: 1, mesh_receive: Number(written) });
    expect(report.warnings).toMatchObject([{ what: expect.stringContaining('torn tail') as string }]);
    await write(1);
    expect(await verified(file)).toMatchObject({ chains: 2, by_kind: { mesh_publish: 1 } });
  });
});
