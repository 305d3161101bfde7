import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode, type RunningNode } from '@macronode/service';
import { afterEach, describe, expect, it } from 'vitest';
import { micronode } from './index.ts';

const HELLO = 'b3:d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';

let node: RunningNode | undefined;
let folder: string | undefined;
afterEach(async () => {
  await node?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  node = folder = undefined;
});

async function start(dataDir?: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  node = await startNode({
    ...micronode,
    env: { PORT: '0', OPS_PORT: '0', HTTP_HOST: '127.0.0.1', LOG_LEVEL: 'silent', DATA_DIR: dataDir, ...more },
  });
  expect(node.httpUrl).toBeDefined();
  return node.httpUrl ?? '';
}

const put = (url: string, body: string): Promise<Response> => fetch(`${url}/o`, { method: 'POST', body });

describe('the micronode', () => {
  it('carries a request through every layer in one process', async () => {
    const url = await start();
    const stored = await put(url, 'hello world');
    expect(stored.status).toBe(201);
    expect(await stored.json()).toMatchObject({ id: HELLO });
    const read = await fetch(`${url}/o/${HELLO}`);
    expect(read.headers.get('etag')).toBe(`"${HELLO}"`);
    expect(await read.text()).toBe('hello world');
  });

  it('sends an echo through every service and back', async () => {
    const url = await start(undefined, { GATEWAY_ECHO: 'true' });
    const bytes = Buffer.from(Array.from({ length: 65_536 }, (_, i) => i % 251));
    const response = await fetch(`${url}/echo`, { method: 'POST', body: bytes });
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    const metrics = await (await fetch(`${node?.opsUrl ?? ''}/metrics`)).text();
    for (const service of ['omnigate', 'index', 'storage', 'mailbox']) {
      expect(metrics).toMatch(new RegExp(`bus_handler_seconds_count\\{[^}]*subject="${service}\\.echo"[^}]*\\} 1\\b`));
    }
  });

  it('answers for all services on one ops port', async () => {
    await start();
    const ready = await fetch(`${node?.opsUrl ?? ''}/readyz`);
    expect(ready.status).toBe(200);
    const metrics = await (await fetch(`${node?.opsUrl ?? ''}/metrics`)).text();
    for (const { name } of micronode.services) expect(metrics).toContain(`service="${name}"`);
  });

  it('exposes what its services declare, in both formats, and nothing undeclared', async () => {
    await start();
    const declared = new Map(node?.metrics.declarations().map(({ name, type }) => [name, type]));
    for (const { name, type } of micronode.services.flatMap(({ declarations }) => declarations)) {
      expect([name, declared.get(name)]).toEqual([name, type]);
    }
    for (const accept of ['text/plain', 'application/openmetrics-text;version=1.0.0']) {
      const response = await fetch(`${node?.opsUrl ?? ''}/metrics`, { headers: { accept } });
      expect(response.headers.get('content-type')).toContain(accept.split(';')[0]);
      const types = [...(await response.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
      const exposed = types.map(([, name = '', type = '']): readonly [string, string] => {
        const isBare = type === 'counter' && !name.endsWith('_total');
        return [isBare ? `${name}_total` : name, type];
      });
      expect(new Map(exposed)).toEqual(declared);
    }
  });

  it('keeps nothing in amnesia: the folder it runs in stays empty', async () => {
    folder = mkdtempSync(join(tmpdir(), 'macronode-amnesia-'));
    const before = process.cwd();
    process.chdir(folder);
    try {
      const url = await start();
      expect((await put(url, 'hello world')).status).toBe(201);
      expect((await put(url, 'x'.repeat(200_000))).status).toBe(201);
      await node?.close();
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('finds in its folder what an earlier process stored', async () => {
    folder = mkdtempSync(join(tmpdir(), 'macronode-data-'));
    await put(await start(folder), 'hello world');
    await node?.close();
    const url = await start(folder);
    expect(await (await fetch(`${url}/o/${HELLO}`)).text()).toBe('hello world');
  });
});
