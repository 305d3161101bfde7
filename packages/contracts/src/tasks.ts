import { z } from 'zod';

/** What a process is busy with now, on every ops port: GET with the admin token. */
export const TASKS_PATH = '/debug/tasks';

const ms = z.number().nonnegative().nullable();

/** One bounded thing: a semaphore, a queue, or the handlers of one subject, topic or route. */
export const Task = z.object({
  service: z.string(),
  kind: z.enum(['semaphore', 'queue', 'handler']),
  /** Never an id: the same thing has the same name at every reading. */
  name: z.string(),
  /** Places taken, entries in line, or runs under way. */
  held: z.number().nonnegative(),
  /** Null where another bound keeps it small. */
  bound: z.number().nonnegative().nullable(),
  /** What `held` and `bound` count. */
  unit: z.enum(['count', 'bytes']),
  /** How many wait for a place. */
  waiting: z.int().nonnegative(),
  /** Age in ms of what has been held, or been in line, longest; null when nothing is, or where ages are not kept. */
  oldest_ms: ms,
  /** Age in ms of who has waited longest for a place. */
  oldest_waiting_ms: ms,
});
export type Task = z.infer<typeof Task>;

export const TaskList = z.object({ tasks: z.array(Task) });
export type TaskList = z.infer<typeof TaskList>;
