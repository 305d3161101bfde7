import { request as httpRequest, type IncomingMessage } from 'node:http';
import { StreamReply } from '@macronode/bus';
import { ErrorEnvelope, type RegistryCall, ServiceError } from '@macronode/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BootedGateway, JSON_TYPE, until } from './booted-gateway.ts';
import { RegistryResponder } from './registry.responder.ts';

const CLIENTS = 'registry_sse_clients{service="gateway"}';

let gateway: BootedGateway;
let registry: RegistryResponder;
const left: (() => void)[] = [];
beforeEach(async () => {
  gateway = new BootedGateway({ GATEWAY_STREAM_CLIENTS: '12' });
  registry = new RegistryResponder(gateway.link);
  await gateway.start();
});
afterEach(async () => {
  for (const leave of left.splice(0)) leave();
  await gateway.close();
  await registry[Symbol.asyncDispose]();
});

const codeOf = async (response: Response): Promise<string> => ErrorEnvelope.parse(await response.json()).error.code;

interface Stream {
  readonly response: IncomingMessage;
  readonly text: () => string;
  readonly versions: () => number[];
}

function open(headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${gateway.url}/registry/stream`, { headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('error', () => undefined);
      const versions = (): number[] => [...text.matchAll(/^event: commit\nid: (\d+)$/gm)].map(([, id]) => Number(id));
      resolve({ response, text: () => text, versions });
    });
    left.push(() => request.destroy());
    request.on('error', reject);
    request.end();
  });
}

/** Starts the registry and waits until the gateway has found it. */
async function followed(version: number): Promise<void> {
  registry.version = version;
  await registry.start();
  await until(async () => {
    const { response } = await open({ 'last-event-id': String(version) });
    response.destroy();
    return response.statusCode === 200;
  }, 'the gateway to follow the registry');
  await until(async () => (await gateway.metric(CLIENTS)) === 0, 'the streams to be gone');
  registry.calls.length = 0;
}

describe('without a registry', () => {
  it('the gateway is ready, its routes say that nobody answers, its stream that it is not there yet', async () => {
    expect((await gateway.ops('/readyz')).status).toBe(200);
    for (const path of ['/registry/head', '/registry/1', '/registry/tlog/tile/0/000']) {
      const response = await gateway.call(path);
      expect([response.status, await codeOf(response)], path).toEqual([502, 'no_responders']);
    }
    const write = await gateway.call('/registry/freeze', { method: 'POST', body: '{}', headers: JSON_TYPE });
    expect(write.status).toBe(502);
    const stream = await gateway.call('/registry/stream');
    expect([stream.status, await codeOf(stream)]).toEqual([503, 'unavailable']);
    expect(Number(stream.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('a request to the registry', () => {
  it('goes over the bus and its answer comes back as it is', async () => {
    await followed(3);
    registry.answering = ({ route }) => ({
      status: route === 'registryPropose' ? 202 : 200,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache', location: '/registry/4' },
      bytes: Buffer.from('c2sp.org/tlog-proof@v1\n'.repeat(100)),
    });
    const accept = { 'accept-encoding': 'gzip, zstd' };
    const proof = await gateway.call('/registry/2/proof', { headers: accept });
    expect(proof.status).toBe(200);
    expect(proof.headers.get('content-encoding')).toBeNull();
    expect((await proof.text()).length).toBe(2_300);
    const body = Buffer.alloc(992 * 1024, ' ');
    const proposed = await gateway.call('/registry/proposals', { method: 'POST', body, headers: JSON_TYPE });
    expect(proposed.status).toBe(202);
    expect(proposed.headers.get('location')).toBe('/registry/4');
    expect(registry.calls).toMatchObject([
      { route: 'registryProof', parameter: '2', query: {} },
      { route: 'registryPropose', query: {} },
    ]);
    expect(Buffer.compare(registry.calls[1]?.body ?? Buffer.alloc(0), body)).toBe(0);
  });

  it('of a tile is never compressed', async () => {
    await followed(0);
    registry.answering = () => ({
      status: 200,
      headers: { 'content-type': 'application/octet-stream' },
      bytes: Buffer.alloc(8_192),
    });
    const tile = await gateway.call('/registry/tlog/tile/0/000', { headers: { 'accept-encoding': 'gzip' } });
    expect(tile.headers.get('content-encoding')).toBeNull();
    expect((await tile.arrayBuffer()).byteLength).toBe(8_192);
  });

  it('may have a long answer, which ends early when the registry fails', async () => {
    await followed(500);
    const log = await gateway.call('/registry/log?after=100&limit=300');
    const lines = (await log.text()).trimEnd().split('\n');
    expect(lines).toHaveLength(300);
    expect(JSON.parse(lines[299] ?? '')).toMatchObject({ leaf: { version: 400 } });
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(65_536);
      await Promise.resolve();
      throw new ServiceError('integrity');
    }
    registry.answering = () => new StreamReply({ status: 200, headers: {} }, failing());
    const broken = await gateway.call('/registry/audit');
    await expect(broken.arrayBuffer()).rejects.toThrow();
  });

  it('that is refused there is refused here', async () => {
    await followed(0);
    registry.answering = () => {
      throw new ServiceError('chain_mismatch', 'no');
    };
    const response = await gateway.call('/registry/commit/b3:1', { method: 'POST', body: '{}', headers: JSON_TYPE });
    expect([response.status, await codeOf(response)]).toEqual([409, 'chain_mismatch']);
  });

  it('with the tag of a compressed copy is asked without it, and answered with it', async () => {
    await followed(0);
    const asked: (string | undefined)[] = [];
    registry.answering = ({ if_none_match }: RegistryCall) => {
      asked.push(if_none_match);
      return { status: 304, headers: { etag: '"b3:ab"', 'cache-control': 'no-cache' } };
    };
    const response = await gateway.call('/registry/7', { headers: { 'if-none-match': '"b3:ab-zstd"' } });
    expect(asked).toEqual(['"b3:ab"']);
    expect(response.status).toBe(304);
    expect(response.headers.get('etag')).toBe('"b3:ab-zstd"');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('vary')).toBe('accept-encoding');
  });
});

describe('the stream', () => {
  it('begins at the head and tells every commit, whichever hint was lost', async () => {
    await followed(5);
    const stream = await open();
    expect(stream.response.headers['content-encoding']).toBeUndefined();
    await until(() => stream.text().includes('event: reset\nid: 5\n'), 'the head');
    await registry.commit();
    await until(() => stream.versions().length === 1, 'a commit');
    await registry.commit(false);
    await registry.commit(false);
    await registry.commit();
    await until(() => stream.versions().length === 4, 'what was lost');
    expect(stream.versions()).toEqual([6, 7, 8, 9]);
    expect(registry.calls.map(({ route }) => route)).toEqual(['registryHead', 'registryLog']);
  });

  it('goes on after the last event, before this gateway began too, and reads the log once for many', async () => {
    await followed(900);
    const streams = await Promise.all(['895', '895', '897', '100'].map((id) => open({ 'last-event-id': id })));
    await registry.commit();
    await until(() => streams.every(({ versions }) => versions().at(-1) === 901), 'the commit');
    expect(streams.map(({ versions }) => versions().length)).toEqual([6, 6, 4, 801]);
    for (const { versions, text } of streams) {
      expect(versions()).toEqual(versions().map((_, at) => 902 - versions().length + at));
      expect(text()).not.toContain('event: reset');
    }
    expect(registry.calls.filter(({ route }) => route === 'registryLog').length).toBeLessThanOrEqual(2);
  });

  it('holds no place among the requests in flight, and has a bound of its own', async () => {
    await followed(1);
    // The gateway of these tests has eight places for requests.
    await Promise.all(Array.from({ length: 12 }, () => open()));
    expect(await gateway.metric(CLIENTS)).toBe(12);
    expect(await gateway.metric('gateway_admitted_requests{service="gateway"}')).toBe(0);
    expect((await gateway.call('/registry/head')).status).toBe(200);
    const refused = await gateway.call('/registry/stream');
    expect([refused.status, await codeOf(refused)]).toEqual([429, 'saturated']);
    expect(await gateway.metric('rejected_total{service="gateway",reason="streams"}')).toBe(1);
  });

  it('ends when the gateway goes', async () => {
    await followed(1);
    const stream = await open();
    let ended = false;
    stream.response.on('end', () => (ended = true));
    await gateway.close();
    await until(() => ended, 'the end');
  });
});
