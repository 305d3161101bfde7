import { Readiness, Version } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { OpsServer } from './ops-server.ts';
import { nodeReadiness, ReadinessRegistry } from './readiness.ts';

const version = {
  service: 'storage',
  version: '1.0.0',
  git_sha: 'dev',
  node: 'v24',
  profile: 'macronode',
  amnesia: true,
} as const;
let ops: OpsServer | undefined;
afterEach(() => ops?.close());

async function start() {
  const registry = new ReadinessRegistry('storage');
  const metrics = new MetricsRegistry();
  ops = new OpsServer({ metrics, version, readiness: () => nodeReadiness('storage', [registry]) });
  await ops.listen('127.0.0.1', 0);
  const { url } = ops;
  return { registry, get: (path: string) => fetch(`${url}${path}`) };
}

describe('the ops port', () => {
  it('is healthy while it answers, ready or not', async () => {
    const { get } = await start();
    expect((await get('/healthz')).status).toBe(200);
  });

  it('answers 503 with Retry-After until ready, then 200', async () => {
    const { registry, get } = await start();
    const before = await get('/readyz');
    expect(before.status).toBe(503);
    expect(before.headers.get('retry-after')).toBe('1');
    expect(Readiness.parse(await before.json()).missing).toEqual(['starting']);
    registry.setServing();
    registry.close();
    const after = await get('/readyz');
    expect(after.status).toBe(200);
    expect(after.headers.get('retry-after')).toBeNull();
    expect(Readiness.parse(await after.json())).toMatchObject({ ready: true, retry_after: null });
    registry.setDraining();
    expect((await get('/readyz')).status).toBe(503);
  });

  it('tells its version and its metrics', async () => {
    const { get } = await start();
    expect(Version.parse(await (await get('/version')).json())).toEqual(version);
    const scrape = await get('/metrics');
    expect(scrape.headers.get('content-type')).toContain('version=0.0.4');
    expect(await scrape.text()).toContain('metrics_misuses_total 0');
  });

  it('answers anything else with the envelope', async () => {
    const { get } = await start();
    const answer = await get('/o/x');
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: 'not_found' } });
  });
});
