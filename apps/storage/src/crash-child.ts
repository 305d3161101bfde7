import { randomBytes } from 'node:crypto';
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

/** A pipe is written to at once, so that no acknowledged line is lost in the buffers of a process that is killed. */
const print = (line: string): void => void process.stdout.write(`${line}\n`);

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
