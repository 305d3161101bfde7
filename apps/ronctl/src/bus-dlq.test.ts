import { expect, test } from 'vitest';
import type { Ran } from './command-run-fixture.ts';
import { EXIT } from './exit-codes.ts';
import { json, refuse, standIn } from './stand-in-fixture.ts';

const node = standIn();
const { ronctl, seen } = node;

const letter = {
  id: '1700000000000-0',
  service: 'mailbox',
  kind: 'work',
  name: 'orders.placed',
  lane: 'none',
  reason: 'max_deliveries',
  attempts: 5,
  consumer: 'mailbox.1',
  corr_id: 'c-1',
  traceparent: '',
  messages: 1,
  bytes: 3,
  at: '2023-11-14T22:13:20.000Z',
};

const dlq = (...args: string[]): Promise<Ran> =>
  ronctl(['--ops', node.url, '--token', 'an-admin-token-here', 'bus', 'dlq', ...args]);

test('bus dlq list shows the letters of a service and goes through the pages with --all', async () => {
  node.handler = (request, response) => {
    const { searchParams } = new URL(request.url ?? '', node.url);
    const second = searchParams.get('after') === letter.id;
    json(response, 200, {
      letters: [second ? { ...letter, id: '1700000000001-0' } : letter],
      next: second ? null : letter.id,
    });
  };
  const page = await dlq('list', '--service', 'mailbox', '--limit', '1');
  expect(page).toMatchObject({ exitCode: EXIT.ok });
  expect(page.out).toMatch(/1700000000000-0 .*max_deliveries .*work orders\.placed .*c-1/);
  expect(page.err).toContain(`--after ${letter.id}`);
  const all = await dlq('list', '--service', 'mailbox', '--limit', '1', '--all', '--json');
  expect((JSON.parse(all.out) as { letters: unknown[] }).letters).toHaveLength(2);
  expect(seen[0]).toMatchObject({
    method: 'GET',
    path: '/admin/bus/dlq?service=mailbox&limit=1',
    headers: { authorization: 'Bearer an-admin-token-here' },
  });
});

test('bus dlq show prints one letter with its bytes', async () => {
  const contents = [{ subject: 'orders.placed', corr_id: 'c-1', traceparent: '', bytes: 1 }];
  node.handler = (_request, response) => json(response, 200, { ...letter, contents, fault: null, entry_b64: 'AQID' });
  const ran = await dlq('show', letter.id, '--service', 'mailbox');
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(ran.out).toContain('AQID');
  expect(ran.out).toContain('orders.placed 1 bytes c-1');
  expect(seen[0]?.path).toBe(`/admin/bus/dlq/mailbox/${letter.id}`);
});

test('bus dlq replay and drop act on ids, or page by page on all', async () => {
  node.handler = (request, response) => {
    const more = seen.length === 1;
    if (request.method === 'DELETE') json(response, 200, { dropped: 1, more: false });
    else json(response, 200, { replayed: 2, more, retry_after_ms: null });
  };
  expect(await dlq('replay', '--service', 'mailbox', '--all', '--limit', '2')).toMatchObject({
    exitCode: EXIT.ok,
    out: '4 replayed\n',
  });
  expect(seen[0]?.path).toMatch(/^\/admin\/bus\/dlq\/mailbox\/replay\?limit=2&before=\d+$/);
  expect(seen[1]?.path).toBe(seen[0]?.path);
  const dropped = await dlq('drop', letter.id, '1700000000001-0', '--service', 'mailbox', '--json');
  expect(JSON.parse(dropped.out)).toEqual({ dropped: 2 });
  expect(seen.slice(2).map(({ method, path }) => `${method} ${path}`)).toEqual([
    `DELETE /admin/bus/dlq/mailbox/${letter.id}`,
    'DELETE /admin/bus/dlq/mailbox/1700000000001-0',
  ]);
});

test('bus dlq says what is missing: a service, a letter, a token, room', async () => {
  node.handler = (_request, response) => json(response, 200, { replayed: 3, more: true, retry_after_ms: 1_500 });
  expect((await dlq('list')).exitCode).toBe(EXIT.usage);
  expect((await dlq('replay', '--service', 'mailbox')).exitCode).toBe(EXIT.usage);
  expect((await dlq('drop', 'nonsense', '--service', 'mailbox')).exitCode).toBe(EXIT.usage);
  expect(seen).toHaveLength(0);
  const full = await dlq('replay', '--service', 'mailbox', '--all', '--json');
  expect(full.exitCode).toBe(EXIT.unavailable);
  expect(JSON.parse(full.err)).toMatchObject({ error: { code: 'busy', retry_after_ms: 1_500 } });
  node.handler = (_request, response) => refuse(response, 401, 'unauthorized');
  expect(await dlq('list', '--service', 'mailbox')).toMatchObject({ exitCode: EXIT.error });
  node.handler = (_request, response) => refuse(response, 404, 'not_found');
  expect((await dlq('show', letter.id, '--service', 'mailbox')).exitCode).toBe(EXIT.notFound);
});
