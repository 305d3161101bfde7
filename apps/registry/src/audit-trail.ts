import type { Logger } from '@macronode/service';
import type { Clock } from './clock.ts';
import type { AuditFact, LogStore } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';
import { TokenBucket } from './token-bucket.ts';

/** Refusals recorded a second, and at once: whoever floods the log with rubbish must not fill its disk. */
const REFUSALS_PER_SECOND = 20;
const REFUSALS_BURST = 200;

export interface AuditTrailOptions {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly writerId: string;
  readonly metrics: RegistryMetrics;
  readonly log: Logger;
}

export type AuditDetail = Pick<AuditFact, 'kind' | 'actor' | 'subject'> & Partial<Pick<AuditFact, 'reason' | 'attrs'>>;

/** What goes into the audit chain, and who writes it there. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #refusals: TokenBucket;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#refusals = new TokenBucket(REFUSALS_PER_SECOND, REFUSALS_BURST);
  }

  /** A record to be written with a change, in its transaction. */
  fact({ kind, actor, subject, reason = null, attrs = {} }: AuditDetail): AuditFact {
    const { clock, writerId } = this.#options;
    return { at: clock.wallMs(), writerId, kind, actor, subject, reason, attrs };
  }

  /** A change is on disk with its record. */
  appended(): void {
    this.#options.metrics.auditAppended.inc();
  }

  /** Records a refusal behind the caller's back; over its rate, or when the store fails, it is counted as dropped. */
  refused(actor: string | null, subject: string | null, code: string, action: string): void {
    const { store, metrics, log } = this.#options;
    if (!this.#refusals.take()) {
      metrics.auditDropped.inc({ reason: 'audit_backpressure' });
      return;
    }
    store.note(this.fact({ kind: 'refuse', actor, subject, reason: code, attrs: { action } })).then(
      () => this.appended(),
      (err: unknown) => {
        metrics.auditDropped.inc({ reason: 'io_backpressure' });
        log.warn({ err }, 'a refusal was not recorded');
      },
    );
  }
}
