import type { Socket } from 'node:net';
import { ErrorEnvelope } from '@macronode/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BootedGateway, JSON_TYPE, NOWHERE, sample, until } from './booted-gateway.ts';
import { RawClient } from './raw-client.ts';

const gateway = new BootedGateway();
beforeAll(() => gateway.start());
afterEach(() => Object.assign(gateway.omnigate, { sendsTooMuch: false, beforeReadEnds: undefined }));
afterAll(() => gateway.close());

describe('an answer of one chunk at most', () => {
  it.each([1, 65_536])('comes whole: %i bytes', async (size) => {
    const bytes = sample(size);
    const response = await gateway.call(`/o/${await gateway.put(bytes)}`);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('is refused when it is not as long as was promised', async () => {
    const id = await gateway.put(sample(1_000));
    gateway.omnigate.sendsTooMuch = true;
    const response = await gateway.call(`/o/${id}`);
    expect(response.status).toBe(502);
    expect(ErrorEnvelope.parse(await response.json()).error.code).toBe('integrity');
  });
});

describe('a streamed answer', () => {
  it('leaves no stall timer on its connection for the request behind it', async () => {
    const id = await gateway.put(sample(300_000));
    gateway.omnigate.mailbox = (_payload, context) => gateway.omnigate.hold(context);
    const sockets: Socket[] = [];
    gateway.server.on('connection', (socket) => sockets.push(socket));
    using client = new RawClient(gateway.url);
    const poll = JSON.stringify({ topic: 'quiet', wait_ms: 1_000 });
    // Both at once, so that the second is parsed before the first is answered: Node then resets no timer between them.
    client.write(
      `GET /o/${id} HTTP/1.1\r\nhost: x\r\n\r\n` +
        `POST /mailbox/recv HTTP/1.1\r\nhost: x\r\ncontent-type: ${JSON_TYPE['content-type']}\r\n` +
        `content-length: ${String(poll.length)}\r\n\r\n${poll}`,
    );
    expect((await client.answer()).status).toBe(200);
    await until(() => gateway.omnigate.waiting === 1, 'the second request to be under way');
    expect(sockets).toHaveLength(1);
    expect(sockets[0]?.timeout ?? 0).toBe(0);
  });

  it('is over with its last byte, though its stream never ends', async () => {
    const bytes = sample(300_000);
    const id = await gateway.put(bytes);
    const end = Promise.withResolvers<void>();
    gateway.omnigate.beforeReadEnds = end.promise;
    using client = new RawClient(gateway.url);
    client.send(`GET /o/${id} HTTP/1.1`, 'host: x');
    const answer = await client.answer();
    expect(answer).toMatchObject({ status: 200, body: bytes.toString() });
    client.send(`GET /o/${NOWHERE} HTTP/1.1`, 'host: x');
    expect((await client.answer()).status).toBe(404);
    expect(gateway.omnigate.cancelledReads).toBe(0);
    end.resolve();
  });

  it('stands when more follows than was promised, and nothing more of it is read', async () => {
    const bytes = sample(300_000);
    const id = await gateway.put(bytes);
    const end = Promise.withResolvers<void>();
    Object.assign(gateway.omnigate, { sendsTooMuch: true, beforeReadEnds: end.promise });
    const response = await gateway.call(`/o/${id}`);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    await until(() => gateway.omnigate.cancelledReads === 1, 'the stream to be cancelled');
    end.resolve();
  });
});
