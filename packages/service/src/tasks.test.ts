import { ErrorEnvelope, TaskList, TASKS_PATH } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, expect, test } from 'vitest';
import { AdminGuard } from './admin-guard.ts';
import { OpsServer } from './ops-server.ts';
import { nodeReadiness } from './readiness.ts';
import { addTasks } from './tasks.ts';

const TOKEN = 'a-token-of-some-length';
const version = {
  service: 'b',
  version: '1',
  git_sha: 'dev',
  node: 'v24',
  profile: 'macronode',
  amnesia: true,
} as const;
let ops: OpsServer | undefined;
afterEach(() => ops?.close());

async function start(token: string | undefined) {
  const metrics = new MetricsRegistry();
  ops = new OpsServer({ metrics, version, readiness: () => nodeReadiness('b', []) });
  addTasks(ops.routes, { metrics, guard: new AdminGuard(token) });
  await ops.listen('127.0.0.1', 0);
  const { url } = ops;
  const ask = async (sent?: string) => {
    const response = await fetch(`${url}${TASKS_PATH}`, {
      headers: sent === undefined ? {} : { authorization: `Bearer ${sent}` },
    });
    return { status: response.status, body: await response.json() };
  };
  return { metrics, ask };
}

test('tasks are for whoever sends the admin token, and turned off without one', async () => {
  const off = await (await start(undefined)).ask(TOKEN);
  expect([off.status, ErrorEnvelope.parse(off.body).error.reason]).toEqual([403, 'admin_off']);
  await ops?.close();
  const { ask } = await start(TOKEN);
  expect((await ask()).status).toBe(401);
  expect((await ask('another-token-of-some-length')).status).toBe(401);
  expect(await ask(TOKEN)).toEqual({ status: 200, body: { tasks: [] } });
});

test('a task says what is not known as null', async () => {
  const { metrics, ask } = await start(TOKEN);
  const scope = metrics.scope({ service: 'index' });
  scope.occupied(() => [
    { kind: 'queue', name: 'commands', held: 2 },
    {
      kind: 'semaphore',
      name: 'credit',
      held: 3,
      bound: 4,
      unit: 'bytes',
      waiting: 1,
      oldestMs: 5,
      oldestWaitingMs: 6,
    },
  ]);
  expect(TaskList.parse((await ask(TOKEN)).body).tasks).toEqual([
    {
      ...{ service: 'index', kind: 'queue', name: 'commands', held: 2, bound: null, unit: 'count' },
      ...{ waiting: 0, oldest_ms: null, oldest_waiting_ms: null },
    },
    {
      ...{ service: 'index', kind: 'semaphore', name: 'credit', held: 3, bound: 4, unit: 'bytes' },
      ...{ waiting: 1, oldest_ms: 5, oldest_waiting_ms: 6 },
    },
  ]);
});
