import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BootedRegistry } from './booted-registry-fixture.ts';
import { registryService } from './index.ts';
import { signers } from './log-fixture.ts';

const members = signers(1);
const [a] = members;
let folder: string;
const sockets: Socket[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-port-'));
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const boot = (env: Readonly<Record<string, string>>): Promise<BootedRegistry> =>
  BootedRegistry.boot(registryService, { folder, members, m: 1, env });

/** A connection of its own. What it is closed with does not matter here. */
async function connected({ url }: BootedRegistry): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

describe('the port of a registry', () => {
  it('refuses a write above its bound before it reads it, and reads go on', async () => {
    if (a === undefined) throw new Error('signer');
    // The hard bound is four times as much.
    await using booted = await boot({ REGISTRY_WRITE_INFLIGHT: '1' });
    const payload = await booted.driver.next();
    const begun =
      'POST /registry/proposals HTTP/1.1\r\nhost: registry\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{';
    for (let at = 0; at < 4; at += 1) (await connected(booted)).write(begun);
    const inflight = (): Promise<number> => booted.metric('registry_route_inflight{service="registry",route="write"}');
    await expect.poll(inflight, { timeout: 5_000 }).toBe(4);
    const refused = await booted.driver.propose(payload, a);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ error: { code: 'saturated', reason: 'route_hard' } });
    expect((await fetch(`${booted.url}/registry/head`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await expect.poll(inflight, { timeout: 5_000 }).toBe(0);
    expect((await booted.driver.propose(payload, a)).status).toBe(202);
  });

  it('closes a connection above its bound at once, and takes one again when another left', async () => {
    await using booted = await boot({ REGISTRY_MAX_CONNS: '2' });
    const answered = async (socket: Socket): Promise<string> => {
      socket.write('GET /registry/head HTTP/1.1\r\nhost: registry\r\n\r\n');
      const [piece] = (await once(socket, 'data')) as [Buffer];
      return piece.toString().split('\r\n', 1)[0] ?? '';
    };
    const [first, second] = [await connected(booted), await connected(booted)];
    expect([await answered(first), await answered(second)]).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK']);
    const third = await connected(booted);
    third.resume();
    if (!third.closed) await once(third, 'close');
    expect(await answered(first)).toBe('HTTP/1.1 200 OK');
    second.destroy();
    const again = async (): Promise<string> => {
      const socket = await connected(booted);
      const closed = once(socket, 'close').then(() => 'closed');
      return Promise.race([answered(socket), closed]);
    };
    await expect.poll(again, { timeout: 5_000 }).toBe('HTTP/1.1 200 OK');
  });

  it('ends a page of the log after the entry that passes its bound, and goes on after it', async () => {
    await using booted = await boot({ REGISTRY_PROPOSE_RPS: '1000', REGISTRY_APPROVE_RPS: '1000' });
    const pad = 'x'.repeat(900_000);
    for (let at = 0; at < 11; at += 1) {
      await booted.driver.round(members, [{ id: 'node', kind: 'node', attrs: { pad } }]);
    }
    const page = async (after: number): Promise<number[]> => {
      const text = await (await fetch(`${booted.url}/registry/log?after=${after}`)).text();
      const lines = text.trimEnd().split('\n');
      return lines.map((line) => (JSON.parse(line) as { leaf: { version: number } }).leaf.version);
    };
    // Ten of them are the first to be over 8 MiB.
    expect(await page(0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await page(10)).toEqual([11]);
  });
});
