import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LedgerRun } from '../conformance/conformance-ledger.ts';
import { context, eventually, subject, topic, World } from '../conformance/conformance-world.ts';
import { BusOverflow, BusUnavailable } from '../errors.ts';
import { InProcessFaults } from './in-process-faults.ts';
import { inProcessMedium } from './in-process-medium-fixture.ts';

let faults: InProcessFaults;
let world: World;
beforeEach(() => {
  faults = new InProcessFaults();
  world = new World(inProcessMedium(faults));
});
afterEach(() => world.close());

describe('faults of the medium of one process', () => {
  it('make streams full: refused as overflow, and taken again afterwards', async () => {
    const server = await world.bus('b');
    server.serve('b.echo', (payload) => payload);
    await server.start();
    const client = await world.started('a');
    faults.full = true;
    await expect(client.call(subject('b.echo'), 1, context())).rejects.toBeInstanceOf(BusOverflow);
    await expect(client.publishWork(topic('b.work'), 1, context())).rejects.toBeInstanceOf(BusOverflow);
    faults.full = false;
    expect(await client.call(subject('b.echo'), 2, context())).toBe(2);
  });

  it('take the medium away: its buses reconnect, calls are refused, and what was on its way arrives afterwards', async () => {
    const server = await world.bus('b');
    server.serve('b.echo', (payload) => payload);
    await server.start();
    const client = await world.started('a');
    faults.stalled = true;
    const waiting = client.call(subject('b.echo'), 'patience', context());
    const readings = () => world.linkOf(client).readings();
    await eventually(async () => (await readings()).some(({ depthEntries }) => depthEntries > 0), 'it was appended');
    faults.away = true;
    expect(client.status()).toBe('reconnecting');
    expect(await world.metric('bus_link_state')).toBe(0);
    await expect(client.call(subject('b.echo'), 1, context())).rejects.toBeInstanceOf(BusUnavailable);
    faults.away = false;
    faults.stalled = false;
    expect(client.status()).toBe('ready');
    expect(await world.metric('bus_link_state')).toBeGreaterThan(0);
    expect(await waiting).toBe('patience');
  });

  it('leave a ledger that closes', async () => {
    const run = new LedgerRun(world);
    await run.start(2, { ttlMs: 2_000 });
    for (const fault of ['full', 'stalled', 'away'] as const) {
      await run.load.progress(100);
      const over = performance.now() + 200;
      faults[fault] = true;
      await eventually(() => performance.now() > over, 'the fault is over');
      faults[fault] = false;
    }
    await run.load.progress(100);
    await run.close();
    expect(run.book.errors.size).toBeGreaterThan(0);
  });
});
