import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AdminGuard } from './admin-guard.ts';
import { type AdminRoute, AdminRoutes, parseAdmin } from './admin-routes.ts';
import { OpsServer } from './ops-server.ts';
import { nodeReadiness } from './readiness.ts';

const TOKEN = 'a-token-of-some-length';
const THING: AdminRoute = { method: 'GET', template: '/admin/things/{thing}' };
const THINGS: AdminRoute = { method: 'POST', template: '/admin/things' };
const version = {
  service: 'b',
  version: '1',
  git_sha: 'dev',
  node: 'v24',
  profile: 'micronode',
  amnesia: true,
} as const;

let ops: OpsServer;
let routes: AdminRoutes;
beforeEach(async () => {
  ops = new OpsServer({ metrics: new MetricsRegistry(), version, readiness: () => nodeReadiness('b', []) });
  routes = new AdminRoutes(ops.routes, new AdminGuard(TOKEN), [THING, THINGS]);
  await ops.listen('127.0.0.1', 0);
});
afterEach(() => ops.close());

const ask = async (method: string, path: string, init: RequestInit = {}, token = TOKEN): Promise<[number, unknown]> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${ops.url}${path}`, { method, headers, ...init });
  return [response.status, await response.json()];
};

describe('the admin routes of a service', () => {
  it('say that it is starting until it has said how they answer', async () => {
    expect(await ask('GET', '/admin/things/a')).toMatchObject([503, { error: { code: 'unavailable' } }]);
    routes.answer(THING, ({ params, query }) => ({ params, query }));
    expect(await ask('GET', '/admin/things/a?b=c')).toEqual([200, { params: { thing: 'a' }, query: { b: 'c' } }]);
    expect(await ask('POST', '/admin/things', { body: '{}' })).toMatchObject([503, { error: { code: 'unavailable' } }]);
  });

  it('hand on what was sent, and answer the errors of the table', async () => {
    routes.answer(THINGS, ({ body }) => parseAdmin(z.strictObject({ n: z.int() }), body));
    expect(await ask('POST', '/admin/things', { body: '{"n":1}' })).toEqual([200, { n: 1 }]);
    expect(await ask('POST', '/admin/things', { body: '{"n":"1"}' })).toMatchObject([
      400,
      { error: { code: 'bad_request' } },
    ]);
  });

  it('ask for the admin token, before anything else', async () => {
    expect(await ask('GET', '/admin/things/a', {}, 'another')).toMatchObject([
      401,
      { error: { code: 'unauthorized' } },
    ]);
  });

  it('are those the service declares', () => {
    const undeclared: AdminRoute = { method: 'DELETE', template: THING.template };
    expect(() => routes.answer(undeclared, () => ({}))).toThrow('DELETE /admin/things/{thing}');
  });
});
