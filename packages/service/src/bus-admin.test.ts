import { type Consumer, type Delivery, InProcessLink } from '@macronode/bus';
import {
  BusDeadLetterList,
  BusDeadLetterShown,
  BusDeadLettersDropped,
  BusDeadLettersReplayed,
  ErrorEnvelope,
} from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { AdminGuard } from './admin-guard.ts';
import { addBusAdmin } from './bus-admin.ts';
import { createLogger } from './logging.ts';
import { OpsServer } from './ops-server.ts';
import { nodeReadiness } from './readiness.ts';

const TOKEN = 'a-token-of-some-length';
const version = {
  service: 'b',
  version: '1',
  git_sha: 'dev',
  node: 'v24',
  profile: 'micronode',
  amnesia: true,
} as const;
let ops: OpsServer | undefined;
let link: InProcessLink;
afterEach(async () => {
  await ops?.close();
  await link.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function start(token: string | undefined, maxFrames = 100) {
  link = new InProcessLink({ bounds: { maxFrames, maxBytes: 1024 * 1024 } });
  await link.start();
  ops = new OpsServer({ metrics: new MetricsRegistry(), version, readiness: () => nodeReadiness('b', []) });
  addBusAdmin(ops.routes, { link, guard: new AdminGuard(token), services: ['b'], log: createLogger('silent', {}) });
  await ops.listen('127.0.0.1', 0);
  const { url } = ops;
  return async (method: string, path: string, sent: string | undefined = TOKEN): Promise<Answer> => {
    const headers = sent === undefined ? {} : { authorization: `Bearer ${sent}` };
    const response = await fetch(`${url}/admin/bus/dlq${path}`, { method, headers });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
}

/** Puts requests of `b` aside, each a byte of its own. */
async function bury(count: number): Promise<Consumer> {
  const deliveries: Delivery[] = [];
  const consumer = await link.consumeRequests('b', 'fast', 'b.1', {
    credits: () => 100,
    onDelivery: (each) => deliveries.push(each),
  });
  for (let n = 0; n < count; n += 1) await link.appendRequest('b', 'fast', Uint8Array.of(0xff, n), 1);
  await expect.poll(() => deliveries.length).toBe(count);
  for (const each of deliveries) await consumer.deadLetter(each, 'malformed');
  return consumer;
}

const codeOf = ({ body }: Answer): string => ErrorEnvelope.parse(body).error.code;

describe('the admin routes of an ops port', () => {
  it('are turned off without a token, and say how to turn them on', async () => {
    const ask = await start(undefined);
    for (const sent of [TOKEN, undefined]) {
      const answer = await ask('GET', '', sent);
      expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden']);
      expect(ErrorEnvelope.parse(answer.body).error).toMatchObject({ reason: 'admin_off' });
      expect(ErrorEnvelope.parse(answer.body).error.message).toContain('ADMIN_TOKEN');
    }
  });

  it('ask for the token, whatever is asked', async () => {
    const ask = await start(TOKEN);
    await bury(1);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/b/1-0'],
      ['POST', '/b/1-0/replay'],
      ['POST', '/b/replay'],
      ['DELETE', '/b/1-0'],
      ['DELETE', '/b'],
    ] as const) {
      for (const sent of ['another-token-of-length', `${TOKEN}x`, '']) {
        const answer = await ask(method, path, sent);
        expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthorized']);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
    }
    expect((await link.deadLetters('b').list()).letters).toHaveLength(1);
  });

  it('list, show, drop and replay', async () => {
    const ask = await start(TOKEN);
    await bury(3);
    const first = BusDeadLetterList.parse((await ask('GET', '?limit=2')).body);
    expect(first.letters).toHaveLength(2);
    const second = BusDeadLetterList.parse((await ask('GET', `?service=b&after=${first.next ?? ''}`)).body);
    expect(second).toMatchObject({ next: null, letters: [{ reason: 'malformed', kind: 'request', bytes: 2 }] });
    const [one, two] = first.letters.map(({ id }) => id);
    const shown = BusDeadLetterShown.parse((await ask('GET', `/b/${one ?? ''}`)).body);
    expect(shown).toMatchObject({ contents: [], fault: expect.any(String) as string, entry_b64: '/wA=' });
    expect(BusDeadLettersDropped.parse((await ask('DELETE', `/b/${one ?? ''}`)).body)).toEqual({
      dropped: 1,
      more: false,
    });
    expect(codeOf(await ask('GET', `/b/${one ?? ''}`))).toBe('not_found');
    expect(BusDeadLettersReplayed.parse((await ask('POST', `/b/${two ?? ''}/replay`)).body).replayed).toBe(1);
    expect((await ask('POST', `/b/${two ?? ''}/replay`)).status).toBe(404);
    expect((await link.readings()).find(({ stream }) => stream === 'request')?.depthEntries).toBe(1);
  });

  it('replay and drop many, as many as asked for by one call', async () => {
    const ask = await start(TOKEN);
    await bury(5);
    expect((await ask('POST', '/b/replay?limit=2')).body).toEqual({ replayed: 2, more: true, retry_after_ms: null });
    expect((await ask('DELETE', '/b?limit=1')).body).toEqual({ dropped: 1, more: true });
    expect((await ask('DELETE', '/b?before=1')).body).toEqual({ dropped: 0, more: false });
    expect((await ask('DELETE', '/b')).body).toEqual({ dropped: 2, more: false });
  });

  it('answer a full stream with what was replayed, or with 503 and Retry-After', async () => {
    const ask = await start(TOKEN, 3);
    await (await bury(3)).stop();
    await link.markRestarting('b', 60_000);
    await link.appendRequest('b', 'fast', Uint8Array.of(1), 1);
    const partly = BusDeadLettersReplayed.parse((await ask('POST', '/b/replay')).body);
    expect(partly).toMatchObject({ replayed: 2, more: true, retry_after_ms: expect.any(Number) as number });
    const refused = await ask('POST', '/b/replay');
    expect([refused.status, codeOf(refused)]).toEqual([503, 'busy']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await link.deadLetters('b').list()).letters).toHaveLength(1);
  });

  it('refuse what they do not understand', async () => {
    const ask = await start(TOKEN);
    for (const path of ['?limit=0', '?limit=101', '?after=x', '?service=..%2f', '?other=1', '/b/x', '/B!/1-0'])
      expect((await ask('GET', path)).status).toBe(400);
  });
});
