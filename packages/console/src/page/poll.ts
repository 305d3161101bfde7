import { CONSOLE_LIMITS } from '../history/limits.ts';
import type { ConsoleState } from '../history/state.ts';

async function look(): Promise<ConsoleState> {
  const response = await fetch('console/state', {
    signal: AbortSignal.timeout(CONSOLE_LIMITS.lookTimeoutMs),
    cache: 'no-store',
  });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return (await response.json()) as ConsoleState;
}

export interface Watcher {
  answered(state: ConsoleState): void;
  /** Nobody answered; the time is that of this page. */
  missed(at: number): void;
}

/** Looks at the state again and again, for as long as the page is open. One look at a time. */
export async function watch(watcher: Watcher): Promise<never> {
  for (;;) {
    const started = performance.now();
    try {
      watcher.answered(await look());
    } catch {
      watcher.missed(Date.now());
    }
    const pause = Math.max(0, CONSOLE_LIMITS.lookIntervalMs - (performance.now() - started));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
