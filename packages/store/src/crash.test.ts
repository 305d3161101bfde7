import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { siblingModule } from './command.ts';

const CHILD = fileURLToPath(siblingModule('./crash-child', import.meta.url));
const run = promisify(execFile);

/** Fault injection needs strace: a machine without it has not run this test, so the test fails. */
function requireStrace(): void {
  if (spawnSync('strace', ['-V']).status !== 0) throw new Error('this test needs strace on the PATH: install strace');
}

describe('a store that loses its process or its disk', () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'macronode-crash-'));
    file = join(dir, 'meta.db');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const storedKeys = (): Set<string> => {
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA integrity_check').get()?.['integrity_check']).toBe('ok');
    const keys = db.prepare('SELECT key FROM item').all();
    db.close();
    return new Set(keys.map((row) => String(row['key'])));
  };

  /** Lines of a child until it printed `count` acknowledgements, at which moment it is killed. */
  async function killAfter(child: ChildProcess, count: number): Promise<string[]> {
    const acknowledged: string[] = [];
    if (child.stdout === null) throw new Error('the child has no stdout');
    for await (const line of createInterface({ input: child.stdout })) {
      if (line !== 'open') acknowledged.push(line);
      if (acknowledged.length === count) child.kill('SIGKILL');
    }
    return acknowledged;
  }

  it('keeps every acknowledged command when killed in the middle, again and again', async () => {
    const acknowledged: string[] = [];
    for (const count of [1, 40, 200, 333]) {
      const child = spawn(process.execPath, [CHILD, file, '16', '1000000'], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exit = once(child, 'exit');
      acknowledged.push(...(await killAfter(child, count)));
      expect((await exit)[1]).toBe('SIGKILL');
      const stored = storedKeys();
      expect(acknowledged.filter((key) => !stored.has(key))).toEqual([]);
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(574);
  });

  it('waits for an fsync of the log before every acknowledgement', async () => {
    requireStrace();
    const trace = join(dir, 'trace');
    const strace = ['-f', '-o', trace, '-P', `${file}-wal`, '-e', 'trace=fsync,fdatasync'];
    await run('strace', [...strace, process.execPath, CHILD, file, '1', '12']);
    const syncs = readFileSync(trace, 'utf8').match(/f(data)?sync\(.*= 0/g) ?? [];
    expect(syncs.length).toBeGreaterThanOrEqual(12);
  });

  it('stops writing after one failed fsync, acknowledges nothing of that batch, and still reads', async () => {
    requireStrace();
    const inject = ['-f', '-o', '/dev/null', '-P', `${file}-wal`, '-e', 'inject=fsync,fdatasync:error=EIO:when=8'];
    const { stdout } = await run('strace', [...inject, process.execPath, CHILD, file, '1', '20']);
    const lines = stdout.trim().split('\n').slice(1);
    const acknowledged = lines.filter((line) => !line.startsWith('! ') && !line.startsWith('rows '));
    const refused = lines.filter((line) => line.startsWith('! '));
    expect(new Set(refused)).toEqual(new Set(['! StoreFatal']));
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(acknowledged.length + refused.length).toBe(20);
    expect(lines.slice(0, acknowledged.length)).toEqual(acknowledged);
    expect(lines.at(-1)).toBe(`rows ${acknowledged.length}`);
    const stored = storedKeys();
    expect(acknowledged.filter((key) => !stored.has(key))).toEqual([]);
  });

  it('rolls back and goes on when the disk is full', async () => {
    requireStrace();
    const inject = ['-f', '-o', '/dev/null', '-P', `${file}-wal`, '-e', 'inject=pwrite64:error=ENOSPC:when=20..23'];
    const { stdout } = await run('strace', [...inject, process.execPath, CHILD, file, '1', '20']);
    const lines = stdout.trim().split('\n').slice(1, -1);
    expect(new Set(lines.filter((line) => line.startsWith('! ')))).toEqual(new Set(['! StoreFull']));
    expect(lines.at(-1)).not.toMatch(/^!/);
    const acknowledged = lines.filter((line) => !line.startsWith('! '));
    const stored = storedKeys();
    expect(acknowledged.filter((key) => !stored.has(key))).toEqual([]);
  });
});
