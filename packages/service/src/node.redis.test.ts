import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { DynamicModule } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { defineConfig } from './config.ts';
import type { ServiceDefinition } from './definition.ts';
import { startNode } from './node.ts';

const redisUrl = process.env['REDIS_URL'];
if (redisUrl === undefined)
  throw new Error('REDIS_URL is not set: these tests need a Redis, e.g. redis://127.0.0.1:6379');

class Empty {}
const index: ServiceDefinition<object> = {
  name: 'index',
  config: defineConfig('index', {}),
  opsPort: 9082,
  declarations: [],
  module: { register: (): DynamicModule => ({ module: Empty }) },
};

async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 25_000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error('it did not come true within 25 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A way to the Redis that can be shut: a node behind it sees its Redis go away and come back. */
class Gate {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => {
    const { hostname, port } = new URL(redisUrl ?? '');
    const onward = connect(Number(port === '' ? '6379' : port), hostname);
    for (const end of [socket, onward]) {
      this.#sockets.add(end);
      end.on('error', () => undefined);
      end.on('close', () => {
        socket.destroy();
        onward.destroy();
        this.#sockets.delete(end);
      });
    }
    socket.pipe(onward).pipe(socket);
  });

  async open(port: number): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async shut(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

describe('a node whose Redis is away', () => {
  it('starts unready, and is ready once the Redis is there', async () => {
    const gate = new Gate();
    const port = await gate.open(0);
    await gate.shut();
    const env = { OPS_PORT: '0', LOG_LEVEL: 'silent', BUS_LINK: 'redis', REDIS_URL: `redis://127.0.0.1:${port}` };
    await using node = await startNode({ services: [index], profile: 'macronode', env });
    const away = await fetch(`${node.opsUrl}/readyz`);
    expect(away.status).toBe(503);
    expect(await away.json()).toMatchObject({ service: 'index', ready: false, missing: ['bus'] });
    const back = new Gate();
    await back.open(port);
    await until(() => node.readiness().ready);
    await back.shut();
    await until(() => !node.readiness().ready);
    const again = new Gate();
    await again.open(port);
    await until(() => node.readiness().ready);
    await node.close();
    await again.shut();
  }, 60_000);

  it('closes while it still waits', async () => {
    const env = { OPS_PORT: '0', LOG_LEVEL: 'silent', BUS_LINK: 'redis', REDIS_URL: 'redis://127.0.0.1:1' };
    const node = await startNode({ services: [index], profile: 'macronode', env });
    expect(await node.close()).toEqual([]);
  });
});
