import { readFile } from 'node:fs/promises';
import { MetricsRegistry } from '@macronode/metrics';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bus } from '../bus.ts';
import { context, subject, topic } from '../conformance/conformance-world.ts';
import { RedisProcess, until } from './redis-fixture.ts';
import { RedisLink } from './redis-link.ts';
import { StreamKeys } from './stream-keys.ts';

const echo = subject('storage.echo');
const read = subject('storage.read', { stream: 'reply' });
const stored = topic('object.stored');
const heads = topic('registry.head');
const keys = new StreamKeys();

let redis: RedisProcess;
let admin: Redis;
const links: RedisLink[] = [];
const buses: Bus[] = [];

beforeEach(async () => {
  redis = await RedisProcess.start();
  admin = new Redis(redis.url);
});

afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
  await Promise.all(links.splice(0).map((link) => link.close()));
  admin.disconnect();
  await redis.dispose();
});

/** Makes the users of one block of the page; answers with their passwords. */
async function makeUsers(block: 'acl' | 'acl-per-service'): Promise<Map<string, string>> {
  const page = await readFile(new URL('../../OPERATIONS.md', import.meta.url), 'utf8');
  const rules = new RegExp(`\`\`\`${block}\n([^\`]*)\`\`\``).exec(page)?.[1]?.trim().split('\n') ?? [];
  const users = new Map<string, string>();
  for (const rule of rules) {
    const [, , user = '', ...rest] = rule.split(' ');
    await admin.call('ACL', 'SETUSER', user, ...rest);
    users.set(user, rest.find((word) => word.startsWith('>'))?.slice(1) ?? '');
  }
  // Nobody gets in without being one of them.
  await admin.call('ACL', 'SETUSER', 'observer', 'on', '>observe', '~*', '+@all');
  await admin.auth('observer', 'observe');
  await admin.call('ACL', 'SETUSER', 'default', 'off');
  return users;
}

function link(users: Map<string, string>, user: string, name: string): RedisLink {
  const url = redis.url.replace('redis://', `redis://${user}:${users.get(user) ?? ''}@`);
  const timings = { block: 300, reclaimMinIdle: 300, reclaimEvery: 100, reclaimIdleEvery: 100, janitorEvery: 100 };
  const made = new RedisLink({ url, name, timings: { ...timings, heartbeat: 100, inboxRenew: 100 } });
  links.push(made);
  return made;
}

async function bus(service: string, over: RedisLink): Promise<Bus> {
  const made = new Bus({
    service,
    link: over,
    ordered: service === 'storage',
    limits: { workAttempts: 1 },
    metrics: new MetricsRegistry().scope({ service }),
  });
  buses.push(made);
  await made.start();
  return made;
}

/** Calls, streams, work, a dead letter, hints, and a drain. */
async function everything(gateway: Bus, storage: Bus, publisher: Bus): Promise<void> {
  storage.serve(echo.name, (payload) => payload);
  storage.serve(read.name, (_payload, ctx) => ctx.stream('head', chunks()));
  await storage.start();
  const handled: unknown[] = [];
  await storage.onWork(stored.name, 'storage', (event) => {
    if (event === 'poison') throw new Error('cannot');
    handled.push(event);
  });
  const hints: unknown[] = [];
  await gateway.onHint(
    heads.name,
    (hint) => void hints.push(hint),
    () => undefined,
  );
  expect(await gateway.call(echo, 'hello', context())).toBe('hello');
  expect(await gateway.call(echo, 'in order', context({ orderKey: 'a' }))).toBe('in order');
  let bytes = 0;
  for await (const chunk of (await gateway.read(read, 'all', context())).body) bytes += chunk.length;
  expect(bytes).toBe(10 * 65_536);
  await storage.onOrderedWork(stored.name, 'storage', (event) => void handled.push(event));
  await storage.publishWork(stored, 'ordered', context({ orderKey: 'a' }));
  await until(() => handled.length === 1, 'ordered work is handled');
  for (const event of ['work', 'poison']) await storage.publishWork(stored, event, context());
  await until(() => handled.length === 2, 'work is handled');
  await until(async () => (await admin.xlen(keys.deadLetters('storage').stream)) === 1, 'the poison is put aside');
  await publisher.publishHint(heads, 'head', context());
  await until(() => hints.length === 1, 'the hint arrives');
  await storage.drain(2_000);
  await gateway.drain(2_000);
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 10; i++) yield new Uint8Array(65_536).fill(i);
}

const denials = async (): Promise<string[]> =>
  ((await admin.call('ACL', 'LOG')) as unknown[]).map((entry) => JSON.stringify(entry));

async function refused(users: Map<string, string>, user: string, command: string, ...args: string[]): Promise<void> {
  const client = new Redis(redis.url, { username: user, password: users.get(user) ?? '', maxRetriesPerRequest: 0 });
  try {
    await expect(client.call(command, ...args), `${user} may not ${command} ${args.join(' ')}`).rejects.toThrow(
      /NOPERM/,
    );
  } finally {
    client.disconnect();
  }
}

describe('the documented users', () => {
  it('are enough for a bus, and for nothing else', async () => {
    const users = await makeUsers('acl');
    const gateway = await bus('gateway', link(users, 'bus', 'gateway'));
    const storage = await bus('storage', link(users, 'bus', 'storage'));
    await everything(gateway, storage, storage);
    expect(await denials()).toEqual([]);
    await refused(users, 'bus', 'get', 'session:1');
    await refused(users, 'bus', 'keys', '*');
    await refused(users, 'bus', 'flushall');
    await refused(users, 'bus', 'config', 'get', 'requirepass');
  });

  it('let dead letters be looked at and sent again, and no more', async () => {
    const users = await makeUsers('acl');
    const storage = await bus('storage', link(users, 'bus', 'storage'));
    await storage.onWork(stored.name, 'storage', () => undefined);
    const operator = link(users, 'bus-dead-letters', 'operator');
    await operator.start();
    await operator.appendWork(stored.name, new Uint8Array(8), 1);
    const letters = keys.deadLetters('storage').stream;
    // An entry that is no frame: it is put aside at once.
    await until(async () => (await admin.xlen(letters)) === 1, 'it is put aside');
    const url = redis.url.replace('redis://', `redis://bus-dead-letters:${users.get('bus-dead-letters') ?? ''}@`);
    const client = new Redis(url);
    const [letter] = await client.xrange(letters, '-', '+');
    expect(await client.xdel(letters, letter?.[0] ?? '')).toBe(1);
    client.disconnect();
    expect(await denials()).toEqual([]);
    await refused(users, 'bus-dead-letters', 'xread', 'STREAMS', keys.inbox('gateway.1').stream, '0');
    await refused(users, 'bus-dead-letters', 'zadd', keys.request('storage', 'fast').live, '1', 'me');
  });

  it('may be one for each service', async () => {
    const users = await makeUsers('acl-per-service');
    const observer = link(new Map([['observer', 'observe']]), 'observer', 'registry');
    const registry = await bus('registry', observer);
    const gateway = await bus('gateway', link(users, 'bus-gateway', 'gateway'));
    const storage = await bus('storage', link(users, 'bus-storage', 'storage'));
    await everything(gateway, storage, registry);
    expect(await denials()).toEqual([]);
    await refused(users, 'bus-gateway', 'xadd', keys.request('mailbox', 'fast').stream, '*', 'f', 'x');
    await refused(users, 'bus-gateway', 'xadd', keys.hints('peer.scores').stream, '*', 'f', 'x');
    await refused(users, 'bus-gateway', 'get', keys.request('storage', 'fast').lease);
    await refused(users, 'bus-storage', 'xread', 'STREAMS', keys.inbox('mailbox.1').stream, '0');
  });
});
