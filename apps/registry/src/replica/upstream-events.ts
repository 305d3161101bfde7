import { LIMITS, RegistryCommitted } from '@macronode/contracts';
import type { FollowerTimer } from '@macronode/log';
import { EventFields, textLines } from '@macronode/content';
import { bodyOf, AnswerFailed } from '../bounded-answer.ts';

/** A commit or a head with every name spelt out is a few hundred bytes. */
const EVENT_CHARS = 4 * 1_024;
/** A stream says something every fifteen seconds: after three times that it is dead, whatever its connection says. */
const QUIET_MS = 3 * LIMITS.registry_stream_heartbeat_ms.value;
const OPEN_MS = LIMITS.request_timeout_ms.value;
/** Between two connections: what the stream asks for, within these, and longer the more of them fail. */
const RETRY_MS = 1_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 30_000;

export interface UpstreamEventsOptions {
  /** Of the registry or of a gateway, without the path of a route. */
  readonly url: string;
  readonly onCommit: (committed: RegistryCommitted) => void;
  /** What came before is not known to be whole: the stream began anew, or lost events. */
  readonly onLost: () => void;
  readonly onError: (error: unknown) => void;
  readonly timer: FollowerTimer;
  readonly quietMs?: number;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/** The event stream of a log over HTTP, connected again whenever it ends, after the last event that came. */
export class UpstreamEvents implements AsyncDisposable {
  readonly #options: UpstreamEventsOptions;
  readonly #closing = new AbortController();
  #lastEventId = '';
  #retryMs = RETRY_MS;
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(options: UpstreamEventsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#connect();
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        this.#options.onError(error);
      }
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    const { timer, random = Math.random } = this.#options;
    const longest = Math.min(RETRY_MAX_MS, this.#retryMs * 2 ** Math.max(0, this.#failures - 1));
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = timer.after(longest * (0.5 + random() / 2), done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  /** One connection, until it ends. */
  async #connect(): Promise<void> {
    const quiet = new AbortController();
    const watch = new QuietWatch(this.#options.timer, () => quiet.abort(new AnswerFailed('the stream went quiet')));
    const fields = new EventFields(EVENT_CHARS, this.#lastEventId);
    try {
      watch.arm(OPEN_MS);
      const body = await this.#open(AbortSignal.any([this.#closing.signal, quiet.signal]));
      for await (const line of textLines(body, EVENT_CHARS)) {
        watch.arm(this.#options.quietMs ?? QUIET_MS);
        this.#failures = 0;
        const event = fields.take(line);
        this.#retryMs = Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, fields.retryMs ?? this.#retryMs));
        if (event === undefined) continue;
        this.#tell(event.event, event.data);
        this.#lastEventId = event.lastEventId;
      }
    } finally {
      watch.stop();
    }
  }

  async #open(signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { url } = this.#options;
    const response = await fetch(`${url.replace(/\/+$/, '')}/registry/stream`, {
      signal,
      headers: {
        accept: 'text/event-stream',
        'accept-encoding': 'identity',
        ...(this.#lastEventId !== '' && { 'last-event-id': this.#lastEventId }),
      },
      redirect: 'error',
    });
    const type = response.headers.get('content-type') ?? '';
    if (response.status === 200 && type.startsWith('text/event-stream')) return bodyOf(response);
    await response.body?.cancel();
    throw new AnswerFailed(`the stream was answered with ${response.status} ${type}`, response.status);
  }

  #tell(event: string, data: string): void {
    const { onCommit, onLost } = this.#options;
    if (event === 'commit') onCommit(RegistryCommitted.parse(JSON.parse(data)));
    else if (event === 'reset' || event === 'lag') onLost();
  }
}

/** Runs out when nothing arms it again. */
class QuietWatch {
  readonly #timer: FollowerTimer;
  readonly #onQuiet: () => void;
  #cancel: () => void = () => undefined;

  constructor(timer: FollowerTimer, onQuiet: () => void) {
    this.#timer = timer;
    this.#onQuiet = onQuiet;
  }

  arm(ms: number): void {
    this.#cancel();
    this.#cancel = this.#timer.after(ms, this.#onQuiet);
  }

  stop(): void {
    this.#cancel();
  }
}
