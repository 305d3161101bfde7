import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bus } from '@macronode/bus';
import { type RegistryCall, SUBJECTS } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { newUlid } from '@macronode/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BootedRegistry } from './booted-registry-fixture.ts';
import { registryService } from './index.ts';
import { signers } from './log-fixture.ts';

const members = signers(1);
let folder: string;
let booted: BootedRegistry;
let bus: Bus;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'registry-bus-'));
  booted = await BootedRegistry.boot(registryService, { folder, members, m: 1 });
  for (const pad of [10, 900_000, 70_000]) {
    await booted.driver.round(members, [{ id: 'node', kind: 'node', attrs: { pad: 'x'.repeat(pad) } }]);
  }
  const metrics = new MetricsRegistry().scope({ service: 'gateway' });
  bus = new Bus({ service: 'gateway', link: booted.node.link, metrics });
  await bus.start();
});
afterAll(async () => {
  await bus.close();
  await booted.node.close();
  rmSync(folder, { recursive: true, force: true });
});

async function overBus(call: RegistryCall): Promise<{ status: number; headers: object; text: string }> {
  const { head, body } = await bus.read(SUBJECTS.registry.read, call, { corrId: newUlid() });
  const parts: Uint8Array[] = head.bytes === undefined ? [] : [head.bytes];
  for await (const part of body) parts.push(part);
  return { status: head.status, headers: head.headers, text: Buffer.concat(parts).toString() };
}

describe('the log over the bus', () => {
  it.each<[string, RegistryCall]>([
    ['/registry/head', { route: 'registryHead', query: {} }],
    ['/registry/1', { route: 'registryEntry', parameter: '1', query: {} }],
    ['/registry/2', { route: 'registryEntry', parameter: '2', query: {} }],
    ['/registry/3', { route: 'registryEntry', parameter: '3', query: {} }],
    ['/registry/log', { route: 'registryLog', query: {} }],
    ['/registry/log?after=1&limit=1', { route: 'registryLog', query: { after: '1', limit: '1' } }],
    ['/registry/2/proof', { route: 'registryProof', parameter: '2', query: {} }],
    ['/registry/tlog/tile/entries/000.p/3', { route: 'registryTile', parameter: 'entries/000.p/3', query: {} }],
    ['/registry/audit', { route: 'registryAudit', query: {} }],
  ])('answers %s as its own port does, however long it is', async (path, call) => {
    const [own, bused] = [await fetch(`${booted.url}${path}`), await overBus(call)];
    expect(bused.status).toBe(own.status);
    expect(bused.text).toBe(await own.text());
    for (const [name, value] of Object.entries(bused.headers)) expect(own.headers.get(name), name).toBe(value);
  });

  it('gives every place back, also of an answer nobody read', async () => {
    const call: RegistryCall = { route: 'registryLog', query: {} };
    for (let at = 0; at < 80; at += 1) {
      const { body } = await bus.read(SUBJECTS.registry.read, call, { corrId: newUlid() });
      body.cancel();
    }
    const inflight = () => booted.metric('registry_route_inflight{service="registry",route="log"}');
    await expect.poll(inflight, { timeout: 10_000 }).toBe(0);
    expect((await overBus(call)).status).toBe(200);
  });
});
