import type { MeshCommand } from './mesh-thread-protocol.ts';
import type { CommandDrop } from './metrics.ts';

export interface CommandQueueOptions {
  /** Commands given and not yet taken by the mesh thread (count). */
  readonly limit: number;
  readonly dropped: (reason: CommandDrop, commands: number) => void;
}

/**
 * The one way from the thread of requests to the mesh thread. It never waits: what is given in one turn goes over together,
 * at the end of the turn, and what would make more than `limit` that the mesh thread has not taken is refused and counted.
 * It outlives mesh threads: what one had not taken when it ended is counted as lost with it.
 */
export class CommandQueue {
  readonly #options: CommandQueueOptions;
  #pending: MeshCommand[] = [];
  #posted = 0;
  #flush: NodeJS.Immediate | undefined;
  #post: ((commands: readonly MeshCommand[]) => void) | undefined;
  #refusal: Exclude<CommandDrop, 'full'> = 'uninitialized';

  constructor(options: CommandQueueOptions) {
    this.#options = options;
  }

  /** Given and not taken yet (count). */
  get outstanding(): number {
    return this.#pending.length + this.#posted;
  }

  /** False when it was not taken, which is counted. */
  push(command: MeshCommand): boolean {
    if (this.#post === undefined) return this.#drop(this.#refusal);
    if (this.outstanding >= this.#options.limit) return this.#drop('full');
    this.#pending.push(command);
    this.#flush ??= setImmediate(() => this.#send());
    return true;
  }

  /** A mesh thread is there. */
  opened(post: (commands: readonly MeshCommand[]) => void): void {
    this.#post = post;
  }

  /** The mesh thread has taken so many. */
  taken(commands: number): void {
    this.#posted = Math.max(0, this.#posted - commands);
  }

  /** The mesh thread has ended, or is about to: what it has been given already may still be done. */
  closed(): void {
    if (this.#post !== undefined) this.#send();
    this.#post = undefined;
    this.#refusal = 'closed';
  }

  /** The mesh thread is gone, and what it had not taken with it. */
  lost(): void {
    if (this.outstanding > 0) this.#options.dropped('closed', this.outstanding);
    this.#pending = [];
    this.#posted = 0;
    this.#post = undefined;
    this.#refusal = 'closed';
    clearImmediate(this.#flush);
    this.#flush = undefined;
  }

  #send(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    if (this.#pending.length === 0) return;
    const commands = this.#pending;
    this.#pending = [];
    this.#posted += commands.length;
    this.#post?.(commands);
  }

  #drop(reason: CommandDrop): false {
    this.#options.dropped(reason, 1);
    return false;
  }
}
