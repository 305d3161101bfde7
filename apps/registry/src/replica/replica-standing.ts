import { UpstreamRefused } from './upstream-refused.ts';

/** Whether a replica may serve: it holds what to serve, and what its upstream sends is what it must be. */
export class ReplicaStanding {
  #holds: boolean;
  #refused = false;

  /** `holds`: it has verified entries from before, so it can serve while its upstream is away. */
  constructor(holds: boolean) {
    this.#holds = holds;
  }

  /** Whether there is something to serve: from before, or from having caught up once. A half-read log is neither. */
  get holds(): boolean {
    return this.#holds;
  }

  /** Whether what its upstream sent last was taken over. */
  get trusts(): boolean {
    return !this.#refused;
  }

  /** Everything the upstream is known to have is here. */
  caughtUp(): void {
    this.#holds = true;
  }

  /** Entries or a checkpoint were taken over. */
  accepted(): void {
    this.#refused = false;
  }

  /** Something went wrong. Only what is refused speaks against the upstream: one that is away may be asked again. */
  failed(error: unknown): void {
    if (error instanceof UpstreamRefused) this.#refused = true;
  }
}
