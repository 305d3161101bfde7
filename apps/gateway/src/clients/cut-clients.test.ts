import { ErrorEnvelope, LIMITS } from '@macronode/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { BootedGateway, JSON_TYPE, NOWHERE } from '../booted-gateway.ts';
import { RawClient } from '../raw-client.ts';

const REFUSALS = LIMITS.gateway_cut_refusals.value;
const BURST = 4;
const SHARE = { GATEWAY_CLIENT_RPS: '1', GATEWAY_CLIENT_BURST: String(BURST), GATEWAY_CUT_MS: '600000' };

let gateway: BootedGateway | undefined;
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});

async function start(env: Readonly<Record<string, string>>): Promise<BootedGateway> {
  gateway = new BootedGateway(env);
  await gateway.start();
  return gateway;
}

interface Seen {
  readonly status: number;
  readonly code: string;
  readonly reason: string | undefined;
  readonly retryAfter: number;
  readonly connection: string | null;
}

async function seen(response: Response): Promise<Seen> {
  const { headers, status } = response;
  const { code, reason } = ErrorEnvelope.parse(await response.json()).error;
  const [retryAfter, connection] = [Number(headers.get('retry-after')), headers.get('connection')];
  return { status, code, reason, retryAfter, connection };
}

const ask = async ({ call }: BootedGateway, path = `/o/${NOWHERE}`): Promise<Seen> => seen(await call(path));

const CUTS = 'gateway_client_cuts_total{service="gateway"}';
const cutsOf = async (node: BootedGateway): Promise<number> =>
  (await node.metric(CUTS.replace('}', ',reason="quota_storm"}'))) +
  (await node.metric(CUTS.replace('}', ',reason="malformed_flood"}')));

/** Sends, many at once, until the gateway has cut us: however slow this machine is, faster than it lets in. */
async function flood(node: BootedGateway, send: () => Promise<unknown>): Promise<void> {
  const sent: Promise<unknown>[] = [];
  const some = async (): Promise<number> => {
    const batch = Array.from({ length: REFUSALS }, send);
    sent.push(...batch);
    // Where refusals are held back, those of a batch that is cut midway are not waited for.
    await Promise.race([Promise.all(batch), expect.poll(() => cutsOf(node), { timeout: 20_000 }).toBe(1)]);
    return cutsOf(node);
  };
  await expect.poll(some, { timeout: 25_000, interval: 0 }).toBe(1);
  await Promise.all(sent);
}

const rejected = (node: BootedGateway, reason: string): Promise<number> =>
  node.metric(`rejected_total{service="gateway",reason="${reason}"}`);

describe('a client over its share', () => {
  it('is refused with 429 and Retry-After on a connection it keeps', async () => {
    const node = await start(SHARE);
    const answers = await Promise.all(Array.from({ length: BURST + 8 }, () => ask(node)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const each of refused) {
      expect(each).toEqual({
        status: 429,
        code: 'quota',
        reason: 'client_rate',
        retryAfter: 1,
        connection: 'keep-alive',
      });
    }
    expect(await rejected(node, 'client_rate')).toBe(refused.length);
    expect(await node.metric('gateway_tracked_clients{service="gateway"}')).toBe(1);
  });

  it('is cut when it goes on: every answer closes its connection and says how long', async () => {
    const node = await start(SHARE);
    await flood(node, () => ask(node));
    const cut = await ask(node);
    expect(cut).toMatchObject({ status: 429, code: 'quota', reason: 'client_cut', connection: 'close' });
    expect(cut.retryAfter).toBeGreaterThan(1);
    expect(await cutsOf(node)).toBe(1);
    expect(await rejected(node, 'client_cut')).toBeGreaterThan(1);
    // Its ops port is another matter.
    expect((await node.ops('/readyz')).status).toBe(200);
  });

  it('is not refused at all with the settings a node comes with, nor with QUOTAS=false', async () => {
    for (const env of [{}, { ...SHARE, QUOTAS: 'false' }]) {
      const node = await start(env);
      for (let n = 0; n < BURST + REFUSALS + 1; n += 1) expect((await ask(node)).status).toBe(404);
      expect(await node.metric('gateway_tracked_clients{service="gateway"}')).toBe(0);
      await node.close();
    }
  });
});

describe('what nobody can read', () => {
  const MALFORMED = { GATEWAY_CLIENT_MALFORMED_RPS: '1', GATEWAY_CUT_MS: '600000' };
  async function cutBy(node: BootedGateway, send: () => Promise<number>, status: number): Promise<void> {
    expect((await node.call(`/o/${NOWHERE}`)).status).toBe(404);
    expect(await send()).toBe(status);
    await flood(node, send);
    expect(await node.metric(CUTS.replace('}', ',reason="malformed_flood"}'))).toBe(1);
    expect(await ask(node)).toMatchObject({ status: 429, reason: 'client_cut' });
  }

  it('cuts whoever floods the routes with it', async () => {
    const node = await start(MALFORMED);
    const body = '{"topic"';
    await cutBy(
      node,
      async () => (await node.call('/mailbox/send', { method: 'POST', body, headers: JSON_TYPE })).status,
      400,
    );
  });

  it('cuts whoever floods the router with it', async () => {
    const node = await start(MALFORMED);
    await cutBy(node, async () => (await node.call('/o/%zz')).status, 400);
  });

  const raw = async (node: BootedGateway, text: string): Promise<number> => {
    using client = new RawClient(node.url);
    client.send(text);
    return (await client.answer()).status;
  };

  it('cuts whoever floods the parser with it', async () => {
    const node = await start(MALFORMED);
    await cutBy(node, () => raw(node, 'this is not HTTP'), 400);
  });

  it('cuts whoever floods it with headers that are too large', async () => {
    const node = await start(MALFORMED);
    const header = `x: ${'y'.repeat(LIMITS.header_bytes.value)}`;
    await cutBy(node, () => raw(node, `GET / HTTP/1.1\r\nhost: x\r\n${header}`), 431);
  });
});

describe('a tarpit', () => {
  it('holds the refusals of a cut client back, and sends them in the end', async () => {
    const node = await start({ ...SHARE, GATEWAY_TARPIT_MS: '5000' });
    await flood(node, () => ask(node));
    const answers: Promise<Seen>[] = [];
    const held = (): Promise<number> => {
      answers.push(ask(node));
      return node.metric('gateway_tarpit_held_answers{service="gateway"}');
    };
    await expect.poll(held, { timeout: 20_000 }).toBeGreaterThan(0);
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ status: 429, reason: 'client_cut', connection: 'close' });
    }
  });
});

it('takes the score a client brings off its requests, the mesh on or off', async () => {
  const node = await start({});
  const response = await node.call(`/o/${NOWHERE}`, { headers: { 'x-macronode-mesh-score': '0.000' } });
  expect(response.headers.has('x-macronode-mesh-score')).toBe(false);
  expect(await node.metric('gateway_mesh_score_stripped_total{service="gateway"}')).toBe(1);
});
