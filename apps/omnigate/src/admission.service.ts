import { type BusContext, Forwarded } from '@macronode/bus';
import { ERRORS, readMeshMetadata, ServiceError } from '@macronode/contracts';
import { Holders, type Occupancy } from '@macronode/metrics';
import { mapError } from '@macronode/service';
import type { OmnigateMetrics } from './metrics.ts';

const RETRY_AFTER_MS = 500;
/** From here on an answer is a failure of the node, not of its caller (RFC 9110, 15.6). */
const SERVER_ERROR = 500;

/** Decides whether a request is judged at all, before anything is asked of the services behind. */
export class AdmissionService {
  readonly #inflight = new Holders();
  readonly #bound: number;
  readonly #metrics: OmnigateMetrics;

  constructor(bound: number, metrics: OmnigateMetrics) {
    this.#bound = bound;
    this.#metrics = metrics;
    metrics.inflight.collect(() => this.#inflight.size);
  }

  occupancy(): Occupancy {
    const [held, bound] = [this.#inflight.size, this.#bound];
    return { kind: 'semaphore', name: 'requests judged', held, bound, oldestMs: this.#inflight.oldestMs() };
  }

  /** Runs `judge` under the in-flight gate; refuses with `busy` over the bound and `deadline` when no time is left. */
  async admit<T>(context: BusContext, judge: () => T | Promise<T>): Promise<T> {
    const { subject } = context;
    if (readMeshMetadata(context.metadata) !== undefined) this.#metrics.scoredRequests.inc();
    const refusal = this.#refusal(context);
    if (refusal !== undefined) {
      this.#metrics.requests.inc({ subject, result: 'refused' });
      throw refusal;
    }
    const holder = this.#inflight.enter();
    try {
      const answer = await judge();
      this.#metrics.requests.inc({ subject, result: answer instanceof Forwarded ? 'forwarded' : 'answered' });
      return answer;
    } catch (error) {
      // That a name is not there is an answer, not a failure of whoever was asked.
      const isFailure = ERRORS[mapError(error).code].status >= SERVER_ERROR;
      this.#metrics.requests.inc({ subject, result: isFailure ? 'failed' : 'refused' });
      throw error;
    } finally {
      this.#inflight.leave(holder);
    }
  }

  #refusal(context: BusContext): ServiceError | undefined {
    if (this.#inflight.size >= this.#bound) {
      return new ServiceError('busy', 'too many requests are being judged', {
        reason: 'inflight',
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    return context.remainingMs() > 0 ? undefined : new ServiceError('deadline');
  }
}
