import { POLL_MS } from '../history/history.ts';
import type { ConsoleState } from '../history/state.ts';

/** A node that takes longer than this to say how it is, in ms, is shown as one that does not answer. */
const ANSWER_TIMEOUT_MS = 5_000;

async function look(): Promise<ConsoleState> {
  const response = await fetch('console/state', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS), cache: 'no-store' });
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
    const pause = Math.max(0, POLL_MS - (performance.now() - started));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
