import { randomUUID } from 'node:crypto';
import type { LoadName } from '../../k6/flows/flows.ts';
import { Child } from '../measure/child.ts';
import type { LoadReport } from './load-tally.ts';

export interface LoopSetting {
  /** Gateway, without a trailing slash. */
  readonly url: string;
  /** Users there are at most, each with a connection. */
  readonly users: number;
  readonly run: string;
  readonly seed: number;
  /** File with the keys of the signers of the registry; without it the flows only read it. */
  readonly signers?: string | undefined;
}

/** One window of load. */
export interface LoadOrder {
  readonly flow: LoadName;
  readonly ms: number;
  /** Closed loop: users that go round as fast as they are answered; all of them when left out. */
  readonly users?: number;
  /** Closed loop: nobody goes round again once so many turns have begun; `ms` is the longest it may take then. */
  readonly turns?: number;
  /** Open loop: turns that begin each second, answered or not. */
  readonly turnsPerSecond?: number;
}

export type LoopMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly report: LoadReport }
  | { readonly type: 'done'; readonly error: string };

/** Beside the length of the window: what was under way is waited for, and a first order prepares its flow. */
const STRAGGLERS_MS = 120_000;

/** Walks flows against one node from a process of its own, a window at a time. */
export class LoadLoop implements AsyncDisposable {
  readonly #child: Child<LoopMessage>;

  private constructor(child: Child<LoopMessage>) {
    this.#child = child;
  }

  static async start(
    url: string,
    { users, seed = 1, signers }: { users: number; seed?: number; signers?: string | undefined },
  ): Promise<LoadLoop> {
    const setting: LoopSetting = { url, users, seed, signers, run: randomUUID().slice(0, 8) };
    const child = new Child<LoopMessage>(new URL('load-loop-process.ts', import.meta.url), [JSON.stringify(setting)]);
    await child.next('ready');
    return new LoadLoop(child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Runs one window; resolves when the last of its requests was answered. The first of a flow prepares it before. */
  async run(order: LoadOrder): Promise<LoadReport> {
    const done = this.#child.next('done', order.ms + STRAGGLERS_MS);
    this.#child.send(order);
    const message = await done;
    if ('error' in message) throw new Error(`the load stopped: ${message.error}`);
    return message.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
  }
}
