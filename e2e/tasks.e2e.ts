import { expect, test } from 'vitest';
import {
  MailboxRecvReply,
  type Route,
  ROUTES,
  type ServiceName,
  SERVICES,
  type Task,
  TaskList,
  TASKS_PATH,
} from '@macronode/contracts';
import { ADMIN_TOKEN, codeOf } from './admin.ts';
import { Client, client, headerOf } from './client.ts';
import { unique } from './content.ts';
import { poll, until } from './poll.ts';
import { opsOf } from './target.ts';

/** How long a consumer waits for its message: longer than it takes to see it wait. */
const WAIT_MS = 20_000;
const SEEN_MS = 10_000;

/** Bounds of each service that a request can wait at, beside those every bus has. */
const BOUNDS: Readonly<Record<ServiceName, readonly string[]>> = {
  gateway: ['in-flight requests', 'http connections'],
  omnigate: ['requests judged'],
  index: ['store commands'],
  storage: ['upload slots', 'read slots'],
  mailbox: ['long polls', 'store commands'],
  registry: ['registry head', 'registry write', 'store commands'],
};
const BUS_BOUNDS = ['handler slots', 'parked handlers', 'client calls', 'stream credit', 'outgoing streams'];

/** Where the admin routes are turned off nobody is shown anything. */
async function tasksOf(service: ServiceName): Promise<readonly Task[]> {
  const all: Task[] = [];
  for (const url of opsOf(service)) {
    const reply = await new Client({ url, token: ADMIN_TOKEN }).send({ method: 'GET', path: TASKS_PATH });
    if (ADMIN_TOKEN === undefined) expect([reply.status, codeOf(reply)]).toEqual([403, 'forbidden']);
    if (ADMIN_TOKEN === undefined) continue;
    expect(reply.status).toBe(200);
    all.push(...TaskList.parse(reply.json()).tasks.filter((task) => task.service === service));
  }
  return all;
}

test('what a process is busy with is for whoever sends the admin token', async () => {
  const url = opsOf('gateway')[0] ?? '';
  const reply = await new Client({ url, token: 'not-the-token-of-this' }).send({ method: 'GET', path: TASKS_PATH });
  expect([reply.status, codeOf(reply)]).toEqual(ADMIN_TOKEN === undefined ? [403, 'forbidden'] : [401, 'unauthorized']);
  if (ADMIN_TOKEN !== undefined) expect(headerOf(reply, 'www-authenticate')).toBe('Bearer');
  expect((await client.send({ method: 'GET', path: TASKS_PATH })).status).toBe(404);
});

test('every service shows its bounds and those of its bus', async () => {
  for (const service of SERVICES) {
    const names = (await tasksOf(service)).map(({ name }) => name);
    const expected = ADMIN_TOKEN === undefined ? [] : [...BOUNDS[service], ...BUS_BOUNDS];
    expect(names, service).toEqual(expect.arrayContaining(expected));
  }
});

test('a request that waits is seen at every bound it holds, and gone after', async () => {
  if (ADMIN_TOKEN === undefined) return void (await tasksOf('gateway'));
  const post = ({ template }: Route, value: object) =>
    client.send({
      method: 'POST',
      path: template,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
  const topic = unique('tasks');
  const answer = post(ROUTES.mailboxRecv, { topic, wait_ms: WAIT_MS });
  const held = async (service: ServiceName, name: string): Promise<Task | undefined> =>
    (await tasksOf(service)).find((task) => task.name === name && task.held > 0);
  const seen = (service: ServiceName, name: string): Promise<Task> =>
    poll(() => held(service, name), { what: `${name} of ${service}`, deadlineMs: SEEN_MS });
  const route = `${ROUTES.mailboxRecv.method} ${ROUTES.mailboxRecv.template}`;
  expect(await seen('gateway', route)).toMatchObject({ kind: 'handler', waiting: 0 });
  await seen('gateway', 'in-flight requests');
  await seen('mailbox', 'parked handlers');
  expect((await seen('mailbox', 'long polls')).oldest_ms).toBeGreaterThan(0);
  await post(ROUTES.mailboxSend, { topic, idem_key: topic, payload_b64: '' });
  expect(MailboxRecvReply.parse((await answer).json()).messages).toHaveLength(1);
  await until(async () => (await held('gateway', route)) === undefined, { what: 'the end of the request' });
});
