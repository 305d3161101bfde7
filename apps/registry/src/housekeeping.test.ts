import { createLogger } from '@macronode/service';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Housekeeping, type HousekeepingOptions, inWindow } from './housekeeping.ts';
import { signers, TestLog } from './log-fixture.ts';
import { registryMetrics } from './metrics.ts';

const at = (time: string): number => Date.parse(`2030-05-05T${time}:00Z`);

describe('the compaction window', () => {
  it.each([
    ['02:00-04:00', '01:59', false],
    ['02:00-04:00', '02:00', true],
    ['02:00-04:00', '03:59', true],
    ['02:00-04:00', '04:00', false],
    ['23:30-00:30', '23:29', false],
    ['23:30-00:30', '23:45', true],
    ['23:30-00:30', '00:29', true],
    ['23:30-00:30', '00:30', false],
    ['00:00-00:00', '13:00', true],
  ])('%s at %s: %s', (window, time, inside) => {
    expect(inWindow(window, at(time))).toBe(inside);
  });
});

describe('a log left to itself', () => {
  const HOUR_MS = 3_600_000;
  const members = signers(1);
  const [a] = members;
  let now: number;
  let opened: TestLog;
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    now = at('13:00');
    opened = await TestLog.open({ members, m: 1, clock: { wallMs: () => now } });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await opened[Symbol.asyncDispose]();
  });

  /** Lets it work for a while of its own time, and waits for what that began. */
  async function keptFor(ms: number, options: Partial<HousekeepingOptions> = {}): Promise<void> {
    const housekeeping = new Housekeeping({
      store: opened.log.store,
      checkpointer: opened.log.checkpointer,
      audit: opened.audit,
      clock: opened.clock,
      metrics: opened.metrics.scope({ service: 'registry' }).bind(registryMetrics),
      log: createLogger('silent', {}),
      checkpointIntervalMs: 30_000,
      compactionWindow: '02:00-04:00',
      proposalKeepHours: 1,
      auditKeep: 1_000,
      onResign: () => undefined,
      ...options,
    });
    housekeeping.start();
    vi.advanceTimersByTime(ms);
    await housekeeping.stop();
  }

  it('signs its checkpoint again, of the same size and with the time of now', async () => {
    await opened.round(members);
    const { checkpointer } = opened.log;
    const text = checkpointer?.text ?? '';
    let resigned = 0;
    const onResign = (): void => void (resigned += 1);
    now += 29_999;
    await keptFor(29_999, { onResign });
    expect([resigned, checkpointer?.text]).toEqual([0, text]);
    await keptFor(30_000, { onResign });
    expect([resigned, checkpointer?.ageSeconds(), checkpointer?.signed?.checkpoint.size]).toEqual([1, 0, 1]);
    expect(checkpointer?.text).not.toBe(text);
    expect(checkpointer?.text?.split('\n').slice(0, 3)).toEqual(text.split('\n').slice(0, 3));
  });

  it('ends a proposal that is over its time, and records that', async () => {
    if (a === undefined) throw new Error('signer');
    const id = await opened.propose(opened.next(undefined, 60_000), a);
    now += 59_999;
    await keptFor(1_000);
    expect(opened.proposals.shown(id).state).toBe('open');
    now += 1;
    await keptFor(1_000);
    expect(opened.proposals.shown(id).state).toBe('expired');
    for (const refused of [opened.approve(id, a), opened.commit(id, a)]) {
      await expect(refused).rejects.toMatchObject({ code: 'expired' });
    }
    const records = (): { kind: string; subject: unknown; ts_ms: number }[] =>
      opened.log.store.auditRecords(0, 100).map((text) => JSON.parse(text) as ReturnType<typeof records>[number]);
    expect(records()).toContainEqual(expect.objectContaining({ kind: 'expire', subject: id, ts_ms: now }));
    // All but that of the genesis, which this log was begun with by hand.
    const recorded = async (): Promise<number> => (await opened.value('registry_audit_records_total')) + 1;
    await expect.poll(recorded, { timeout: 5_000 }).toBe(5);
    expect(records()).toHaveLength(5);
  });

  it('removes what is settled in its window, and not before', async () => {
    if (a === undefined) throw new Error('signer');
    const id = await opened.propose(opened.next([{ id: 'other', kind: 'node' }]), a);
    await opened.round(members);
    now += 2 * HOUR_MS;
    await keptFor(5_000, { compactionWindow: '02:00-04:00' });
    expect(opened.log.store.proposal(id)?.state).toBe('stale');
    expect(await opened.value('registry_compactions_total', 'result="ok"')).toBe(0);
    await keptFor(1_000, { compactionWindow: '14:00-16:00', proposalKeepHours: 3 });
    expect(opened.log.store.proposal(id)?.state).toBe('stale');
    await keptFor(1_000, { compactionWindow: '14:00-16:00' });
    expect(opened.log.store.proposal(id)).toBeUndefined();
    expect(opened.log.store.entry(1)).toBeDefined();
    expect(await opened.value('registry_compactions_total', 'result="ok"')).toBeGreaterThan(0);
  });
});
