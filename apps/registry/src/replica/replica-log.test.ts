import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Checkpointer } from '../checkpointer.ts';
import type { Clock } from '../clock.ts';
import { LOG, signers, TestLog } from '../log-fixture.ts';
import { registryMetrics } from '../metrics.ts';
import { ReplicaLog } from './replica-log.ts';
import { UpstreamRefused } from './upstream-refused.ts';

const members = signers(3);
const START = Date.parse('2030-01-01T00:00:00Z');

class HandClock implements Clock {
  now = START;
  wallMs(): number {
    return this.now;
  }
}

let clock: HandClock;
let upstream: TestLog;
let own: TestLog;
let replica: ReplicaLog;
beforeEach(async () => {
  clock = new HandClock();
  upstream = await TestLog.open({ members, m: 2, clock });
  own = await TestLog.open({ members, m: 2, clock });
  replica = replicaOf(own);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await upstream[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});

/** The log of a test as one that follows. */
function replicaOf(log: TestLog): ReplicaLog {
  const metrics = log.metrics.scope({ service: 'replica' }).bind(registryMetrics);
  return new ReplicaLog({ log: log.log, clock, metrics });
}

const checkpointerOf = ({ log }: TestLog): Checkpointer => {
  if (log.checkpointer === undefined) throw new Error('the log has no key');
  return log.checkpointer;
};
const textOf = (log: TestLog): string => checkpointerOf(log).text ?? '';
const keysOf = (log: TestLog) => {
  const { vkey, cosignerVkey } = checkpointerOf(log);
  return { vkey, cosigner_vkey: cosignerVkey };
};
const entriesOf = (log: TestLog, after = 0) => [...log.log.store.entries(after, 1_000)];
const sizeShown = (): number | undefined => replica.signed?.checkpoint.size;

/** Follows `upstream` as far as it goes. */
async function caughtUp(versions: number): Promise<void> {
  replica.follow(keysOf(upstream));
  for (let i = 0; i < versions; i += 1) await upstream.round(members);
  await replica.adopt(entriesOf(upstream));
}

async function failed(what: string): Promise<number> {
  const start = `registry_audit_fail_total{service="replica",what="${what}"`;
  const line = (await own.metrics.render()).split('\n').find((one) => one.startsWith(start));
  return Number(line?.split(' ').at(-1));
}

describe('the entries of a followed log', () => {
  it('are taken over with the signers they bring', async () => {
    replica.follow(keysOf(upstream));
    const rotation = {
      ...upstream.bound(),
      kind: 'signers' as const,
      m: 1,
      k_pq: 0,
      signers: members.map((one) => one.member()),
    };
    await upstream.round(members, rotation);
    await upstream.round(members.slice(0, 1));
    await replica.adopt(entriesOf(upstream));
    expect(own.log.head).toMatchObject({ version: 2, entry_b3: upstream.log.head.entry_b3 });
    expect(own.log.signerSet).toMatchObject({ version: 1, m: 1 });
    expect(Buffer.from(own.log.tree.root())).toEqual(Buffer.from(upstream.log.tree.root()));
  });

  it('end with a seal', async () => {
    await caughtUp(1);
    const seal = { ...upstream.bound(), kind: 'seal' as const, successor: { log: 'next.example/log', vkey: 'v' } };
    await upstream.round(members, seal);
    await replica.adopt(entriesOf(upstream, 1));
    expect(own.log.sealed).toBe(true);
    await expect(replica.adopt(entriesOf(upstream, 1))).rejects.toThrow('does not verify: sealed');
  });

  it('are refused as a whole when one of them does not verify', async () => {
    await caughtUp(0);
    for (let i = 0; i < 3; i += 1) await upstream.round(members);
    const [one, two, three] = entriesOf(upstream);
    if (one === undefined || two === undefined || three === undefined) throw new Error('entries');
    await expect(replica.adopt([one, three])).rejects.toBeInstanceOf(UpstreamRefused);
    await expect(replica.adopt([one, { ...two, payload: one.payload }])).rejects.toThrow('version 2');
    await expect(replica.adopt([one, { ...two, entryHash: three.entryHash }])).rejects.toThrow('entry hash');
    expect(own.log.head.version).toBe(0);
  });

  it('are taken over with the event loop in between, however many there are', async () => {
    replica.follow(keysOf(upstream));
    for (let i = 0; i < 20; i += 1) await upstream.round(members.slice(0, 2));
    // Each look at the clock is a step that took six milliseconds.
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 6));
    let turns = 0;
    let adopting = true;
    const turn = (): void => {
      turns += 1;
      if (adopting) setImmediate(turn);
    };
    setImmediate(turn);
    const { store } = own.log;
    const adopt = store.adopt.bind(store);
    let turnsToJudge = 0;
    vi.spyOn(store, 'adopt').mockImplementation((entries) => {
      turnsToJudge = turns;
      return adopt(entries);
    });
    await replica.adopt(entriesOf(upstream));
    adopting = false;
    expect(turnsToJudge).toBeGreaterThanOrEqual(20);
  });
});

describe('the checkpoint of a followed log', () => {
  it('is shown when it fits the entries, and once they are here', async () => {
    replica.follow(keysOf(upstream));
    await upstream.round(members);
    expect(replica.show(textOf(upstream))).toBe(false);
    expect(replica.text).toBeUndefined();
    await replica.adopt(entriesOf(upstream));
    expect(replica.show(textOf(upstream))).toBe(true);
    expect(replica.text).toBe(textOf(upstream));
  });

  it('is not taken back for a smaller one', async () => {
    await caughtUp(2);
    const small = textOf(upstream);
    await upstream.round(members);
    await replica.adopt(entriesOf(upstream, 2));
    expect(replica.show(textOf(upstream))).toBe(true);
    expect(replica.show(small)).toBe(false);
    expect(sizeShown()).toBe(3);
  });

  it('is not taken back for an older one of its size', async () => {
    await caughtUp(1);
    const old = textOf(upstream);
    clock.now += 30_000;
    checkpointerOf(upstream).resign();
    const resigned = textOf(upstream);
    expect(replica.show(resigned)).toBe(true);
    expect(replica.show(old)).toBe(false);
    expect(replica.text).toBe(resigned);
  });

  it('is as old as its cosignature, whenever it came', async () => {
    expect(replica.ageSeconds()).toBe(0);
    await caughtUp(1);
    clock.now += 5_000;
    expect(replica.ageSeconds(), 'without any').toBe(5);
    replica.show(textOf(upstream));
    clock.now += 60_000;
    expect(replica.ageSeconds()).toBe(65);
    expect(await own.metrics.render()).toMatch(/^registry_checkpoint_age_seconds\{service="replica"[^}]*\} 65$/m);
    checkpointerOf(upstream).resign();
    replica.show(textOf(upstream));
    expect(replica.ageSeconds()).toBe(0);
  });

  it('is refused without the signatures of both of its keys', async () => {
    await caughtUp(1);
    const lines = textOf(upstream).split('\n');
    const without = (name: string): string => lines.filter((line) => !line.startsWith(`— ${name} `)).join('\n');
    for (const text of [without(LOG), without(`${LOG}/cosigner`), textOf(own), 'rubbish', '']) {
      expect(() => replica.show(text), text).toThrow(UpstreamRefused);
    }
    expect([replica.text, replica.forked, await failed('checkpoint')]).toEqual([undefined, false, 0]);
    expect(replica.show(textOf(upstream))).toBe(true);
  });

  it('of another log under the same key is counted, and ends it', async () => {
    await caughtUp(2);
    replica.show(textOf(upstream));
    const good = textOf(upstream);
    checkpointerOf(upstream).publish(1, Buffer.alloc(32, 7));
    expect(() => replica.show(textOf(upstream))).toThrow('two roots');
    expect([replica.forked, await failed('checkpoint')]).toEqual([true, 1]);
    expect(() => replica.show(good)).toThrow(UpstreamRefused);
    await upstream.round(members);
    await expect(replica.adopt(entriesOf(upstream, 2))).rejects.toBeInstanceOf(UpstreamRefused);
    expect([own.log.head.version, replica.text, await failed('checkpoint')]).toEqual([2, good, 1]);
  });
});
