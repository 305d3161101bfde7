import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { ledgerConformance } from '../conformance/conformance-ledger.ts';
import { busConformance } from '../conformance/conformance.ts';
import { BusUnavailable } from '../errors.ts';
import { InProcessLink } from './in-process-link.ts';
import { inProcessMedium } from './in-process-medium-fixture.ts';
import type { Delivery } from '../link.ts';

busConformance('in-process', inProcessMedium());
ledgerConformance('in-process', inProcessMedium());

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const entry = Buffer.from('entry');

describe('in-process link', () => {
  it('delivers in a turn of its own, never inside the append', async () => {
    const link = new InProcessLink();
    await link.start();
    const seen: Delivery[] = [];
    await link.consumeRequests('b', 'fast', 'b.1', { credits: () => 1, onDelivery: (each) => seen.push(each) });
    await link.appendRequest('b', 'fast', entry, 1);
    expect(seen).toEqual([]);
    await turn();
    expect(seen).toMatchObject([{ attempt: 1, ageMs: expect.any(Number) as number }]);
  });

  it('takes an entry from a consumer that ended, after the idle time of its clock, and not before', async () => {
    const clock = new ManualClock();
    const link = new InProcessLink({ clock, minIdleMs: 1_000 });
    await link.start();
    const seen: Delivery[] = [];
    const options = { credits: () => 9, onDelivery: (each: Delivery) => void seen.push(each) };
    const ended = await link.consumeRequests('b', 'fast', 'b.1', options);
    await link.appendRequest('b', 'fast', entry, 1);
    await turn();
    const heir = await link.consumeRequests('b', 'fast', 'b.2', options);
    clock.advance(5_000);
    await turn();
    expect(seen.map(({ attempt }) => attempt)).toEqual([1]);
    await ended.stop();
    clock.advance(900);
    await turn();
    expect(seen.length).toBe(1);
    clock.advance(500);
    await turn();
    expect(seen).toMatchObject([
      { attempt: 1, ageMs: 0 },
      { attempt: 2, ageMs: 6_400 },
    ]);
    for (const each of seen.slice(1)) heir.settle(each);
    clock.advance(5_000);
    await turn();
    expect(seen.length).toBe(2);
    expect(await link.readings()).toMatchObject([{ depthEntries: 0, pendingEntries: 0 }]);
  });

  it('does not deliver without credit, and goes on when woken', async () => {
    const link = new InProcessLink();
    await link.start();
    let credits = 0;
    const seen: Delivery[] = [];
    const consumer = await link.consumeRequests('b', 'bulk', 'b.1', {
      credits: () => credits,
      onDelivery: (each) => seen.push(each),
    });
    await link.appendRequest('b', 'bulk', entry, 1);
    await turn();
    expect(seen).toEqual([]);
    credits = 1;
    consumer.wake();
    await turn();
    expect(seen.length).toBe(1);
  });

  it('refuses everything once it is closed', async () => {
    const link = new InProcessLink();
    await link.start();
    const statuses: string[] = [];
    link.onStatus((status) => statuses.push(status));
    await link.close();
    await expect(link.appendInbox('a', entry)).rejects.toBeInstanceOf(BusUnavailable);
    await expect(link.start()).rejects.toBeInstanceOf(BusUnavailable);
    expect(statuses).toEqual(['closed']);
  });
});
