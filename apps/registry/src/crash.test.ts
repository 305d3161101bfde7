import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { SigningKey } from '@macronode/keys';
import { parseSignedCheckpoint, parseVkey, verifyCheckpoint } from '@macronode/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeepVerifier } from './deep-verifier.ts';
import { FileHeadLock, ForkRefused } from './head-lock.ts';
import { TestLog, TestSigner } from './log-fixture.ts';
import { FAULT_STEPS } from './log.service.ts';
import { registryMetrics } from './metrics.ts';
import { createLogger } from '@macronode/service';

let folder: string;
let signer: TestSigner;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-crash-'));
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'signer.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  signer = new TestSigner('org:test#key1', 'ed25519', new SigningKey('ed25519', privateKey));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a child until it is killed; by this side after so many lines, or by itself. Answers what it was told. */
async function run(args: readonly string[], killAfter = Infinity): Promise<[number, string][]> {
  const script = join(import.meta.dirname, 'crash-child.ts');
  const child = spawn(process.execPath, [script, folder, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const exit = once(child, 'exit');
  const said: [number, string][] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [, version, hash = ''] = line.split(' ');
    said.push([Number(version), hash]);
    if (said.length === killAfter) child.kill('SIGKILL');
  }
  const [, signal] = (await exit) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return said;
}

const open = (): Promise<TestLog> => TestLog.open({ members: [signer], m: 1, dataDir: folder });

/** That the log in the folder is whole, holds what was said, and signs what it holds. Answers its size. */
async function judge(said: readonly [number, string][]): Promise<number> {
  await using opened = await open();
  const { log } = opened;
  for (const [version, hash] of said) expect(log.store.entry(version)?.entryHash, `version ${version}`).toBe(hash);
  const scope = opened.metrics.scope({ service: 'verifier' });
  const verifier = new DeepVerifier(log, scope.bind(registryMetrics), createLogger('silent', {}));
  await verifier.run();
  expect(verifier.ok).toBe(true);
  const { checkpointer } = log;
  const signed = parseSignedCheckpoint(checkpointer?.text ?? '');
  const { size, root } = signed.checkpoint;
  expect([size, Buffer.from(root).toString('hex')]).toEqual([
    log.head.version,
    Buffer.from(log.tree.root()).toString('hex'),
  ]);
  expect(verifyCheckpoint(signed, [parseVkey(checkpointer?.vkey ?? '')]).ok).toBe(true);
  expect(Buffer.from(log.store.signedRoot(log.head.version) ?? []).equals(log.tree.root())).toBe(true);
  await opened.round([signer]);
  return log.head.version - 1;
}

describe('killed at a step of a commit', () => {
  it.each(FAULT_STEPS)('%s: none of the version is there after a start, or all once it was appended', async (step) => {
    const said = await run([step, '3']);
    expect(said.map(([version]) => version)).toEqual([1, 2]);
    expect(await judge(said)).toBe(step === 'before append' ? 2 : 3);
  });
});

it('keeps every version it answered with, killed in the middle again and again', async () => {
  const said: [number, string][] = [];
  for (const lines of [5, 11, 23]) {
    said.push(...(await run([], lines)));
    const size = await judge(said);
    expect(size).toBeGreaterThanOrEqual(said.at(-1)?.[0] ?? 0);
  }
}, 60_000);

it('acknowledges nothing after a failed fsync of its lock, and finishes at the next start what it had begun', async () => {
  const script = join(import.meta.dirname, 'crash-child.ts');
  const lock = join(folder, 'lock', 'signed-heads');
  // Opened once before, so that the file is there for strace to find; the third sync of it fails from then on.
  await (await FileHeadLock.open(join(folder, 'lock'))).close();
  const inject = [
    '-f',
    '-o',
    '/dev/null',
    '-P',
    lock,
    '-P',
    `${lock}.next`,
    '-e',
    'inject=fdatasync:error=EIO:when=3+',
  ];
  const child = spawn('strace', [...inject, process.execPath, script, folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // strace counts the calls of each thread: with one there is one count.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const exit = once(child, 'exit');
  const said: [number, string][] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [, version, hash = ''] = line.split(' ');
    said.push([Number(version), hash]);
  }
  expect((await exit)[0]).toBe(1);
  expect(said.map(([version]) => version)).toEqual([1, 2]);
  // The third was on disk already, and nobody was told.
  expect(await judge(said)).toBe(3);
});

describe('a log refuses to start', () => {
  it('that was restored from a backup older than what it signed', async () => {
    {
      await using opened = await open();
      await opened.round([signer]);
    }
    const backup = join(folder, 'backup.db');
    cpSync(join(folder, 'registry.db'), backup);
    {
      await using opened = await open();
      await opened.round([signer]);
    }
    cpSync(backup, join(folder, 'registry.db'));
    rmSync(join(folder, 'registry.db-wal'), { force: true });
    await expect(open()).rejects.toThrow(ForkRefused);
    await expect(open()).rejects.toThrow('restored from an older backup');
  });

  it('whose lock is missing, and says how to begin one', async () => {
    {
      await using opened = await open();
      await opened.round([signer]);
    }
    rmSync(join(folder, 'lock'), { recursive: true });
    const refused = await open().catch((error: unknown) => error as Error);
    expect(refused).toBeInstanceOf(ForkRefused);
    const line = /with the line: (\d+ [0-9a-f]{64})$/.exec(refused instanceof Error ? refused.message : '')?.[1] ?? '';
    mkdirSync(join(folder, 'lock'), { recursive: true });
    writeFileSync(join(folder, 'lock', 'signed-heads'), `${line}\n`);
    await using again = await open();
    await again.round([signer]);
  });

  it('that is another log than the one that was signed, or was changed since', async () => {
    {
      await using opened = await open();
      await opened.round([signer]);
      await opened.round([signer]);
    }
    const lock = await FileHeadLock.open(join(folder, 'lock'));
    await lock.advance({ size: 1, root: 'ab'.repeat(32) });
    await lock.close();
    await expect(open()).rejects.toThrow('another log was signed at size 1');
    const right = await FileHeadLock.open(join(folder, 'lock'));
    const db = new DatabaseSync(join(folder, 'registry.db'));
    const root = db.prepare('SELECT root FROM signed_heads WHERE size = 1').get()?.['root'] as Uint8Array;
    await right.advance({ size: 1, root: Buffer.from(root).toString('hex') });
    await right.close();
    db.prepare('UPDATE entries SET leaf_hash = ? WHERE version = 2').run(Buffer.alloc(32));
    db.close();
    await expect(open()).rejects.toThrow('no longer give the root');
  });
});

describe('the lock', () => {
  it('takes a torn line for one that was never signed', async () => {
    const where = join(folder, 'lock');
    const lock = await FileHeadLock.open(where);
    await lock.advance({ size: 1, root: '11'.repeat(32) });
    await lock.close();
    writeFileSync(join(where, 'signed-heads'), '2 22', { flag: 'a' });
    const again = await FileHeadLock.open(where);
    expect(again.last).toEqual({ size: 1, root: '11'.repeat(32) });
    await again.advance({ size: 2, root: '33'.repeat(32) });
    await again.close();
    const third = await FileHeadLock.open(where);
    expect(third.last?.size).toBe(2);
    await third.close();
  });

  it('refuses a file that is damaged in any other way', async () => {
    const where = join(folder, 'lock');
    await (await FileHeadLock.open(where)).close();
    writeFileSync(join(where, 'signed-heads'), 'rubbish\n');
    await expect(FileHeadLock.open(where)).rejects.toThrow('damaged');
  });
});
