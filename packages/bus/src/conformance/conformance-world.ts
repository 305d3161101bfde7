import { type MetricsScope, MetricsRegistry } from '@macronode/metrics';
import { Bus, type BusOptions } from '../bus.ts';
import type { Link } from '../link.ts';
import type { BusSubject, BusTopic, CallContext } from '../subject.ts';

export interface MediumOptions {
  /** Frames one request or work stream holds. */
  readonly streamFrames?: number;
  /** A delivery not settled for this long is delivered again, in ms. */
  readonly minIdleMs?: number;
  /** Entries of one group delivered and not settled. */
  readonly pendingEntries?: number;
}

/** The medium of one test: what its links share. */
export interface Medium {
  /** A link as one process has it, started. In one process that is the same one every time. */
  link(): Promise<Link>;
  /** Ends a bus as a killed process does: no word to anybody. */
  kill(bus: Bus, link: Link): Promise<void>;
  /**
   * For people: entries nobody settled, and names and inboxes of others than the `living` instances. Hints and dead
   * letters may stay. Empty when all is well.
   */
  leftovers(living: readonly string[]): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** How a driver is brought up for one test. Each link counts in a scope of its own. */
export type OpenMedium = (options: MediumOptions, metrics: () => MetricsScope) => Medium;

/** The buses of one test, closed behind it. */
export class World {
  readonly registry = new MetricsRegistry();
  readonly #open: OpenMedium;
  readonly #members: { bus: Bus; link: Link }[] = [];
  #medium: Medium | undefined;

  constructor(open: OpenMedium) {
    this.#open = open;
  }

  /** Sets the medium up; without it the first bus does, with defaults. */
  medium(options: MediumOptions = {}): Medium {
    let links = 0;
    this.#medium ??= this.#open(options, () => this.scope(`link-${links++}`));
    return this.#medium;
  }

  /** A bus on a link of its own, not started. */
  async bus(service: string, options: Partial<BusOptions> = {}): Promise<Bus> {
    const link = await this.medium().link();
    const metrics = this.registry.scope({ service: `${service}-${this.#members.length}` });
    const bus = new Bus({ service, link, metrics, ...options });
    this.#members.push({ bus, link });
    return bus;
  }

  async started(service: string, options: Partial<BusOptions> = {}): Promise<Bus> {
    const bus = await this.bus(service, options);
    await bus.start();
    return bus;
  }

  scope(name: string): MetricsScope {
    return this.registry.scope({ service: name });
  }

  linkOf(bus: Bus): Link {
    const member = this.#members.find((each) => each.bus === bus);
    if (member === undefined) throw new Error('not a bus of this world');
    return member.link;
  }

  kill(bus: Bus): Promise<void> {
    return this.medium().kill(bus, this.linkOf(bus));
  }

  /** Sum of a metric's series whose labels contain all of `labels`. */
  async metric(name: string, labels = ''): Promise<number> {
    const lines = (await this.registry.render()).split('\n');
    return lines
      .filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ bus }) => bus.close()));
    await this.#medium?.close();
  }
}

const any = { parse: (value: unknown): unknown => value };

/** A subject of a test, without a schema. */
export const subject = (
  name: string,
  options: Partial<BusSubject<unknown, unknown>> = {},
): BusSubject<unknown, unknown> => ({
  name,
  service: name.split('.', 1)[0] ?? name,
  request: any,
  reply: any,
  stream: 'none',
  idempotent: false,
  deadlineMs: 10_000,
  ...options,
});

export const topic = (name: string): BusTopic<unknown> => ({ name, event: any });

export const context = (fields: Partial<CallContext> = {}): CallContext => ({ corrId: 'test', ...fields });

/** Waits until `condition` holds, at most `withinMs`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What a promise rejects with; fails when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

/** A door that handlers wait at until it is opened. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
