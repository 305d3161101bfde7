import type { OutgoingHttpHeaders } from 'node:http';
import { DECIMAL, LIMITS, type RegistryHead, ServiceError } from '@macronode/contracts';
import type { Occupancy } from '@macronode/metrics';
import type { RequestContext } from '@macronode/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CommitFeed } from './commit-feed.ts';
import { CommitTexts, GREETING, headText, HEARTBEAT } from './event-text.ts';
import type { EventStreamMetrics } from './metrics.ts';
import { queryValue } from './registry-call.ts';
import { type ClientBounds, type ClientReports, StreamClient, type StreamEvent } from './stream-client.ts';

/** The next free place is a client's that left: some seconds, for it does not come sooner by asking. */
const RETRY_AFTER_MS = 5_000;
const HEADERS = Object.freeze({
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // Proxies that buffer would hold events back.
  'x-accel-buffering': 'no',
});

/** Bounds of a stream; tests make them smaller. */
export interface EventStreamBounds extends ClientBounds {
  /** Versions sent again after `Last-Event-ID`. */
  readonly backfill: number;
  /** A comment every so often, in ms. */
  readonly heartbeatMs: number;
}

const BOUNDS: EventStreamBounds = Object.freeze({
  queue: LIMITS.registry_stream_queue.value,
  queueBytes: LIMITS.registry_stream_queue_bytes.value,
  stallMs: LIMITS.registry_stream_stall_ms.value,
  backfill: LIMITS.registry_stream_backfill.value,
  heartbeatMs: LIMITS.registry_stream_heartbeat_ms.value,
});

export interface EventStreamOptions {
  readonly feed: CommitFeed;
  readonly metrics: EventStreamMetrics;
  /** Streams open at once; the next one is refused. */
  readonly clients: number;
  readonly bounds?: Partial<EventStreamBounds>;
}

/**
 * Commits as they happen, as server-sent events, to many clients: an event is written out once and every client is sent
 * the same bytes. None of them makes another wait.
 */
export class EventStream {
  readonly #feed: CommitFeed;
  readonly #places: number;
  readonly #bounds: EventStreamBounds;
  readonly #clients = new Set<StreamClient>();
  readonly #texts = new CommitTexts();
  readonly #reports: ClientReports;
  readonly #unsubscribe: () => void;
  readonly #beat: NodeJS.Timeout;

  constructor({ feed, metrics, clients, bounds }: EventStreamOptions) {
    this.#feed = feed;
    this.#places = clients;
    this.#bounds = { ...BOUNDS, ...bounds };
    this.#reports = {
      lagged: () => metrics.lagged.inc(),
      stalled: () => metrics.stalled.inc(),
      resume: () => headEvent('lag', feed.head()),
    };
    metrics.clients.collect(() => this.#clients.size);
    this.#unsubscribe = feed.subscribe((committed) => {
      const event = { version: committed.version, text: this.#texts.of(committed) };
      for (const client of this.#clients) client.offer(event);
    });
    this.#beat = setInterval(() => {
      for (const client of this.#clients) client.heartbeat(HEARTBEAT);
    }, this.#bounds.heartbeatMs).unref();
  }

  occupancy(): Occupancy {
    return { kind: 'semaphore', name: 'event streams', held: this.#clients.size, bound: this.#places };
  }

  /**
   * Answers a request with the stream; it resolves once that has begun. Throws `saturated` when all places are taken, and
   * what `head()` of the feed throws.
   */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const last = queryValue(request, 'last_event_id');
    const lastEventId = request.raw.headers['last-event-id'] ?? last;
    if (this.#clients.size >= this.#places) {
      throw new ServiceError('saturated', 'as many event streams are open as may be', {
        reason: 'streams',
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    const head = this.#feed.head();
    if (reply.raw.closed) return void reply.hijack();
    // From here on the client is in the set: what is committed meanwhile waits with it.
    const client = this.#take(request, reply);
    client.begin((await this.#backfill(lastEventId, head, request.ctx)) ?? this.#reset());
  }

  /** Ends every stream and takes no event any more. */
  close(): void {
    this.#unsubscribe();
    clearInterval(this.#beat);
    for (const client of this.#clients) client.end();
  }

  #take(request: FastifyRequest, reply: FastifyReply): StreamClient {
    const { raw } = reply;
    reply.hijack();
    const client = new StreamClient(raw, this.#bounds, this.#reports);
    this.#clients.add(client);
    raw.once('close', () => this.#clients.delete(client));
    raw.writeHead(200, reply.headers(HEADERS).getHeaders() as OutgoingHttpHeaders);
    // The client is told that it is taken, however long the backfill takes.
    raw.flushHeaders();
    request.ctx.endless(() => client.end());
    return client;
  }

  /** What was committed after the version the client has; undefined when that cannot be told without a hole. */
  async #backfill(lastEventId: unknown, head: RegistryHead, ctx: RequestContext): Promise<StreamEvent | undefined> {
    if (typeof lastEventId !== 'string' || !DECIMAL.test(lastEventId)) return undefined;
    const after = Number(lastEventId);
    const missing = head.version - after;
    if (missing < 0 || missing > this.#bounds.backfill) return undefined;
    if (missing === 0) return { version: after, text: GREETING };
    const found = await this.#feed.committed(after, missing).catch((err: unknown) => {
      ctx.log.warn({ err, after }, 'what a client of the event stream missed could not be read');
      return [];
    });
    const whole = found.length >= missing && found.every(({ version }, at) => version === after + 1 + at);
    if (!whole) return undefined;
    const text = Buffer.concat([GREETING, ...found.map((committed) => this.#texts.of(committed))]);
    return { version: after + found.length, text };
  }

  #reset(): StreamEvent {
    const { version, text } = headEvent('reset', this.#feed.head());
    return { version, text: Buffer.concat([GREETING, text]) };
  }
}

const headEvent = (event: 'reset' | 'lag', head: RegistryHead): StreamEvent => ({
  version: head.version,
  text: headText(event, head),
});
