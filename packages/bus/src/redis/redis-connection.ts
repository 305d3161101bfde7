import { Redis } from 'ioredis';
import { backoffMs, hasMoved, isMoving, RedisNotSent, RedisReadStuck } from './redis-failures.ts';
import type { RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import type { Appended, RedisAppend } from './redis-appends.ts';
import { type Answered, type RedisArg, respCommand, WireCommand } from './redis-command.ts';
import type { RedisRoute, RouteOptions } from './redis-route.ts';
import type { RedisScript } from './redis-script.ts';
import { REDIS_SCRIPTS } from './redis-scripts.ts';
import { pause } from './pause.ts';

export interface RedisConnectionOptions {
  /** Leads to the server, wherever it stands at the time. */
  readonly route: RedisRoute;
  /** Shown by CLIENT LIST. */
  readonly connectionName: string;
  readonly role: string;
  readonly timings: RedisLinkTimings;
  /** Loads the scripts on every connect. */
  readonly scripts: boolean;
  readonly onEvent: (event: RedisLinkEvent) => void;
  readonly onState: () => void;
  /** Runs after every (re)connect, before any waiter goes on. */
  readonly onReady?: (() => void) | undefined;
}

/** A blocking read without an answer yet. */
interface BlockingRead {
  readonly client: Redis;
  readonly blockMs: number;
  readonly reject: (error: Error) => void;
}

/** Reads in a row that the watchdog gave up before the client is replaced instead of reconnected. */
const STUCK_READS_MAX = 3;
/** Between two tries of a write whose slot is being moved, in ms. */
const MOVING_RETRY_MS = 20;

/**
 * One connection to Redis that looks after itself: fails fast while it is away, comes back with backoff and jitter,
 * gives up a server that is silent and reads that never return, and replaces a client that no longer recovers.
 */
export class RedisConnection {
  readonly #options: RedisConnectionOptions;
  #client: Redis;
  #ready = false;
  #closed = false;
  #connects = 0;
  #stuckReads = 0;
  #clientId = 0;
  /** Commands without an answer yet. */
  #unanswered = 0;
  /** Runs out when there is no answer for the `command` time. */
  readonly #silence: NodeJS.Timeout;
  #reading: BlockingRead | undefined;
  #readTimer: NodeJS.Timeout | undefined;
  #readTimerMs = 0;
  #lastError: Error | undefined;
  #stuckTimer: NodeJS.Timeout | undefined;
  /** Since when the connection is on its way to a place that moved; undefined when it is not. */
  #movedAt: number | undefined;
  /** While the slot is being moved, writes wait for this, so that they stay in order. */
  #moving: Promise<void> | undefined;
  #corked = false;
  readonly #waiters = new Set<() => void>();

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#silence = setTimeout(() => this.#onSilence(), options.timings.command).unref();
    this.#client = this.#connect();
  }

  get ready(): boolean {
    return this.#ready;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Stood once and does not now. */
  get lost(): boolean {
    return this.#connects > 0 && !this.#ready && !this.#closed;
  }

  /** What kept it from connecting the last time; never holds credentials. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** CLIENT ID of the present connection, for CLIENT UNBLOCK; 0 when unknown. */
  get clientId(): number {
    return this.#ready ? this.#clientId : 0;
  }

  /** Resolves when the connection stands, when it is closed for good, or when the signal says so. Never rejects. */
  async whenReady(signal?: AbortSignal): Promise<void> {
    if (this.#ready || this.#closed || signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#waiters.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Sends one command; replies are Buffers. Rejects with `RedisNotSent` when it certainly was not sent. */
  command(name: string, args: readonly RedisArg[]): Promise<unknown> {
    if (!this.#ready) return Promise.reject(this.#notSent());
    this.#cork();
    if (this.#unanswered++ === 0) this.#silence.refresh();
    return this.#client.callBuffer(name, [...args]).then(this.#onAnswered, this.#onFailed);
  }

  /**
   * Runs a script by its digest; sends its text when the server has forgotten it. Where the shard moves meanwhile it
   * certainly did not run, and is sent again, in order, within the `redirect` time.
   */
  run(script: RedisScript, keys: readonly string[], args: readonly RedisArg[]): Promise<unknown> {
    if (this.#moving !== undefined) return this.#moving.then(() => this.run(script, keys, args));
    return this.command('evalsha', [script.sha, keys.length, ...keys, ...args]).catch((error: unknown) =>
      this.#runAgain(error, script, keys, args),
    );
  }

  /** As `run`, for an entry: it is sent before this returns, and `answered` is called once. */
  append(append: RedisAppend, what: Appended, answered: Answered): void {
    if (this.#moving !== undefined) return void this.#moving.then(() => this.append(append, what, answered));
    const onAnswer: Answered = (error, reply) => {
      if (error === undefined) return answered(undefined, reply);
      this.#runAgain(error, append.script, append.keys, append.args(what)).then(
        (late) => answered(undefined, late),
        (failure: unknown) => answered(failure as Error, undefined),
      );
    };
    if (!this.#ready) return onAnswer(this.#notSent(), undefined);
    this.#cork();
    if (this.#unanswered++ === 0) this.#silence.refresh();
    const command = new WireCommand('evalsha', append.wire(what), (error, reply) => {
      this.#answered();
      onAnswer(error, reply);
    });
    void this.#client.sendCommand(command);
  }

  async #runAgain(
    failure: unknown,
    script: RedisScript,
    keys: readonly string[],
    args: readonly RedisArg[],
  ): Promise<unknown> {
    const until = performance.now() + this.#options.timings.redirect;
    for (let error = failure; ;) {
      const isForgotten = error instanceof Error && error.message.startsWith('NOSCRIPT');
      const isAwayWhileMoving = error instanceof RedisNotSent && this.#isOnTheWay();
      if (!isForgotten && !isAwayWhileMoving && !hasMoved(error) && !isMoving(error)) throw error;
      const left = until - performance.now();
      if (left <= 0 || this.#closed) throw error;
      if (isMoving(error)) await (this.#moving ??= this.#waitWhileMoving());
      else if (!isForgotten) await this.#whenReadyWithin(left);
      try {
        return await this.command('eval', [script.source, keys.length, ...keys, ...args]);
      } catch (again) {
        error = again;
      }
    }
  }

  /** A read that blocks on the server for at most `blockMs`, watched by our own clock. One at a time. */
  blockingRead(name: string, args: readonly (string | number)[], blockMs: number): Promise<unknown> {
    if (!this.#ready) return Promise.reject(this.#notSent());
    const client = this.#client;
    this.#cork();
    return new Promise((resolve, reject) => {
      const read: BlockingRead = { client, blockMs, reject };
      this.#reading = read;
      this.#watchRead(blockMs + this.#options.timings.watchdogGrace);
      const wire = respCommand(name, args);
      const command = new WireCommand(
        name,
        () => wire,
        (error, reply) => {
          if (this.#reading !== read) return;
          this.#reading = undefined;
          if (error !== undefined) return reject(error);
          this.#stuckReads = 0;
          resolve(reply);
        },
      );
      void client.sendCommand(command);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ready = false;
    clearTimeout(this.#stuckTimer);
    clearTimeout(this.#silence);
    clearTimeout(this.#readTimer);
    discard(this.#client);
    this.#options.onState();
    this.#release();
  }

  #notSent(): RedisNotSent {
    return new RedisNotSent(`the ${this.#options.role} connection is not ready`);
  }

  /** What one turn of the event loop sends leaves in one write: a system call costs more than a command. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    const { stream } = this.#client;
    stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      stream.uncork();
    });
  }

  readonly #onAnswered = (reply: unknown): unknown => {
    this.#answered();
    return reply;
  };

  readonly #onFailed = (error: unknown): never => {
    this.#answered();
    throw error;
  };

  /** Answers come in order: while there is one now and then, the server is not silent. */
  #answered(): void {
    if (--this.#unanswered > 0) this.#silence.refresh();
  }

  #onSilence(): void {
    const client = this.#client;
    const unanswered = this.#unanswered;
    if (unanswered === 0 || !this.#ready || this.#closed) return;
    // A stalled event loop runs its timers before it reads its sockets: the answers may lie there already.
    setImmediate(() => {
      if (this.#unanswered < unanswered || client !== this.#client || client.status !== 'ready') return;
      this.#options.onEvent({ type: 'watchdog_fired', role: this.#options.role });
      this.#drop(client);
    });
  }

  #watchRead(ms: number): void {
    if (this.#readTimerMs === ms) {
      this.#readTimer?.refresh();
      return;
    }
    clearTimeout(this.#readTimer);
    this.#readTimerMs = ms;
    this.#readTimer = setTimeout(() => this.#onReadDue(), ms).unref();
  }

  #onReadDue(): void {
    const read = this.#reading;
    if (read === undefined) return;
    setImmediate(() => {
      if (this.#reading !== read) return;
      this.#reading = undefined;
      const grace = this.#options.timings.watchdogGrace;
      read.reject(new RedisReadStuck(`no answer ${grace} ms after a block of ${read.blockMs} ms`));
      this.#giveUpRead(read.client);
    });
  }

  #connect(): Redis {
    const { timings } = this.#options;
    const options: RouteOptions = {
      ...this.#options.route.client,
      connectionName: this.#options.connectionName,
      protocol: 2,
      disableClientInfo: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // 0, and not null: with resending off, null would leave commands of a lost connection pending for ever.
      maxRetriesPerRequest: 0,
      connectTimeout: timings.connect,
      noDelay: true,
      retryStrategy: backoffMs,
      reconnectOnError: (error) => this.#onReplyError(client, error),
    };
    const client: Redis = new Redis(options);
    client.on('ready', () => this.#onReady(client));
    client.on('close', () => this.#onLost(client));
    client.on('end', () => this.#onEnd(client));
    client.on('error', (error: Error) => {
      this.#lastError = error;
    });
    this.#watchStuck();
    return client;
  }

  /** Told of every error reply; says whether to connect anew, which finds out where the shard stands now. */
  #onReplyError(client: Redis, error: Error): boolean {
    if (client !== this.#client || this.#closed || !hasMoved(error)) return false;
    // Further replies of the place we left say the same.
    if (!this.#ready) return false;
    this.#options.route.moved(error.message);
    this.#movedAt = performance.now();
    this.#ready = false;
    this.#watchStuck();
    this.#options.onEvent({ type: 'moved', role: this.#options.role });
    this.#options.onState();
    return true;
  }

  #isOnTheWay(): boolean {
    return this.#movedAt !== undefined && performance.now() - this.#movedAt < this.#options.timings.redirect;
  }

  async #waitWhileMoving(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, MOVING_RETRY_MS));
    this.#moving = undefined;
  }

  async #whenReadyWithin(ms: number): Promise<void> {
    const waited = new AbortController();
    await Promise.race([this.whenReady(waited.signal), pause(ms, waited.signal)]);
    waited.abort();
  }

  #onReady(client: Redis): void {
    if (client !== this.#client || this.#closed) return;
    this.#movedAt = undefined;
    const ignore = (): void => undefined;
    // These are on the wire before anything a waiter sends, for one connection keeps its order.
    if (this.#options.scripts) {
      for (const script of REDIS_SCRIPTS) client.callBuffer('script', ['load', script.source]).catch(ignore);
    }
    this.#clientId = 0;
    client.callBuffer('client', ['id']).then((id) => {
      if (client === this.#client && typeof id === 'number') this.#clientId = id;
    }, ignore);
    this.#ready = true;
    clearTimeout(this.#stuckTimer);
    if (this.#connects++ > 0) this.#options.onEvent({ type: 'reconnected', role: this.#options.role });
    this.#options.onReady?.();
    this.#options.onState();
    this.#release();
  }

  #onLost(client: Redis): void {
    if (client !== this.#client || this.#closed) return;
    const before = this.#ready;
    this.#ready = false;
    this.#watchStuck();
    if (before) this.#options.onState();
  }

  #onEnd(client: Redis): void {
    // The library gave up for good; we do not.
    if (client === this.#client && !this.#closed) setTimeout(() => this.#replace(client), backoffMs(3)).unref();
  }

  #watchStuck(): void {
    clearTimeout(this.#stuckTimer);
    this.#stuckTimer = setTimeout(() => {
      if (this.#closed || this.#ready) return;
      const client = this.#client;
      // While it waits for its next try it is well; a handshake that never ends is not.
      if (client.status === 'connecting' || client.status === 'connect' || client.status === 'ready')
        this.#replace(client);
      else this.#watchStuck();
    }, this.#options.timings.stuckConnection);
    this.#stuckTimer.unref();
  }

  #replace(client: Redis): void {
    if (client !== this.#client || this.#closed) return;
    this.#options.onEvent({ type: 'connection_replaced', role: this.#options.role });
    const before = this.#ready;
    this.#ready = false;
    this.#stuckReads = 0;
    discard(client);
    this.#client = this.#connect();
    if (before) this.#options.onState();
  }

  #giveUpRead(client: Redis): void {
    if (client !== this.#client || this.#closed) return;
    this.#options.onEvent({ type: 'watchdog_fired', role: this.#options.role });
    this.#stuckReads += 1;
    if (this.#stuckReads >= STUCK_READS_MAX) this.#replace(client);
    // A disconnect while the client reconnects would cancel its next try and brick it.
    else if (client.status === 'ready') this.#drop(client);
  }

  #drop(client: Redis): void {
    const before = this.#ready;
    this.#ready = false;
    client.disconnect(true);
    if (before) this.#options.onState();
  }

  #release(): void {
    for (const done of [...this.#waiters]) done();
  }
}

/** Ends a client that is never used again. */
function discard(client: Redis): void {
  client.removeAllListeners();
  client.on('error', () => undefined);
  client.disconnect();
}
