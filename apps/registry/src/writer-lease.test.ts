import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WriterLease } from './writer-lease.ts';

/** Takes the lease of a folder, says so, and leaves once its input ends. */
const HOLDER = `
  const [, module, folder] = process.argv;
  const { WriterLease } = await import(module);
  const lease = await WriterLease.take(folder, 0);
  process.stdout.write('held\\n');
  for await (const _ of process.stdin);
  lease[Symbol.dispose]();
`;

type Holder = ChildProcessByStdio<Writable, Readable, null>;

let folder: string;
const holders: Holder[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-lease-'));
});
afterEach(() => {
  for (const holder of holders.splice(0)) holder.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Another process that holds the lease. */
async function heldElsewhere(): Promise<Holder> {
  const module = pathToFileURL(join(import.meta.dirname, 'writer-lease.ts')).href;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, module, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  holders.push(holder);
  const [line] = (await once(createInterface({ input: holder.stdout }), 'line')) as [string];
  expect(line).toBe('held');
  return holder;
}

describe('the right to write a log', () => {
  it('is of one process, until that one ends however it does', async () => {
    const holder = await heldElsewhere();
    await expect(WriterLease.take(folder, 0)).rejects.toThrow('another process writes the log whose lock is in');
    const exit = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exit;
    using lease = await WriterLease.take(folder, 0);
    expect(lease).toBeInstanceOf(WriterLease);
  });

  it('is waited for while its holder is on the way out', async () => {
    const holder = await heldElsewhere();
    // The first try is over when this has returned: that is what found the lease taken.
    const waiting = WriterLease.take(folder, 10_000);
    let taken = false;
    void waiting.then(() => (taken = true));
    const exit = once(holder, 'exit');
    expect(taken).toBe(false);
    holder.stdin.end();
    using lease = await waiting;
    expect(lease).toBeInstanceOf(WriterLease);
    await exit;
  });

  it('is given up after the wait', async () => {
    await heldElsewhere();
    const started = performance.now();
    await expect(WriterLease.take(folder, 150)).rejects.toThrow('One log has one writer');
    expect(performance.now() - started).toBeGreaterThanOrEqual(150);
  });
});
