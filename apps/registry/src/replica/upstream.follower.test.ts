import { once } from 'node:events';
import { createServer, type Server, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseSignedCheckpoint } from '@macronode/log';
import { createLogger } from '@macronode/service';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BootedRegistry } from '../booted-registry-fixture.ts';
import { registryService } from '../index.ts';
import { dataFolder, signers } from '../log-fixture.ts';
import type { UpstreamEntry } from './http-log.source.ts';
import { UpstreamFollower, type UpstreamFollowerOptions } from './upstream.follower.ts';

const members = signers(2);
const until = (holds: () => boolean, what: string): Promise<void> =>
  vi.waitFor(() => expect(holds(), what).toBe(true), { timeout: 10_000, interval: 5 });
const upTo = (n: number): number[] => Array.from({ length: n }, (_, at) => at + 1);

const NO_HASH = `b3:${'0'.repeat(64)}`;

/** What a replica keeps. */
class Kept {
  readonly entries: UpstreamEntry[] = [];
  readonly checkpoints: string[] = [];
  failures = 0;
  readonly follower: UpstreamFollower;

  constructor(url: string, options: Partial<UpstreamFollowerOptions> = {}) {
    this.follower = new UpstreamFollower({
      url,
      after: () => this.entries.length,
      apply: async (entries) => {
        await Promise.resolve();
        if (this.failures > 0) {
          this.failures -= 1;
          throw new Error('the disk is full');
        }
        this.entries.push(...entries);
      },
      onCheckpoint: (text) => void this.checkpoints.push(text),
      log: createLogger('silent', {}),
      ...options,
    });
  }

  get versions(): number[] {
    return this.entries.map(({ version }) => version);
  }

  get size(): number {
    return Number(this.checkpoints.at(-1)?.split('\n')[1]);
  }
}

const NO_QUOTA = { REGISTRY_PROPOSE_RPS: '1000', REGISTRY_APPROVE_RPS: '1000' };
let upstream: BootedRegistry;
let folder: string;
const kept: Kept[] = [];
const following = (
  url: string,
  options?: Partial<UpstreamFollowerOptions>,
  has: readonly UpstreamEntry[] = [],
): Kept => {
  const replica = new Kept(url, options);
  replica.entries.push(...has);
  kept.push(replica);
  replica.follower.start();
  return replica;
};
const boot = (env: Readonly<Record<string, string>> = {}): Promise<BootedRegistry> =>
  BootedRegistry.boot(registryService, { folder, members, m: 2, env: { ...NO_QUOTA, ...env } });
const commit = async (times: number): Promise<void> => {
  for (let i = 0; i < times; i += 1) await upstream.driver.round(members);
};

beforeEach(async () => {
  folder = dataFolder();
  upstream = await boot();
});
afterEach(async () => {
  await Promise.all(kept.splice(0).map(({ follower }) => follower.close()));
  await upstream[Symbol.asyncDispose]();
});

describe('a replica', () => {
  it('takes over what is there and what comes, with the checkpoint that covers it', async () => {
    await commit(3);
    const replica = following(upstream.url);
    await until(() => replica.size === 3, 'the checkpoint of what was there');
    expect(replica.versions).toEqual([1, 2, 3]);
    await commit(2);
    await until(() => replica.size === 5, 'the checkpoint of what came');
    expect(replica.versions).toEqual(upTo(5));
    expect(replica.follower.lag).toBe(0);
    expect(() => parseSignedCheckpoint(replica.checkpoints.at(-1) ?? '')).not.toThrow();
    const { signers: inForce, vkey } = await replica.follower.source.signers(new AbortController().signal);
    expect(inForce).toHaveLength(2);
    expect(vkey).toMatch(/^registry\.example\/main\+/);
  });

  it('goes on when the log was away, and when it was away itself', async () => {
    await commit(2);
    const replica = following(upstream.url, { reconcileMs: 50 });
    await until(() => replica.versions.length === 2, 'what was there');
    const port = new URL(upstream.url).port;
    await upstream[Symbol.asyncDispose]();
    upstream = await boot({ REGISTRY_PORT: port });
    await commit(2);
    await until(() => replica.versions.length === 4, 'what came after the restart');
    await replica.follower.close();
    await commit(1);
    expect(replica.versions).toEqual(upTo(4));
    const again = following(upstream.url, {}, replica.entries);
    await until(() => again.size === 5, 'what came while it was away, and the checkpoint');
    expect(again.versions).toEqual(upTo(5));
  });

  it('stores again what it could not', async () => {
    const replica = following(upstream.url);
    replica.failures = 2;
    await commit(2);
    await until(() => replica.versions.length === 2, 'the entries');
    expect(replica.versions).toEqual([1, 2]);
  });

  it('knows how far it is behind', async () => {
    await commit(2);
    const replica = following(upstream.url);
    replica.failures = Infinity;
    await until(() => replica.follower.lag === 2, 'the lag');
    replica.failures = 0;
    await until(() => replica.follower.lag === 0, 'the end of it');
  });

  it('believes the head, not an event of what never was', async () => {
    await commit(1);
    const streamed = Promise.withResolvers<void>();
    const committed = { version: 99, payload_b3: NO_HASH, entry_b3: NO_HASH, committed_at: '2030-01-01T00:00:00Z' };
    const server = createServer((request, response) => {
      if (request.url === '/registry/stream') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`event: commit\ndata: ${JSON.stringify(committed)}\n\n`, () => streamed.resolve());
        return;
      }
      void fetch(`${upstream.url}${request.url ?? ''}`).then(async (answer) => {
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    let caughtUp = 0;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const replica = following(url, { reconcileMs: 50, onCaughtUp: () => (caughtUp += 1) });
    await streamed.promise;
    await commit(1);
    await until(() => replica.size === 2 && caughtUp > 0, 'the checkpoint of what is');
    expect([replica.follower.lag, replica.versions]).toEqual([0, [1, 2]]);
    await replica.follower.close();
    server.closeAllConnections();
    server.close();
  });

  it('closes while the log does not answer', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const replica = following(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    await replica.follower.close();
    silent.closeAllConnections();
    silent.close();
  });
});

describe('a replica whose events do not all arrive', () => {
  let proxy: Server;
  /** What each stream said it had. */
  const lastEventIds: unknown[] = [];
  /** Bytes of the first stream before it is cut: two commits, or three. */
  const CUT_AFTER = 700;

  beforeEach(async () => {
    lastEventIds.length = 0;
    proxy = createServer((request, response) => {
      const stream = request.url === '/registry/stream';
      if (stream) lastEventIds.push(request.headers['last-event-id']);
      const forwarded = httpRequest(
        `${upstream.url}${request.url ?? ''}`,
        { headers: request.headers, agent: false },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          let sent = 0;
          answer.on('data', (piece: Buffer) => {
            sent += piece.length;
            response.write(piece);
            if (stream && lastEventIds.length === 1 && sent > CUT_AFTER) response.destroy();
          });
          answer.on('end', () => response.end());
        },
      );
      forwarded.on('error', () => response.destroy());
      response.on('close', () => forwarded.destroy());
      forwarded.end();
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
  });
  afterEach(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const url = (): string => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  it('connects again after the last one it has, and misses nothing', async () => {
    const replica = following(url(), { reconcileMs: 600_000 });
    await commit(12);
    await until(() => replica.versions.length === 12, 'all of them');
    expect(replica.versions).toEqual(upTo(12));
    await until(() => lastEventIds.length > 1, 'another stream');
    expect(lastEventIds[0]).toBeUndefined();
    expect(Number(lastEventIds[1])).toBeGreaterThan(0);
  });
});
