import type { CounterCell } from '@macronode/metrics';
import { Worker } from 'node:worker_threads';
import { MeshStartError } from './mesh-errors.ts';
import type { FromMeshThread, MeshThreadData, ToMeshThread } from './mesh-thread-protocol.ts';

/** First wait before an ended thread is started again, in ms; doubled with each, and drawn from 0 up to it. */
const RESTART_MS = 500;
/** The longest wait, in ms. */
const RESTART_MAX_MS = 30_000;
/** A thread that ran for so long, in ms, had not failed at its start: the waits begin anew. */
const SETTLED_MS = 60_000;

export interface MeshThreadHostOptions {
  readonly data: MeshThreadData;
  readonly restarts: CounterCell;
  /** Told where it listens. */
  readonly ready: (addresses: readonly string[]) => void;
  readonly message: (message: FromMeshThread) => void;
  /** The thread has ended: by itself, which is a problem and leads to another one, or because it was asked to. */
  readonly ended: (problem: string | undefined) => void;
}

/** The mesh thread as a thing that runs: one that ends by itself is started again, ever later, until this is closed. */
export class MeshThreadHost {
  readonly #options: MeshThreadHostOptions;
  #worker: Worker | undefined;
  /** One that is not ready yet. */
  #starting: Worker | undefined;
  #startedAt = 0;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: MeshThreadHostOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#worker !== undefined;
  }

  /** The first start. Throws {@link MeshStartError}, and then nothing is left running. */
  async start(): Promise<void> {
    this.#adopt(...(await this.#spawn()));
  }

  /** False when no thread runs. */
  post(message: ToMeshThread): boolean {
    this.#worker?.postMessage(message);
    return this.#worker !== undefined;
  }

  /** Ends the thread, within `threadStopMs`; one that is about to be there again is not waited for. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#retry);
    await this.#starting?.terminate();
    const worker = this.#worker;
    if (worker === undefined) return;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    worker.once('exit', () => resolve());
    worker.postMessage({ kind: 'close' } satisfies ToMeshThread);
    const timer = setTimeout(() => void worker.terminate(), this.#options.data.limits.threadStopMs);
    await ended;
    clearTimeout(timer);
  }

  /** A thread that is ready. Throws where it is not, and then it is gone. */
  async #spawn(): Promise<readonly [Worker, readonly string[]]> {
    const { data } = this.#options;
    const { threadStartMs, threadHeapMib } = data.limits;
    const worker = new Worker(entry(), {
      name: 'mesh',
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: threadHeapMib },
    });
    this.#starting = worker;
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const timer = setTimeout(() => reject(new MeshStartError(`it took more than ${threadStartMs} ms`)), threadStartMs);
    const first = (message: FromMeshThread): void => {
      if (message.kind === 'ready') resolve(message.addresses);
      else if (message.kind === 'failed') reject(new MeshStartError(message.message, message.name));
      else this.#options.message(message);
    };
    const failed = (error: Error): void => reject(new MeshStartError(error.message, error.name));
    const exited = (): void => reject(new MeshStartError('its thread ended'));
    worker.on('message', first).on('error', failed).on('exit', exited);
    try {
      return [worker, await promise];
    } catch (error) {
      // An error that comes while it ends has been told of already.
      worker.on('error', () => undefined);
      await worker.terminate();
      throw error;
    } finally {
      this.#starting = undefined;
      clearTimeout(timer);
      worker.off('message', first).off('error', failed).off('exit', exited);
    }
  }

  #adopt(worker: Worker, addresses: readonly string[]): void {
    this.#worker = worker;
    this.#startedAt = performance.now();
    let problem = 'it ended';
    worker.on('message', (message: FromMeshThread) => {
      if (this.#worker === worker) this.#options.message(message);
    });
    worker.on('error', (error: unknown) => {
      problem = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => this.#ended(problem));
    this.#options.ready(addresses);
  }

  #ended(problem: string): void {
    this.#worker = undefined;
    if (performance.now() - this.#startedAt > SETTLED_MS) this.#failures = 0;
    const asked = this.#closing !== undefined;
    this.#options.ended(asked ? undefined : problem);
    if (!asked) this.#later();
  }

  #later(): void {
    const most = Math.min(RESTART_MAX_MS, RESTART_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retry = setTimeout(() => void this.#again(), Math.random() * most);
  }

  async #again(): Promise<void> {
    this.#options.restarts.inc();
    try {
      const [worker, addresses] = await this.#spawn();
      if (this.#closing === undefined) this.#adopt(worker, addresses);
      else await worker.terminate();
    } catch (error) {
      // Whoever closed this has given its place back meanwhile: it may be another's.
      if (this.#closing !== undefined) return;
      this.#options.ended(error instanceof Error ? error.message : String(error));
      this.#later();
    }
  }
}

/** The thread's entry is beside this file, in the same form: built, or as source. */
function entry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./network/mesh-thread.${extension}`, import.meta.url);
}
