import type { Command } from 'commander';
import { type Task, TaskList, TASKS_PATH } from '@macronode/contracts';
import { NodeClient } from './node-client.ts';
import { paint, print, table, type Terminal } from './terminal.ts';

const DEFAULT_OPS_URL = 'http://127.0.0.1:9080';
/** A bound this full is worth a look. */
const FULL_SHARE = 0.8;
const MS_PER_SECOND = 1_000;
const KIB = 1_024;

interface Options {
  readonly token?: string;
  readonly timeout: number;
  readonly json: boolean;
  readonly ops: readonly string[];
  readonly all: boolean;
}

const isBusy = ({ held, waiting }: Task): boolean => held > 0 || waiting > 0;

/** Who waits first, then what has been going on longest. */
const byUrgency = (a: Task, b: Task): number =>
  (b.oldest_waiting_ms ?? 0) - (a.oldest_waiting_ms ?? 0) || (b.oldest_ms ?? 0) - (a.oldest_ms ?? 0);

function age(ms: number | null): string {
  if (ms === null) return '-';
  return ms < MS_PER_SECOND ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / MS_PER_SECOND).toFixed(1)} s`;
}

const amount = (value: number, unit: Task['unit']): string =>
  unit === 'bytes' ? `${Math.ceil(value / KIB)} KiB` : String(value);

/** Rows for people: what it is, how full, who waits, and since when. */
const taskRows = (tasks: readonly Task[]): string[][] => [
  ['SERVICE', 'KIND', 'NAME', 'HELD', 'BOUND', 'OLDEST', 'WAITING', 'WAITS SINCE'],
  ...[...tasks]
    .sort(byUrgency)
    .map(({ service, kind, name, held, bound, unit, waiting, oldest_ms, oldest_waiting_ms }) => [
      service,
      kind,
      name,
      amount(held, unit),
      bound === null ? '-' : amount(bound, unit),
      age(oldest_ms),
      String(waiting),
      age(oldest_waiting_ms),
    ]),
];

async function readTasks(options: Options, terminal: Terminal): Promise<readonly Task[]> {
  const token = options.token ?? terminal.env['RONCTL_TOKEN'];
  const urls = options.ops.length > 0 ? options.ops : [DEFAULT_OPS_URL];
  const answers = urls.map(async (url) => {
    const client = new NodeClient({
      url,
      timeoutMs: options.timeout,
      signal: terminal.signal,
      ...(token === undefined || token === '' ? {} : { token }),
    });
    return (await client.json({ method: 'GET', path: TASKS_PATH }, TaskList)).value.tasks;
  });
  return (await Promise.all(answers)).flat();
}

/** `tasks`: what processes are busy with, over their ops ports. */
export function addTasksCommand(program: Command, terminal: Terminal): void {
  program
    .command('tasks')
    .description('semaphores, queues and running handlers, over ops ports (--ops); asks for the admin token')
    .option('--all', 'those that are empty too', false)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const tasks = await readTasks(options, terminal);
      const shown = options.all ? tasks : tasks.filter(isBusy);
      print(terminal, options.json, { tasks: shown }, () => {
        if (shown.length === 0) return ['nothing is held, queued or running (--all lists every bound)'];
        const isFull = new Set(
          shown.filter(({ held, bound }) => bound !== null && held >= FULL_SHARE * bound).map(({ name }) => name),
        );
        return table(taskRows(shown), (cell, column) =>
          column === 2 && isFull.has(cell) ? paint(terminal, 'yellow', cell) : cell,
        );
      });
    });
}
