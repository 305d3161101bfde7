import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import { RESULTS } from '../metrics.ts';
import { LedgerBook } from './conformance-ledger-book.ts';
import {
  LEDGER_GROUPS,
  LEDGER_LIMITS,
  LEDGER_SERVICE,
  LedgerLoad,
  type LedgerLoadOptions,
  serveLedger,
} from './conformance-ledger-load.ts';
import { eventually, type OpenMedium, World } from './conformance-world.ts';

const CALLERS = 2;
const SERVERS = 3;
const DRAIN_MS = 8_000;

/** What a fault may have taken from the medium, and what is left out of the reckoning for it. */
export interface Losses {
  /** Work admitted between these moments (ms of the process) may be gone. */
  readonly work?: { readonly from: number; readonly to: number };
  /** Hints may be gone without a gap in their numbers. */
  readonly hints?: boolean;
}

/** Servers in processes of their own. */
export interface OtherServers {
  readonly instances: readonly string[];
  drain(): Promise<void>;
}

/** A medium under load with its ledger. */
export class LedgerRun {
  readonly book = new LedgerBook();
  readonly world: World;
  load: LedgerLoad;
  /** Servers outside this process. */
  others: OtherServers = { instances: [], drain: () => Promise.resolve() };
  readonly #servers: Bus[] = [];
  readonly #callers: Bus[] = [];

  constructor(world: World) {
    this.world = world;
    this.load = new LedgerLoad([], this.book);
  }

  get servers(): readonly Bus[] {
    return this.#servers;
  }

  /** Starts servers in this process, then the load. */
  async start(servers = SERVERS, options: LedgerLoadOptions = {}): Promise<void> {
    for (let i = 0; i < servers; i += 1) await this.addServer();
    for (let i = 0; i < CALLERS; i += 1)
      this.#callers.push(await this.world.started('caller', { limits: LEDGER_LIMITS }));
    this.load = new LedgerLoad(this.#callers, this.book, options);
    await this.load.start();
  }

  async addServer(): Promise<Bus> {
    const bus = await this.world.bus(LEDGER_SERVICE, { limits: LEDGER_LIMITS });
    await serveLedger(bus, this.book);
    await bus.start();
    this.#servers.push(bus);
    return bus;
  }

  async drain(bus: Bus): Promise<void> {
    this.#servers.splice(this.#servers.indexOf(bus), 1);
    await bus.drain(DRAIN_MS);
  }

  async kill(bus: Bus): Promise<void> {
    this.#servers.splice(this.#servers.indexOf(bus), 1);
    await this.world.kill(bus);
  }

  /** Ends the load and everything else, and holds the book against what servers, counters and the medium say. */
  async close(losses: Losses = {}): Promise<void> {
    await this.load.stop();
    const { book, world } = this;
    const { from, to } = losses.work ?? { from: Infinity, to: -Infinity };
    const unhandled = (): string[] => book.unhandled(LEDGER_GROUPS, (at) => at >= from && at <= to);
    await eventually(() => unhandled().length === 0, 'every admitted event is handled by each group', 30_000).catch(
      () => undefined,
    );
    expect(unhandled().slice(0, 10), book.summary).toEqual([]);
    if (losses.hints !== true) await this.#hintsAddUp();
    for (const result of RESULTS) {
      const counted = await world.metric('bus_requests_total', `result="${result}"`);
      expect(counted, `bus_requests_total of ${result}: ${book.summary}`).toBe(book.results.get(result) ?? 0);
    }
    expect(await world.metric('bus_client_inflight')).toBe(0);
    const own = [...this.#servers, ...this.#callers].map((bus) => bus.instance);
    await this.#leavesNothing([...own, ...this.others.instances]);
    for (const bus of [...this.#servers]) await this.drain(bus);
    await this.others.drain();
    await Promise.all(this.#callers.map((bus) => bus.close()));
    await this.#leavesNothing([]);
    expect(book.problems().slice(0, 10), book.summary).toEqual([]);
  }

  /** Of those who are gone nothing stays: no entry, no name, no inbox. */
  async #leavesNothing(living: readonly string[]): Promise<void> {
    const left = (): Promise<readonly string[]> => this.world.medium().leftovers(living);
    await eventually(async () => (await left()).length === 0, 'the medium is empty', 20_000).catch(() => undefined);
    expect(await left()).toEqual([]);
  }

  async #hintsAddUp(): Promise<void> {
    const { book } = this;
    const seen = (): number[] => book.hintReaders.map(({ handled, lost }) => handled + lost);
    await eventually(
      () => seen().every((count) => count >= book.hintsAdmitted),
      `published = handled + lost (${book.hintsAdmitted} published, ${seen().join(' and ')} seen)`,
    );
    for (const count of seen()) expect(count).toBeLessThanOrEqual(book.hintsAdmitted + book.hintsUnknown);
  }
}

/** The ledger closes on every link: under load alone, while instances are restarted, and when some are killed. */
export function ledgerConformance(name: string, open: OpenMedium): void {
  describe(`the ledger over the ${name} link`, () => {
    let world: World;
    beforeEach(() => {
      world = new World(open);
    });
    afterEach(() => world.close());

    it('has every request answered once, by its own answer, when nothing goes wrong', async () => {
      const run = new LedgerRun(world);
      await run.start();
      await run.load.progress(600);
      await run.close();
      expect([...run.book.errors]).toEqual([]);
      expect([...run.book.repeats]).toEqual([]);
      expect(await world.metric('bus_replies_orphaned_total')).toBe(0);
      expect(await world.metric('bus_redelivered_total')).toBe(0);
    });

    it('has no error at all while every instance is restarted in turn', async () => {
      const run = new LedgerRun(world);
      await run.start();
      for (const old of [...run.servers]) {
        await run.load.progress(150);
        await run.drain(old);
        await run.addServer();
      }
      await run.load.progress(150);
      await run.close();
      expect([...run.book.errors]).toEqual([]);
    });

    it('closes when instances are killed, one after another', async () => {
      world.medium({ minIdleMs: 1_000 });
      const run = new LedgerRun(world);
      await run.start(SERVERS, { ttlMs: 5_000 });
      for (const doomed of run.servers.slice(0, 2)) {
        await run.load.progress(150);
        await run.kill(doomed);
        await run.addServer();
      }
      await run.load.progress(150);
      await run.close();
    });
  });
}
