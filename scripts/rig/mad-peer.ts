// A node of the trust list that has gone mad, in a process of its own: it says something as fast as it can.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { NodeKey } from '@macronode/keys';
import { pinnedNode } from '../bootstrap.mjs';
import type { MadOrder, MadReport } from './mad-peer-child.ts';

/** It stands for another machine: what it computes is not to be taken from the node. */
const LEFTOVERS = 10;
/** Addresses it speaks of by default. */
const OTHERS = 20_000;
const PROGRAM = fileURLToPath(new URL('./mad-peer-child.ts', import.meta.url));

export class MadPeer implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Joins the mesh of these nodes and says nothing yet. `about` is an address it accuses again and again, beside `others`. */
  static async join(
    key: NodeKey,
    addresses: readonly string[],
    about: string,
    others: number = OTHERS,
  ): Promise<MadPeer> {
    const order: MadOrder = { seed: Buffer.from(key.seed()).toString('hex'), addresses, about, others };
    const child = fork(PROGRAM, [JSON.stringify(order)], { execPath: pinnedNode(), stdio: 'inherit' });
    if (child.pid !== undefined) setPriority(child.pid, LEFTOVERS);
    const peer = new MadPeer(child);
    const [first] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    if (first !== 'joined') throw new Error(`the mad peer did not join the mesh (${String(first)})`);
    return peer;
  }

  flood(): void {
    this.#child.send('flood');
  }

  /** Ends it; answers how much it sent to each peer at least. */
  async end(): Promise<MadReport> {
    const told = once(this.#child, 'message') as Promise<[MadReport]>;
    const gone = once(this.#child, 'exit').then(() => undefined);
    if (this.#child.connected) this.#child.send('end');
    const report = await Promise.race([told, gone]);
    if (report === undefined) throw new Error('the mad peer ended before it was told to');
    await gone;
    return report[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
