import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BootedGateway, NOWHERE, sample, until } from './booted-gateway.ts';
import { RawClient } from './raw-client.ts';

const gateway = new BootedGateway();
beforeAll(() => gateway.start());
afterAll(() => gateway.close());

it('leaves nothing on a connection that was refused many times', async () => {
  const sockets: Socket[] = [];
  gateway.server.on('connection', (socket) => sockets.push(socket));
  using client = new RawClient(gateway.url);
  const body = sample(200_000);
  const refuse = async (): Promise<void> => {
    // Refused for its encoding before a byte of the body is read; the rest is drained and the connection lives on.
    client.send(
      `PUT /o/${NOWHERE} HTTP/1.1`,
      'host: x',
      'content-encoding: gzip',
      `content-length: ${String(body.length)}`,
    );
    client.write(body);
    expect((await client.answer()).status).toBe(415);
  };
  await refuse();
  const before = sockets[0]?.listenerCount('close') ?? 0;
  for (let i = 0; i < 20; i += 1) await refuse();
  expect(sockets).toHaveLength(1);
  await until(() => (sockets[0]?.listenerCount('close') ?? Infinity) <= before, 'the listeners of refusals to be gone');
});
