// What is held, queued and running in a process while it is under load, asked for again and again.
import { setTimeout as delay } from 'node:timers/promises';
import { type Task, TaskList, TASKS_PATH } from '@macronode/contracts';

const INTERVAL_MS = 250;
const TIMEOUT_MS = 2_000;

/** One bounded thing over a run: the most that was seen of each. */
export type PeakTask = Task;

const most = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b));

const keyOf = ({ service, kind, name }: Task): string => `${service} ${kind} ${name}`;

/** The peaks of several readings, those who waited longest first. Pure. */
export function peaks(readings: readonly (readonly Task[])[]): readonly PeakTask[] {
  const found = new Map<string, PeakTask>();
  for (const task of readings.flat()) {
    const seen = found.get(keyOf(task)) ?? task;
    found.set(keyOf(task), {
      ...task,
      held: Math.max(seen.held, task.held),
      waiting: Math.max(seen.waiting, task.waiting),
      oldest_ms: most(seen.oldest_ms, task.oldest_ms),
      oldest_waiting_ms: most(seen.oldest_waiting_ms, task.oldest_waiting_ms),
    });
  }
  return [...found.values()].sort(
    (a, b) => (b.oldest_waiting_ms ?? 0) - (a.oldest_waiting_ms ?? 0) || (b.oldest_ms ?? 0) - (a.oldest_ms ?? 0),
  );
}

async function readTasks(ops: string, token: string): Promise<readonly Task[]> {
  const response = await fetch(`${ops}${TASKS_PATH}`, {
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${ops}${TASKS_PATH} answered ${response.status}`);
  return TaskList.parse(await response.json()).tasks;
}

/** Reads until `stop`; answers every reading. Rejects when the process cannot be read. */
export function watchTasks(ops: string, token: string): { stop(): Promise<readonly (readonly Task[])[]> } {
  let over = false;
  const readings: (readonly Task[])[] = [];
  const reading = (async (): Promise<void> => {
    while (!over) {
      readings.push(await readTasks(ops, token));
      await delay(INTERVAL_MS);
    }
  })();
  // It is awaited by stop, which comes later.
  reading.catch(() => undefined);
  return {
    stop: async () => {
      over = true;
      await reading;
      return readings;
    },
  };
}
