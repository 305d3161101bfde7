import type { RegistryCommitted, RegistryHead } from '@macronode/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FollowerOutOfStep, LogFollower, type LogFollowerOptions } from './follower.ts';

const HASH = `b3:${'0'.repeat(64)}`;
const commitOf = (version: number): RegistryCommitted => ({
  version,
  payload_b3: HASH,
  entry_b3: HASH,
  committed_at: '2026-01-01T00:00:00.000Z',
});
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await Promise.resolve();
};

/** A log, whoever follows it, and time that passes when the test says so. */
class Followed {
  size = 0;
  readonly applied: number[] = [];
  readonly asked: string[] = [];
  readonly errors: unknown[] = [];
  /** Readings that fail next. */
  failures = 0;
  /** Turns a reading takes: what it answers is of when it began. */
  turns = 1;
  /** Longest page the source gives, whatever is asked for. */
  page = 10;
  readonly waits: number[] = [];
  readonly follower: LogFollower<RegistryCommitted>;
  #due: (() => void) | undefined;

  constructor(options: Partial<LogFollowerOptions<RegistryCommitted>> = {}) {
    this.follower = new LogFollower<RegistryCommitted>({
      source: {
        head: () => this.#read('head', () => ({ ...commitOf(this.size), checkpoint_size: 0 }) satisfies RegistryHead),
        after: (after, limit) =>
          this.#read(`after ${String(after)}`, () => {
            const count = Math.max(0, Math.min(limit, this.page, this.size - after));
            return Array.from({ length: count }, (_, at) => commitOf(after + 1 + at));
          }),
      },
      position: () => this.applied.length,
      apply: async (items) => {
        await turns(this.turns);
        this.applied.push(...items.map(({ version }) => version));
      },
      fromEvent: (committed) => committed,
      onError: (error) => this.errors.push(error),
      timer: {
        after: (ms, run) => {
          this.waits.push(ms);
          this.#due = run;
          return () => (this.#due = undefined);
        },
      },
      reconcileMs: 30_000,
      page: 7,
      retryMs: 100,
      retryMaxMs: 1_000,
      random: () => 0.5,
      ...options,
    });
  }

  async #read<T>(what: string, answer: () => T): Promise<T> {
    this.asked.push(what);
    const found = answer();
    await turns(this.turns);
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error(`${what} failed`);
    }
    return found;
  }

  /** The timer that is set runs out. */
  async due(): Promise<void> {
    const run = this.#due;
    this.#due = undefined;
    run?.();
    await this.follower.settled();
  }

  get timed(): boolean {
    return this.#due !== undefined;
  }

  commit(): RegistryCommitted {
    this.size += 1;
    return commitOf(this.size);
  }

  async started(): Promise<this> {
    this.follower.start();
    await this.follower.settled();
    this.asked.length = 0;
    return this;
  }
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, at) => at + 1);

describe('a follower', () => {
  it('reads all there is when it starts, page by page', async () => {
    const log = new Followed();
    log.size = 20;
    log.follower.start();
    await log.follower.settled();
    expect(log.applied).toEqual(upTo(20));
    expect(log.asked).toEqual(['head', 'after 0', 'after 7', 'after 14']);
  });

  it('takes the next version from its event, without reading', async () => {
    const log = await new Followed().started();
    log.follower.notify(log.commit());
    log.follower.notify(log.commit());
    await log.follower.settled();
    expect(log.applied).toEqual([1, 2]);
    expect(log.asked).toEqual([]);
  });

  it('reads what an event only names', async () => {
    const log = await new Followed({ fromEvent: () => undefined }).started();
    log.follower.notify(log.commit());
    await log.follower.settled();
    expect(log.applied).toEqual([1]);
    expect(log.asked).toEqual(['after 0']);
  });

  it('asks for the head and for what is missing when it sees a hole', async () => {
    const log = await new Followed().started();
    log.commit();
    log.commit();
    log.follower.notify(log.commit());
    await log.follower.settled();
    expect(log.applied).toEqual([1, 2, 3]);
    expect(log.asked).toEqual(['head', 'after 0']);
  });

  it('asks for the head when events were lost, even with no event after them', async () => {
    const log = await new Followed().started();
    log.commit();
    log.follower.lost();
    await log.follower.settled();
    expect(log.applied).toEqual([1]);
  });

  it('asks for the head by itself from time to time', async () => {
    const log = await new Followed().started();
    log.commit();
    expect(log.waits.at(-1)).toBe(30_000);
    await log.due();
    expect(log.applied).toEqual([1]);
  });

  it('reads once, whatever it is told meanwhile', async () => {
    const log = new Followed();
    log.size = 3;
    log.turns = 20;
    log.follower.start();
    for (let i = 0; i < 10; i += 1) {
      log.follower.notify(commitOf(3));
      await turns(1);
    }
    await log.follower.settled();
    expect(log.asked.filter((what) => what.startsWith('after'))).toEqual(['after 0']);
    expect(log.applied).toEqual([1, 2, 3]);
  });

  it('does not forget what it is told while it reads the head', async () => {
    const log = new Followed({ fromEvent: () => undefined });
    log.turns = 10;
    log.follower.start();
    await turns(2);
    log.follower.notify(log.commit());
    await log.follower.settled();
    expect(log.applied).toEqual([1]);
    expect(log.asked).toEqual(['head', 'after 0']);
  });

  it('is not moved back by an old event or an old head', async () => {
    const log = await new Followed().started();
    log.follower.notify(log.commit());
    log.follower.notify(log.commit());
    await log.follower.settled();
    log.size = 1;
    log.follower.notify(commitOf(1));
    log.follower.lost();
    await log.follower.settled();
    expect(log.applied).toEqual([1, 2]);
    expect(log.errors).toEqual([]);
  });

  it('forgets an event of a version that never was', async () => {
    const log = await new Followed({ fromEvent: () => undefined }).started();
    log.follower.notify(commitOf(1));
    await log.follower.settled();
    expect(log.errors[0]).toBeInstanceOf(FollowerOutOfStep);
    await log.due();
    expect(log.errors).toHaveLength(1);
    expect(log.waits.at(-1)).toBe(30_000);
  });

  it('tries again after growing pauses, and then as ever', async () => {
    const log = await new Followed().started();
    log.commit();
    log.failures = 6;
    log.follower.lost();
    await log.follower.settled();
    for (let i = 0; i < 6; i += 1) await log.due();
    expect(log.waits.slice(1)).toEqual([75, 150, 300, 600, 750, 750, 30_000]);
    expect(log.errors).toHaveLength(6);
    expect(log.applied).toEqual([1]);
  });

  it('refuses a source that leaves a version out', async () => {
    const log = new Followed({
      source: {
        head: () => Promise.resolve({ ...commitOf(3), checkpoint_size: 0 }),
        after: () => Promise.resolve([commitOf(1), commitOf(3)]),
      },
    });
    log.follower.start();
    await log.follower.settled();
    expect(log.applied).toEqual([]);
    expect(log.errors[0]).toBeInstanceOf(FollowerOutOfStep);
  });

  it('applies nothing any more once it is closed', async () => {
    const log = new Followed();
    log.size = 3;
    log.turns = 10;
    log.follower.start();
    await turns(12);
    await log.follower.close();
    log.follower.notify(log.commit());
    log.follower.lost();
    await log.follower.settled();
    expect(log.applied).toEqual([]);
    expect(log.timed).toBe(false);
  });
});

describe('whatever becomes of the events', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'commit' as const }) },
    // Which of the events on their way arrives, and whether it arrives again later.
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('deliver' as const), which: fc.nat(9), again: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'lag' as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), times: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'timer' as const }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), turns: fc.nat(12) }) },
  );

  it('every version is applied once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80 }),
        fc.nat(5),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (steps, slowness, page, whole) => {
          const log = new Followed(whole ? {} : { fromEvent: () => undefined });
          log.turns = slowness;
          log.page = page;
          log.follower.start();
          const onTheirWay: RegistryCommitted[] = [];
          const take = (which: number): RegistryCommitted | undefined => onTheirWay.splice(which % 10, 1)[0];
          for (const each of steps) {
            if (each.kind === 'commit') onTheirWay.push(log.commit());
            else if (each.kind === 'drop') take(each.which);
            else if (each.kind === 'lag') log.follower.lost();
            else if (each.kind === 'fail') log.failures = each.times;
            else if (each.kind === 'timer') void log.due();
            else if (each.kind === 'wait') await turns(each.turns);
            else {
              const event = take(each.which);
              if (event !== undefined) log.follower.notify(event);
              if (event !== undefined && each.again) onTheirWay.push(event);
            }
            expect(log.applied).toEqual(upTo(log.applied.length));
          }
          await log.follower.settled();
          for (let i = 0; i < 5; i += 1) await log.due();
          expect(log.applied).toEqual(upTo(log.size));
          await log.follower.close();
        },
      ),
      { numRuns: 500 },
    );
  });
});
