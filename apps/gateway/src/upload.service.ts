import type { Bus, CallContext } from '@macronode/bus';
import { LIMITS, ServiceError, SUBJECTS, type ObjectOpenRequest, type ObjectWriteReply } from '@macronode/contracts';
import type { RequestBody } from '@macronode/service';
import type { GatewayMetrics } from './metrics.ts';

interface UploadRequest {
  /** The id the bytes must hash to; undefined when the client does not know it. */
  readonly id: string | undefined;
  readonly mustBeNew: boolean;
  readonly body: RequestBody;
}

/** Opens an upload through omnigate, then streams the bytes straight to the storage that holds the ticket. */
export class Uploads {
  readonly #bus: Bus;
  readonly #metrics: GatewayMetrics;

  constructor(bus: Bus, metrics: GatewayMetrics) {
    this.#bus = bus;
    this.#metrics = metrics;
  }

  /** `created: false` when the object was there before; the body may then be unread. */
  async store({ id, mustBeNew, body }: UploadRequest, context: CallContext): Promise<ObjectWriteReply> {
    const request: ObjectOpenRequest = {
      must_be_new: mustBeNew,
      ...(id === undefined ? {} : { id }),
      ...(body.declared === undefined ? {} : { size: body.declared }),
    };
    const opened = await this.#bus.call(SUBJECTS.omnigate.objectOpen, request, context);
    if (opened.outcome === 'present') {
      if (mustBeNew) throw new ServiceError('precondition_failed', 'the object is there already');
      return { id: opened.id, size: opened.size, created: false };
    }
    const { ticket } = opened;
    const commit = new CommitWatch();
    const source = new UploadSource(body, this.#metrics, commit);
    try {
      return await this.#bus.write(ticket, SUBJECTS.storage.objectWrite, { upload: ticket.upload }, source, {
        ...context,
        ttlMs: LIMITS.stream_timeout_ms.value,
        signal: context.signal === undefined ? commit.signal : AbortSignal.any([context.signal, commit.signal]),
      });
    } catch (error) {
      const left = source.failure === undefined && context.signal?.aborted === true;
      this.#metrics.uploadsAborted.inc({ reason: left ? 'client' : abortReason(source.failure) });
      if (commit.signal.aborted) throw new ServiceError('outcome_unknown', undefined, { cause: error });
      // When both ends fail, the client's end is the cause: the bus only saw its source break.
      throw source.failure ?? error;
    } finally {
      commit.stop();
    }
  }
}

/** Bodies up to here are answered in the time of any request; what is longer has to be flushed to a disk first. */
const PROMPT_BYTES = LIMITS.json_body_bytes.value;

/** The stream has an hour; its answer, once every byte is sent, has not: the storage that held it may be gone. */
class CommitWatch {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  start(bytes: number): void {
    const { request_timeout_ms, stream_idle_timeout_ms } = LIMITS;
    const ms = (bytes <= PROMPT_BYTES ? request_timeout_ms : stream_idle_timeout_ms).value;
    this.#timer = setTimeout(() => this.#controller.abort(), ms).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function abortReason(failure: unknown): 'client' | 'idle' | 'too_large' | 'upstream' {
  if (failure === undefined) return 'upstream';
  if (!(failure instanceof ServiceError)) return 'client';
  if (failure.code === 'too_large') return 'too_large';
  return failure.reason === 'idle' ? 'idle' : 'client';
}

/** The chunks of a body, pulled by the bus as credit allows; remembers why it broke. */
class UploadSource implements AsyncIterable<Uint8Array> {
  failure: unknown;
  readonly #body: RequestBody;
  readonly #metrics: GatewayMetrics;
  readonly #commit: CommitWatch;

  constructor(body: RequestBody, metrics: GatewayMetrics, commit: CommitWatch) {
    this.#body = body;
    this.#metrics = metrics;
    this.#commit = commit;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const taken = this.#metrics.bodyBytes.cell({ direction: 'in' });
    let bytes = 0;
    try {
      for await (const chunk of this.#body.chunks(LIMITS.client_idle_timeout_ms.value)) {
        bytes += chunk.length;
        taken.inc(chunk.length);
        yield chunk;
      }
      this.#commit.start(bytes);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
