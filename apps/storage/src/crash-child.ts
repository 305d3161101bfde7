import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { MetricsRegistry } from '@macronode/metrics';
import { DiskObjectStore } from './disk-object.store.ts';
import { storageMetrics } from './metrics.ts';

/**
 * The process the crash and fault tests kill: `<root> <producers> <objects each>`. Writes objects of all sizes and
 * prints `<id> <size>` once each is acknowledged, or `! <code>` when it is refused.
 */
const [root = '', producers = '1', objects = '1'] = process.argv.slice(2);
const scope = new MetricsRegistry().scope({ service: 'storage' });
const store = await DiskObjectStore.open({ root, minFreeBytes: 0, metrics: scope.bind(storageMetrics), scope });
const PAUSE = new Int32Array(new SharedArrayBuffer(4));
const PAUSE_MS = 1;

/**
 * Synchronous, so that a line that was printed is not lost in this process's own buffers. A process with worker threads has
 * a stdout that does not block: while its reader is behind, the write is tried again.
 */
function print(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(PAUSE, 0, 0, PAUSE_MS);
    }
  }
}

const SIZES = [100, 20_000, 16_384, 70_000, 300_000];

async function produce(): Promise<void> {
  for (let n = 0; n < Number(objects); n++) {
    const draft = store.draft();
    try {
      await draft.write(randomBytes(SIZES[n % SIZES.length] ?? 1));
      const { id, size } = await draft.commit();
      print(`${id} ${size}`);
    } catch (error) {
      print(`! ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`);
    }
  }
}

print('open');
await Promise.all(Array.from({ length: Number(producers) }, produce));
await store.close();
