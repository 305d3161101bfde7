import { LIMITS, MESH_SCORE_HEADER } from '@macronode/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, headerOf, refusal, type Reply } from './client.ts';
import { type MeshedGateway, meshedGateways, type MeshedPair } from './meshed-gateways.ts';
import { poll, until } from './poll.ts';

/** How soon the others know, by the promise. */
const KNOWN_WITHIN_MS = 2_000;
const NOTHING = `/o/b3:${'0'.repeat(64)}`;

let pair: MeshedPair;
beforeAll(async () => {
  pair = await meshedGateways();
});
afterAll(() => pair[Symbol.asyncDispose]());

const ask = ({ url }: MeshedGateway): Promise<Reply> => new Client({ url }).get(NOTHING);

/** The sum of all series of one name on an ops port, those of one label value only where one is given. */
async function metric({ ops }: MeshedGateway, name: string, label = ''): Promise<number> {
  const { text } = await new Client({ url: ops }).get('/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Floods a gateway with what nobody can read until it cuts us. Answers when that was seen. */
async function provoke(gateway: MeshedGateway): Promise<number> {
  const flooding = new Client({ url: gateway.url });
  return poll(
    async () => {
      await Promise.all(Array.from({ length: 64 }, () => flooding.get('/o/%zz')));
      const reply = await ask(gateway);
      if (reply.status !== 429) return undefined;
      expect(refusal(reply)).toMatchObject({ code: 'quota', reason: 'client_cut' });
      expect(Number(headerOf(reply, 'retry-after'))).toBeGreaterThan(0);
      expect(headerOf(reply, 'connection')).toBe('close');
      return performance.now();
    },
    { what: 'the flood to be cut', everyMs: 0 },
  );
}

test('two gateways find one another', async () => {
  for (const gateway of [pair.advised, pair.enforcing]) {
    await until(async () => (await metric(gateway, 'lean_gossip_mesh_peers')) === 1, { what: 'a peer in the mesh' });
  }
});

test('a client that is cut at one is known to the other within 2 s, and passes there by the word of one alone', async () => {
  expect(headerOf(await ask(pair.enforcing), MESH_SCORE_HEADER)).toBe('');
  const cutAt = await provoke(pair.advised);
  const score = await poll(async () => headerOf(await ask(pair.enforcing), MESH_SCORE_HEADER) || undefined, {
    what: 'the score at the other gateway',
  });
  const knownAfterMs = performance.now() - cutAt;
  process.stdout.write(`  known to the other gateway after ${Math.round(knownAfterMs)} ms, score ${score}\n`);
  expect(knownAfterMs).toBeLessThan(KNOWN_WITHIN_MS);
  expect(Number(score)).toBeGreaterThan(0.8);
  expect((await ask(pair.enforcing)).status).toBe(404);
  expect(await metric(pair.enforcing, 'mesh_quorum_decisions_total', 'decision="too_few_sources"')).toBe(1);
  expect(await metric(pair.enforcing, 'mesh_quorum_decisions_total', 'decision="deny"')).toBe(0);
});

test('it is refused once enough of them report it, only where that is turned on', async () => {
  await provoke(pair.enforcing);
  const reply = await poll(
    async () => {
      const answer = await ask(pair.enforcing);
      return answer.status === 429 ? undefined : answer;
    },
    { what: 'the end of the cut' },
  );
  expect(refusal(reply)).toMatchObject({ status: 403, code: 'forbidden', reason: 'mesh_score', retryable: false });
  expect(await metric(pair.enforcing, 'mesh_quorum_decisions_total', 'decision="deny"')).toBe(1);
  await until(async () => (await ask(pair.advised)).status === 404, { what: 'the first gateway to serve as ever' });
  expect(await metric(pair.advised, 'rejected_total', 'reason="mesh_score"')).toBe(0);
  for (const { ops } of [pair.advised, pair.enforcing]) {
    expect((await new Client({ url: ops }).get('/readyz')).status).toBe(200);
  }
});

test('both have told the other once, and believed it once', async () => {
  for (const gateway of [pair.advised, pair.enforcing]) {
    expect(await metric(gateway, 'mesh_claims_emitted_total')).toBe(1);
    expect(await metric(gateway, 'mesh_claims_received_total')).toBe(1);
    expect(await metric(gateway, 'gateway_client_cuts_total', 'reason="malformed_flood"')).toBe(1);
    expect(await metric(gateway, 'gateway_tracked_clients')).toBeLessThanOrEqual(LIMITS.gateway_clients.value);
  }
});
