import { type ObjectOpenRequest, ServiceError } from '@macronode/contracts';
import type { Occupancy } from '@macronode/metrics';
import { newUlid } from '@macronode/service';

/** An upload that was promised a place. */
export interface Upload {
  readonly key: string;
  readonly request: ObjectOpenRequest;
}

interface Held extends Upload {
  /** On the clock of `performance.now()`. */
  readonly since: number;
  /** Ends a ticket nobody comes for; undefined once the bytes flow. */
  expiry: NodeJS.Timeout | undefined;
}

/** A bounded set of uploads: from the ticket to the answer, or until the ticket is forgotten. */
export class UploadSlots {
  readonly #held = new Map<string, Held>();
  readonly #limit: number;
  readonly #ticketMs: number;

  constructor(limit: number, ticketMs: number) {
    this.#limit = limit;
    this.#ticketMs = ticketMs;
  }

  get size(): number {
    return this.#held.size;
  }

  occupancy(): Occupancy {
    const [oldest] = this.#held.values();
    const oldestMs = oldest && performance.now() - oldest.since;
    return { kind: 'semaphore', name: 'upload slots', held: this.#held.size, bound: this.#limit, oldestMs };
  }

  /** @throws ServiceError `busy` when every slot is taken */
  reserve(request: ObjectOpenRequest): Upload {
    if (this.#held.size >= this.#limit) {
      throw new ServiceError('busy', 'All upload slots are taken.', { reason: 'upload_slots', retryAfterMs: 1_000 });
    }
    const key = newUlid();
    const expiry = setTimeout(() => this.#held.delete(key), this.#ticketMs).unref();
    const held: Held = { key, request, since: performance.now(), expiry };
    this.#held.set(key, held);
    return held;
  }

  /** Takes the upload of a ticket, once. @throws ServiceError `unavailable` when the ticket is unknown, used or too old */
  claim(key: string): Upload {
    const held = this.#held.get(key);
    if (held?.expiry === undefined) {
      throw new ServiceError('unavailable', 'The upload is not open any more.', {
        reason: 'unknown_upload',
        retryAfterMs: 1_000,
      });
    }
    clearTimeout(held.expiry);
    held.expiry = undefined;
    return held;
  }

  release(upload: Upload): void {
    this.#held.delete(upload.key);
  }

  close(): void {
    for (const { expiry } of this.#held.values()) clearTimeout(expiry);
    this.#held.clear();
  }
}
