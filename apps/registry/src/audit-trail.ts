import type { Logger } from '@macronode/service';
import type { Clock } from './clock.ts';
import type { AuditFact, LogStore } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';
import { TokenBucket } from './token-bucket.ts';

/** Refusals of signers recorded a second, and at once. */
const REFUSALS_PER_SECOND = 10;
const REFUSALS_BURST = 200;
/** The same of whoever did not show to be one: strangers must neither fill the disk nor push the others out of the chain. */
const STRANGERS_PER_SECOND = 1;
const STRANGERS_BURST = 60;

export interface AuditTrailOptions {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly writerId: string;
  readonly metrics: RegistryMetrics;
  readonly log: Logger;
}

export type AuditDetail = Pick<AuditFact, 'kind' | 'actor' | 'subject'> & Partial<Pick<AuditFact, 'reason' | 'attrs'>>;

/** A request to write that was refused. */
export interface Refusal {
  readonly action: string;
  /** Who it says asks. */
  readonly signerId: string;
  /** Whether its signature showed that. */
  readonly verified: boolean;
  readonly subject: string | null;
  readonly code: string;
}

/** What goes into the audit chain, and who writes it there. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #refusals = new TokenBucket(REFUSALS_PER_SECOND, REFUSALS_BURST);
  readonly #strangers = new TokenBucket(STRANGERS_PER_SECOND, STRANGERS_BURST);

  constructor(options: AuditTrailOptions) {
    this.#options = options;
  }

  /** A record to be written with a change, in its transaction. */
  fact({ kind, actor, subject, reason = null, attrs = {} }: AuditDetail): AuditFact {
    const { clock, writerId } = this.#options;
    return { at: clock.wallMs(), writerId, kind, actor, subject, reason, attrs };
  }

  /** A change is on disk with its record, or so many of them. */
  appended(records = 1): void {
    this.#options.metrics.auditAppended.inc(records);
  }

  /** Records a refusal behind the caller's back; over its rate, or when the store fails, it is counted as dropped. */
  refused({ action, signerId, verified, subject, code }: Refusal): void {
    const { store, metrics, log } = this.#options;
    if (!(verified ? this.#refusals : this.#strangers).take()) {
      metrics.auditDropped.inc({ reason: 'audit_backpressure' });
      return;
    }
    // An actor is one whose signature was seen; anybody may claim to be a signer.
    const who = verified
      ? { actor: signerId, attrs: { action } }
      : { actor: null, attrs: { action, claimed: signerId } };
    store.note(this.fact({ kind: 'refuse', subject, reason: code, ...who })).then(
      () => this.appended(),
      (err: unknown) => {
        metrics.auditDropped.inc({ reason: 'io_backpressure' });
        log.warn({ err }, 'a refusal was not recorded');
      },
    );
  }
}
