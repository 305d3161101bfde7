import { readFileSync } from 'node:fs';
import { LIMITS, MESH_SCORE_HEADER, readMeshMetadata } from '@macronode/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BootedGateway, JSON_TYPE, sample } from '../booted-gateway.ts';
import { MeshFolder, startMesh } from './mesh-folder-fixture.ts';

const CLIENT = '127.0.0.1';
const SHARE = { GATEWAY_CLIENT_RPS: '1', GATEWAY_CLIENT_BURST: '1', GATEWAY_CUT_MS: '600000' };
const QUICK = { timeout: 15_000, interval: 10 };

const folder = new MeshFolder('a', 'b');
let cutting: BootedGateway;
let other: BootedGateway;

beforeAll(async () => {
  const audit = { MESH_AUDIT: folder.file('audit.log'), AUDIT_HMAC_KEY: 'k'.repeat(32) };
  const envs = {
    a: SHARE,
    b: { ...audit, MESH_SCORE_HEADER: 'storage,index', MESH_ENFORCE: 'true', MESH_DENY_ABOVE: '500' },
  };
  [cutting, other] = (await startMesh(folder, envs)) as [BootedGateway, BootedGateway];
});
afterAll(async () => {
  await other.close();
  await cutting.close();
  folder[Symbol.dispose]();
});

const standing = async (gateway: BootedGateway): Promise<unknown> =>
  (await gateway.admin('GET', `/admin/mesh/standings/${CLIENT}`))[1];
const decisions = (decision: string): Promise<number> =>
  other.metric(`mesh_quorum_decisions_total{service="gateway",decision="${decision}"}`);

/** The score the mailbox's frame of a request carries. */
async function scoreInFrame(headers: Record<string, string> = {}): Promise<unknown> {
  let metadata: Readonly<Record<string, string>> = {};
  other.omnigate.mailbox = (_payload, context) => {
    metadata = context.metadata;
    return { messages: [] };
  };
  const body = JSON.stringify({ topic: 't' });
  const response = await other.call('/mailbox/recv', { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } });
  expect(response.status).toBe(200);
  expect(response.headers.has(MESH_SCORE_HEADER)).toBe(false);
  return readMeshMetadata(metadata);
}

describe('two gateways of one mesh', () => {
  it('find one another, and say so', async () => {
    for (const [gateway, peer] of [
      [cutting, 'b'],
      [other, 'a'],
    ] as const) {
      const peers = async (): Promise<unknown> => (await gateway.admin('GET', '/admin/mesh/peers'))[1];
      await expect.poll(peers, QUICK).toMatchObject({ peers: [{ client: peer, meshed: true }] });
      const [status, shown] = await gateway.admin('GET', '/admin/mesh');
      expect(status).toBe(200);
      expect(shown).toMatchObject({ enabled: true, running: true, counts: { connected_peers: 1, meshed_peers: 1 } });
      expect(await gateway.metric('lean_gossip_mesh_running{service="gateway"}')).toBe(1);
      expect((await gateway.ops('/readyz')).status).toBe(200);
    }
  });

  it('know nothing of a client that behaves', async () => {
    expect(await standing(other)).toEqual({ address: CLIENT, standing: null, verdict: 'pass' });
    expect(await scoreInFrame()).toBeUndefined();
    expect(await scoreInFrame({ [MESH_SCORE_HEADER]: '0.000' })).toBeUndefined();
    expect(await other.metric('mesh_score_lookups_total{service="gateway"}')).toBe(0);
  });

  it('tell one another of a client that is cut, once', async () => {
    const storm = async (): Promise<number> => {
      const { value } = LIMITS.gateway_cut_refusals;
      const answers = await Promise.all(Array.from({ length: value }, () => cutting.call('/o/none')));
      await Promise.all(answers.map((answer) => answer.arrayBuffer()));
      return cutting.metric('gateway_client_cuts_total{service="gateway",reason="quota_storm"}');
    };
    await expect.poll(storm, QUICK).toBe(1);
    const known = { address: CLIENT, standing: { score: 0.8, sources: 1 }, verdict: 'too_few_sources' };
    await expect.poll(() => standing(other), QUICK).toMatchObject({ address: CLIENT, standing: { sources: 1 } });
    expect(await standing(other)).toMatchObject({ verdict: known.verdict });
    const [, claims] = await other.admin('GET', `/admin/mesh/claims?subject=${CLIENT}`);
    expect(claims).toMatchObject({
      claims: [{ kind: 'rate_saturation', subject: CLIENT, client: 'a', score: 0.8, reason: 'quota_storm' }],
    });
    expect(await cutting.metric('mesh_claims_emitted_total{service="gateway"}')).toBe(1);
    expect(await other.metric('mesh_claims_received_total{service="gateway"}')).toBe(1);
  });

  it('hand the score on in the frames, and tell it in the answers of services that are opted in', async () => {
    const id = await other.put(sample(10));
    const read = await other.call(`/o/${id}`);
    expect(Number(read.headers.get(MESH_SCORE_HEADER))).toBeGreaterThan(0.7);
    const named = await other.call(`/names/${other.publish('known', id)}`);
    expect(named.headers.get(MESH_SCORE_HEADER)).toMatch(/^0\.\d{3}$/);
    expect(await scoreInFrame({ [MESH_SCORE_HEADER]: '0.000' })).toMatchObject({ sources: 1 });
    expect((await other.call('/openapi.json')).headers.has(MESH_SCORE_HEADER)).toBe(false);
    expect(await other.metric('mesh_score_lookups_total{service="gateway"}')).toBeGreaterThan(3);
  });

  it('let a client pass whom only one of them reports, and count that once', async () => {
    expect(await decisions('too_few_sources')).toBe(1);
    expect(await decisions('deny')).toBe(0);
  });

  it('refuse one that enough of them report, where that is turned on, and let it in again', async () => {
    const draft = { kind: 'waf_reputation', subject: CLIENT, score: 0.9, ttl_s: 60 };
    expect(await other.admin('POST', '/admin/mesh/claims', draft)).toEqual([
      200,
      { kind: 'waf_reputation', subject: CLIENT },
    ]);
    const status = async (): Promise<number> => (await other.call('/openapi.json')).status;
    await expect.poll(status, QUICK).toBe(403);
    expect(await (await other.call('/openapi.json')).json()).toMatchObject({
      error: { code: 'forbidden', reason: 'mesh_score', retryable: false },
    });
    expect(await standing(other)).toMatchObject({ standing: { sources: 2 }, verdict: 'deny' });
    expect(await decisions('deny')).toBe(1);
    expect(await other.metric('rejected_total{service="gateway",reason="mesh_score"}')).toBeGreaterThan(1);
    // The first of them has the same word of both, and refuses for its own reasons only.
    await expect.poll(() => standing(cutting), QUICK).toMatchObject({ standing: { sources: 2 }, verdict: 'pass' });
    expect((await other.ops('/readyz')).status).toBe(200);
    expect(await other.admin('DELETE', `/admin/mesh/claims/waf_reputation/${CLIENT}`)).toMatchObject([200, {}]);
    await expect.poll(status, QUICK).toBe(200);
    expect(await decisions('deny')).toBe(1);
    expect(await decisions('too_few_sources')).toBe(2);
  });

  it('write down what was said and decided, where that is turned on', async () => {
    const kinds = (): string[] =>
      readFileSync(folder.file('audit.log'), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { kind: string }).kind);
    for (const kind of ['mesh_peer_joined', 'mesh_receive', 'mesh_publish', 'mesh_quorum_decision']) {
      await expect.poll(kinds, QUICK).toContain(kind);
    }
  });

  it('believe nobody who is on the list no more', async () => {
    folder.believe('b');
    expect(await other.admin('POST', '/admin/mesh/reload')).toEqual([
      200,
      { result: 'loaded', nodes: 1, problem: null },
    ]);
    const peers = async (): Promise<unknown> => (await other.admin('GET', '/admin/mesh/peers'))[1];
    await expect.poll(peers, QUICK).toEqual({ peers: [] });
    folder.believe('a', 'b');
    process.emit('SIGHUP');
    await expect.poll(peers, QUICK).toMatchObject({ peers: [{ client: 'a' }] });
  });

  it.each([
    ['GET', '/admin/mesh/standings/nobody', undefined, 'bad_request'],
    ['GET', '/admin/mesh/claims?limit=0', undefined, 'bad_request'],
    ['DELETE', '/admin/mesh/claims/no_kind/127.0.0.1', undefined, 'bad_request'],
    ['POST', '/admin/mesh/claims', { kind: 'waf_reputation', subject: 'x', score: 1 }, 'schema'],
    ['POST', '/admin/mesh/claims', { kind: 'waf_reputation', subject: CLIENT, score: 2 }, 'schema'],
  ])('refuse %s %s %o', async (method, path, body, code) => {
    expect(await other.admin(method, path, body)).toMatchObject([400, { error: { code } }]);
  });
});
