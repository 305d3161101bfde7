import { InProcessLink } from '@macronode/bus';
import { REGISTRY_ROUTES, type RegistryCall, type RegistryCommitted, type RegistryHead } from '@macronode/contracts';
import {
  defineConfig,
  type RequestContext,
  type RunningNode,
  type ServiceDefinition,
  startNode,
} from '@macronode/service';
import type { DynamicModule } from '@nestjs/common';
import { expect, vi } from 'vitest';
import { CommitFeed } from './commit-feed.ts';
import { EventStream, type EventStreamBounds } from './event-stream.ts';
import { eventStreamMetrics } from './metrics.ts';
import { type DeskAnswer, RegistryDesk } from './registry-desk.ts';
import { RegistryHttpController } from './registry.http.controller.ts';

/** Waits until `holds`, for effects that have no event of their own. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await vi.waitFor(async () => expect(await holds(), what).toBe(true), { timeout: 10_000, interval: 5 });
}

const hash = (version: number): string => `b3:${version.toString(16).padStart(64, '0')}`;

/** A commit of a log in which everything follows from the version. `padding` makes it as long as it is asked to be. */
export const commitOf = (version: number, padding = ''): RegistryCommitted => ({
  version,
  payload_b3: hash(version),
  entry_b3: hash(version + 0x10_000),
  committed_at: `2026-01-01T00:00:00.000Z${padding}`,
});

/** A log whose commits are made by the test. */
class TestFeed extends CommitFeed {
  readonly commits: RegistryCommitted[] = [];
  /** What a backfill waits for. */
  beforeBackfill: Promise<void> = Promise.resolve();
  /** Whether old versions are not at hand. */
  forgets = false;
  /** What a backfill fails with. */
  failure: Error | undefined;
  readonly #listeners = new Set<(committed: RegistryCommitted) => void>();

  head(): RegistryHead {
    const last = this.commits.at(-1);
    if (last === undefined) {
      return { version: 0, payload_b3: null, entry_b3: null, committed_at: null, checkpoint_size: 0 };
    }
    return { ...last, checkpoint_size: last.version };
  }

  async committed(after: number, limit: number): Promise<readonly RegistryCommitted[]> {
    const found = this.commits.slice(after, after + limit);
    await this.beforeBackfill;
    if (this.failure !== undefined) throw this.failure;
    return this.forgets ? found.slice(1) : found;
  }

  subscribe(listener: (committed: RegistryCommitted) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  commit(times = 1, padding = ''): void {
    for (let i = 0; i < times; i += 1) {
      const committed = commitOf(this.commits.length + 1, padding);
      this.commits.push(committed);
      for (const listener of this.#listeners) listener(committed);
    }
  }
}

/** Remembers what it was asked and answers what the test says. */
class TestDesk extends RegistryDesk {
  readonly calls: RegistryCall[] = [];
  answers: (call: RegistryCall, context: RequestContext) => DeskAnswer | Promise<DeskAnswer> = () => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    bytes: Buffer.from('{}'),
  });

  async answer(call: RegistryCall, context: RequestContext): Promise<DeskAnswer> {
    this.calls.push(call);
    return this.answers(call, context);
  }
}

class LogModule {}

/** The face of a log, booted for real, over a desk and a feed of the test's own. */
export class BootedLog {
  readonly desk = new TestDesk();
  readonly feed = new TestFeed();
  /** What was logged, warnings and worse. */
  readonly logged: Readonly<Record<string, unknown>>[] = [];
  readonly #link = new InProcessLink();
  readonly #clients: number;
  readonly #bounds: Partial<EventStreamBounds>;
  #node: RunningNode | undefined;

  constructor(clients = 2_000, bounds: Partial<EventStreamBounds> = {}) {
    this.#clients = clients;
    this.#bounds = bounds;
  }

  async start(port = 0): Promise<void> {
    await this.#link.start();
    const definition: ServiceDefinition<object> = {
      name: 'registry',
      config: defineConfig('registry', {}),
      opsPort: 9085,
      http: () => ({ host: '127.0.0.1', port }),
      routes: () => Object.values(REGISTRY_ROUTES),
      rejectReasons: ['streams'],
      declarations: Object.values(eventStreamMetrics),
      module: {
        register: (deps): DynamicModule => {
          const metrics = deps.metrics.bind(eventStreamMetrics);
          const stream = new EventStream({ feed: this.feed, metrics, clients: this.#clients, bounds: this.#bounds });
          deps.metrics.occupied(() => [stream.occupancy()]);
          deps.onClose('event stream', () => stream.close());
          return {
            module: LogModule,
            controllers: [RegistryHttpController],
            providers: [
              { provide: RegistryDesk, useValue: this.desk },
              { provide: EventStream, useValue: stream },
            ],
          };
        },
      },
    };
    const env = { OPS_PORT: '0', LOG_LEVEL: 'warn' };
    const logStream = { write: (line: string) => void this.logged.push(JSON.parse(line) as Record<string, unknown>) };
    this.#node = await startNode({ services: [definition], profile: 'micronode', env, link: this.#link, logStream });
  }

  async close(): Promise<void> {
    await this.#node?.close();
    await this.#link.close();
  }

  get url(): string {
    return this.#node?.httpUrl ?? 'http://not.started.invalid';
  }

  readonly call = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${this.url}${path}`, init);

  /** The value of one series, 0 when it is not there. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`${this.#node?.opsUrl ?? ''}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  }
}
