import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { OtherServers } from '../conformance/conformance-ledger.ts';
import { type LedgerReport, LEDGER_SERVICE } from '../conformance/conformance-ledger-load.ts';
import type { RedisLinkTimings } from './redis-options.ts';

const CHILD = join(import.meta.dirname, 'ledger-child-fixture.ts');

export interface LedgerProcessesOptions {
  readonly url: string;
  readonly namespace: string;
  readonly timings: Partial<RedisLinkTimings>;
  readonly report: LedgerReport;
}

/** Servers of the ledger as processes of their own, which can be killed for real. */
export class LedgerProcesses implements OtherServers {
  readonly #options: LedgerProcessesOptions;
  readonly #children = new Map<string, { process: ChildProcess; gone: Promise<void> }>();
  #started = 0;

  constructor(options: LedgerProcessesOptions) {
    this.#options = options;
  }

  /** Instances that run, oldest first. */
  get instances(): readonly string[] {
    return [...this.#children.keys()];
  }

  /** Starts one and waits until it serves. */
  async start(): Promise<void> {
    const { url, namespace, timings, report } = this.#options;
    this.#started += 1;
    const instance = `${LEDGER_SERVICE}.process-${this.#started}`;
    const args = [CHILD, url, namespace, instance, JSON.stringify(timings)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const read = new Promise<void>((resolve) => lines.once('close', resolve));
    // What it said before it died counts: it is gone when all of that is read.
    const gone = Promise.all([exited, read]).then(() => undefined);
    this.#children.set(instance, { process: child, gone });
    const ready = new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        const [what, first = '', second = ''] = line.split(' ');
        if (what === 'ran') report.ran(first);
        else if (what === 'handled') report.handled(first, second);
        else resolve();
      });
    });
    const failed = exited.then(() => Promise.reject(new Error(`${instance} ended before it was ready`)));
    failed.catch(() => undefined);
    await Promise.race([ready, failed]);
  }

  /** Ends one: SIGTERM asks it to drain, SIGKILL asks nothing. Resolves when it is gone. */
  async stop(instance: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#children.get(instance);
    if (child === undefined) return;
    child.process.kill(signal);
    await child.gone;
    this.#children.delete(instance);
  }

  async drain(): Promise<void> {
    await Promise.all(this.instances.map((instance) => this.stop(instance, 'SIGTERM')));
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map((instance) => this.stop(instance, 'SIGKILL')));
  }
}
