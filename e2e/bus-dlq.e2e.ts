import { expect, test } from 'vitest';
import { BusDeadLetterList, SERVICES } from '@macronode/contracts';
import { ADMIN_TOKEN, askAdmin, codeOf, dlq } from './admin.ts';
import { Client, headerOf } from './client.ts';
import { opsOf } from './target.ts';

test('no ops port answers an admin route without the token', async () => {
  for (const service of SERVICES) {
    for (const url of opsOf(service)) {
      const reply = await new Client({ url, token: 'not-the-token-of-this' }).send({
        method: 'GET',
        path: '/admin/bus/dlq',
      });
      expect([reply.status, codeOf(reply)]).toEqual(
        ADMIN_TOKEN === undefined ? [403, 'forbidden'] : [401, 'unauthorized'],
      );
      if (ADMIN_TOKEN !== undefined) expect(headerOf(reply, 'www-authenticate')).toBe('Bearer');
    }
  }
});

test('the admin routes are not on the public surface', async () => {
  const reply = await new Client({ token: ADMIN_TOKEN }).send({
    method: 'GET',
    path: '/admin/bus/dlq?service=mailbox',
  });
  expect([reply.status, codeOf(reply)]).toEqual([404, 'not_found']);
});

test('with the token dead letters are listed; where the routes are off nobody is let in', async () => {
  const list = await askAdmin('/admin/bus/dlq?service=mailbox');
  const ran = await dlq('list', '--service', 'mailbox');
  if (ADMIN_TOKEN === undefined) {
    expect([list.status, codeOf(list), ran.code]).toEqual([403, 'forbidden', 1]);
    return;
  }
  expect(BusDeadLetterList.parse(list.json())).toBeDefined();
  expect(ran.code, ran.err).toBe(0);
  for (const method of ['GET', 'DELETE']) {
    const reply = await askAdmin('/admin/bus/dlq/mailbox/1-0', method);
    expect([reply.status, codeOf(reply)]).toEqual([404, 'not_found']);
  }
  expect((await dlq('show', '1-0', '--service', 'mailbox')).code).toBe(3);
});
