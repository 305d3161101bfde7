import type { FastifyInstance } from 'fastify';
import { readAssets } from './assets.ts';
import { Collector, type CollectorOptions } from './collector.ts';
import { PANELS } from './panels/index.ts';

/** The page runs its own files and talks to its own ops port; nothing else, and nobody may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export type ConsoleOptions = Pick<CollectorOptions, 'node' | 'self' | 'peers'>;

/** Adds `GET /console`, its files, and `GET /console/state` to an ops port. */
export function addConsole(routes: FastifyInstance, options: ConsoleOptions): void {
  const readings = PANELS.flatMap((panel) => panel.readings);
  const collector = new Collector({ ...options, readings });
  const files = readAssets();
  routes.get('/console/state', async (_request, reply) => reply.headers(HEADERS).send(await collector.state()));
  for (const [path, { type, body }] of files) {
    const route = path === 'index.html' ? '/console' : `/console/${path}`;
    routes.get(route, (_request, reply) => reply.headers(HEADERS).type(type).send(body));
  }
}
