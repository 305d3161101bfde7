import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hashBytes } from '@macronode/content';
import { siblingModule } from '@macronode/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskObjectStore } from './disk-object.store.ts';
import { get, testScope } from './object.store.conformance.ts';

const CHILD = fileURLToPath(siblingModule('./crash-child', import.meta.url));
const run = promisify(execFile);

/** Fault injection needs strace: a machine without it has not run this test, so the test fails. */
function requireStrace(): void {
  if (spawnSync('strace', ['-V']).status !== 0) throw new Error('this test needs strace on the PATH: install strace');
}

describe('a storage that loses its process or its disk', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'macronode-crash-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  async function expectAllReadable(acknowledged: readonly string[]): Promise<void> {
    const { scope, metrics, registry } = testScope();
    const store = await DiskObjectStore.open({ root, minFreeBytes: 0, metrics, scope });
    await store.reconciled();
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
    for (const line of acknowledged) {
      const [id = '', size = ''] = line.split(' ');
      const bytes = await get(store, id);
      expect(bytes.length, id).toBe(Number(size));
      expect(hashBytes(bytes), id).toBe(id);
    }
    expect(await registry.render()).not.toMatch(/action="dropped"[^}]*\} [1-9]/);
    await store.close();
  }

  it('keeps every acknowledged object when killed in the middle, again and again', async () => {
    const acknowledged: string[] = [];
    for (const count of [1, 20, 45, 60]) {
      const child = spawn(process.execPath, [CHILD, root, '8', '1000000'], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exit = once(child, 'exit');
      let seen = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        if (line === 'open') continue;
        acknowledged.push(line);
        seen += 1;
        if (seen === count) child.kill('SIGKILL');
      }
      expect((await exit)[1]).toBe('SIGKILL');
      await expectAllReadable(acknowledged);
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(126);
  });

  it('syncs the file, names it, syncs the folder, and only then the row', async () => {
    requireStrace();
    const trace = join(root, '..', `trace-${process.pid}`);
    const calls = 'trace=fsync,fdatasync,rename,renameat,renameat2,openat,unlink';
    try {
      await run('strace', ['-f', '-y', '-o', trace, '-e', calls, process.execPath, CHILD, root, '1', '2']);
      // The second object of the child is the first with a file.
      const lines = readFileSync(trace, 'utf8')
        .split('\n')
        .filter((line) => line.includes(root))
        .map((line) => line.replaceAll(root, ''));
      const created = lines.findIndex((line) => /openat\(.*"\/tmp\/.*O_EXCL/.test(line));
      const steps = lines
        .slice(created)
        .map((line) => {
          if (/f(data)?sync\(\d+<\/tmp\//.test(line)) return 'sync file';
          if (/rename[^(]*\(.*"\/tmp\/.*"\/objects\//.test(line)) return 'rename';
          if (/f(data)?sync\(\d+<\/objects\/..\/..>/.test(line)) return 'sync folder';
          if (/f(data)?sync\(\d+<\/meta\.db-wal>/.test(line)) return 'sync row';
          return undefined;
        })
        .filter((step) => step !== undefined);
      expect(steps.slice(0, 4)).toEqual(['sync file', 'rename', 'sync folder', 'sync row']);
    } finally {
      rmSync(trace, { force: true });
    }
  });

  it.each([
    ['EIO', 'unavailable'],
    ['ENOSPC', 'no_space'],
  ])('acknowledges no object whose file could not be synced: %s is %s', async (errno, code) => {
    requireStrace();
    const inject = ['-f', '-o', '/dev/null', '-e', `inject=fsync:error=${errno}:when=12`];
    const { stdout } = await run('strace', [...inject, process.execPath, CHILD, root, '1', '20']);
    const lines = stdout.trim().split('\n').slice(1);
    const refused = lines.filter((line) => line.startsWith('! '));
    expect(refused).toContain(`! ${code}`);
    await expectAllReadable(lines.filter((line) => !line.startsWith('! ')));
  });
});
