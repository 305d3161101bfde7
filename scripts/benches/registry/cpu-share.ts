import { setTimeout as delay } from 'node:timers/promises';
import { residentBytesOf, watchCpu } from '../../measure/cpu.ts';

const WINDOW_MS = 250;
const MIB = 1024 ** 2;

export interface ProcessUse {
  /** Shares of one core, one a quarter of a second. */
  readonly shares: readonly number[];
  readonly residentMib: readonly number[];
}

/** Looks at a process until it is told to stop, which answers what it saw. */
export function watchProcess(pid: number): () => Promise<ProcessUse> {
  const shares: number[] = [];
  const residentMib: number[] = [];
  let over = false;
  const watching = (async () => {
    while (!over) {
      const from = performance.now();
      const end = watchCpu([{ name: 'watched', pid }]);
      await delay(WINDOW_MS);
      shares.push((end().micros['watched'] ?? 0) / 1_000 / (performance.now() - from));
      residentMib.push(residentBytesOf(pid) / MIB);
    }
  })();
  return async () => {
    over = true;
    await watching;
    return { shares, residentMib };
  };
}
