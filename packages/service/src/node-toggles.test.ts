import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { defineConfig } from './config.ts';
import type { ServiceDefinition } from './definition.ts';
import { type RunningNode, startNode } from './node.ts';

class GatewayModule {}
const gateway: ServiceDefinition<object> = {
  name: 'gateway',
  config: defineConfig('gateway', {}),
  opsPort: 9080,
  http: () => ({ host: '127.0.0.1', port: 0 }),
  declarations: [],
  module: { register: () => ({ module: GatewayModule }) },
};

const lines: string[] = [];
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  lines.length = 0;
});

/** Starts a node, asks it once, and drains it: whatever it writes or exports has been by then. */
async function askOnce(env: Readonly<Record<string, string>>): Promise<void> {
  const node: RunningNode = await startNode({
    services: [gateway],
    profile: 'micronode',
    env: { OPS_PORT: '0', ...env },
    logStream: { write: (line) => void lines.push(line) },
  });
  closing.push(() => node.close());
  const response = await fetch(`${node.httpUrl ?? ''}/nothing?secret=hunter2`, { headers: { connection: 'close' } });
  expect(response.status).toBe(404);
  await response.text();
  expect(await node.close()).toEqual([]);
}

const accessLines = (): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ message }) => message === 'request');

describe('ACCESS_LOG', () => {
  it('is one line a request, under the bindings of the other lines', async () => {
    await askOnce({ NODE_ID: 'node-a' });
    expect(accessLines()).toMatchObject([
      { level: 'info', node_id: 'node-a', service: 'gateway', method: 'GET', route: 'unmatched', status: 404 },
    ]);
    expect(lines.join('')).not.toContain('hunter2');
  });

  it.each([{ ACCESS_LOG: 'off' }, { LOG_LEVEL: 'warn' }, { LOG_LEVEL: 'silent' }])('is off with %j', async (env) => {
    await askOnce(env);
    expect(accessLines()).toEqual([]);
  });
});

describe('TRACING', () => {
  it.each([
    ['on', true],
    ['off', false],
  ])('%s with a collector: it is sent traces: %s', async (tracing, sent) => {
    let posts = 0;
    const collector = createServer((request, response) => {
      posts += 1;
      request.resume().on('end', () => response.end());
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => collector.close(resolve)));
    const { port } = collector.address() as AddressInfo;
    await askOnce({
      TRACING: tracing,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_TRACES_SAMPLER_ARG: '1',
    });
    expect(posts > 0).toBe(sent);
    expect(accessLines()[0]?.['trace_id'] !== undefined).toBe(sent);
  });
});

it('a node in production does not start with a toggle off', async () => {
  const start = askOnce({ NODE_ENV: 'production', QUOTAS: 'off', COMPRESSION: 'off' });
  await expect(start).rejects.toThrow(/2 settings are wrong:[^]*QUOTAS=off[^]*COMPRESSION=off/);
});
