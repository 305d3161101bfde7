import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../bootstrap.mjs';
import { quantile } from './part.ts';

const PAGE_BYTES = 4_096;
const RUN_DIR = join(ROOT, '.run');

/** A folder of its own on the disk nodes of this checkout use, gone when it is disposed. Not the system's temporary folder: that may be memory. */
export function benchFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(RUN_DIR, 'bench-registry-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Median of one page appended and synced, in µs: what no durable commit is cheaper than. */
export function fsyncMicros(times: number): number {
  using folder = benchFolder();
  const file = openSync(join(folder.path, 'page'), 'w');
  const page = Buffer.alloc(PAGE_BYTES, 1);
  try {
    const took: number[] = [];
    for (let i = 0; i < times; i += 1) {
      writeSync(file, page);
      const from = performance.now();
      fdatasyncSync(file);
      took.push((performance.now() - from) * 1_000);
    }
    return quantile(took, 0.5);
  } finally {
    closeSync(file);
  }
}
