import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '@macronode/contracts';
import { appCommand, ROOT } from '../bootstrap.mjs';
import type { PlannedProcess } from '../plan.ts';
import { answersOk, poll } from '../poll.ts';
import { type Mend, repeating } from './mend.ts';

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 12_000;

/** A process of the rig, which can be ended, paused and started again by hand. */
export class RigProcess {
  readonly planned: PlannedProcess;
  readonly log: string;
  readonly #wrapper: readonly string[];
  #child: ChildProcess | undefined;

  /** `wrapper` is a program with arguments that replaces itself by the service: `prlimit --nofile=400`. */
  constructor(planned: PlannedProcess, logDir: string, wrapper: readonly string[] = []) {
    this.planned = planned;
    const { service, index } = planned;
    this.log = join(logDir, index === 0 ? `${service}.log` : `${service}-${index}.log`);
    this.#wrapper = wrapper;
  }

  get service(): ServiceName {
    return this.planned.service;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it and waits until it is ready. Does nothing while it runs. */
  start(): Promise<void> {
    return this.startWith(this.#wrapper);
  }

  /** The same with another program around it, this once. */
  async startWith(wrapper: readonly string[]): Promise<void> {
    if (this.isRunning) return;
    const output = openSync(this.log, 'a');
    const [program = '', ...args] = [...wrapper, ...appCommand(this.service)];
    this.#child = spawn(program, args, {
      cwd: ROOT,
      stdio: ['ignore', output, output],
      env: { ...process.env, ...this.planned.env },
    });
    closeSync(output);
    const child = this.#child;
    await poll(this.service, READY_TIMEOUT_MS, () => {
      if (child.exitCode !== null)
        throw new Error(`${this.service} ended.\n${readFileSync(this.log, 'utf8').slice(-2_000)}`);
      return answersOk(`${this.planned.opsUrl}/readyz`);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends it, gently or not, and waits until it is gone. */
  async end(name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(name);
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(deadline);
  }
}

/** The processes of a node, one or more per service. */
export class RigProcesses implements AsyncDisposable {
  readonly all: readonly RigProcess[];

  constructor(processes: readonly RigProcess[]) {
    this.all = processes;
  }

  /** The first of a service, or another replica of it. */
  of(service: ServiceName, index = 0): RigProcess {
    const one = this.all.find(({ planned }) => planned.service === service && planned.index === index);
    if (one === undefined) throw new Error(`the rig runs no ${service} ${index}`);
    return one;
  }

  /** All replicas of a service, the first one first. */
  replicasOf(service: ServiceName): readonly RigProcess[] {
    return this.all.filter((one) => one.service === service).sort((a, b) => a.planned.index - b.planned.index);
  }

  /** One after another, those that own data first. */
  async start(): Promise<void> {
    for (const one of this.all) await one.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of [...this.all].reverse()) await one.end('SIGTERM');
  }
}

/** A process that runs in turns: what the event loop does when something computes on it. */
export function stuttering(one: RigProcess, stoppedMs: number, runningMs: number): Mend {
  return repeating(async () => {
    one.signal('SIGSTOP');
    await delay(stoppedMs);
    one.signal('SIGCONT');
    await delay(runningMs);
  });
}
