import { MESH_SCORE_HEADER } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { gatewayMetrics } from '../metrics.ts';
import { stripScore } from './mesh-edge.ts';

it('takes a score off a request before anybody reads its headers, however it is spelled, and counts it', async () => {
  const registry = new MetricsRegistry();
  const http = Fastify();
  stripScore(http, registry.scope({ service: 'gateway' }).bind(gatewayMetrics).meshScoreStripped);
  http.get('/', ({ headers }) => headers);
  const seen = async (headers: Record<string, string>): Promise<object> =>
    (await http.inject({ method: 'GET', url: '/', headers })).json();
  for (const name of [MESH_SCORE_HEADER, 'X-Macronode-Mesh-Score']) {
    const headers = await seen({ [name]: '0.000', 'x-other': 'kept' });
    expect(headers).not.toHaveProperty(MESH_SCORE_HEADER);
    expect(headers).toHaveProperty('x-other', 'kept');
  }
  await seen({});
  expect(await registry.render()).toContain('gateway_mesh_score_stripped_total{service="gateway"} 2\n');
  await http.close();
});
