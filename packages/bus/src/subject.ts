/** Anything that turns an untrusted value into `T` or throws: a zod schema fits. */
export interface Parser<T> {
  parse(value: unknown): T;
}

/** A bus address with its types. `service` owns the stream the request travels on. */
export interface BusSubject<Request, Reply> {
  /** `<service>.<verb>`. */
  readonly name: string;
  readonly service: string;
  readonly request: Parser<Request>;
  readonly reply: Parser<Reply>;
  /** Whether bytes follow the request or the reply. */
  readonly stream: 'none' | 'request' | 'reply';
  /** Whether a caller may repeat it after an unknown outcome; the bus then repeats it once by itself. */
  readonly idempotent: boolean;
  /** Default deadline of a call, in ms. */
  readonly deadlineMs: number;
}

/** An event address with its type. */
export interface BusTopic<Event> {
  readonly name: string;
  readonly event: Parser<Event>;
}

/** What travels with a call. Everything but `corrId` may be left out. */
export interface CallContext {
  /** Correlation id of the request this call belongs to, at most 64 characters. */
  readonly corrId: string;
  /** Deadline of the call in ms from now; the subject's default when absent. */
  readonly ttlMs?: number | undefined;
  /** W3C trace context. */
  readonly traceparent?: string | undefined;
  /** W3C tracestate, at most 512 bytes; a longer one, or one without a traceparent, does not travel. */
  readonly tracestate?: string | undefined;
  /** Who asks, opaque to the bus, at most 512 bytes. Set by the edge only. */
  readonly principal?: string | undefined;
  /** Aborting it ends the call, and tells the other side to stop a stream. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What a request or a work event is ordered by, at most 255 bytes: a mailbox, an account. Those of one service (or topic)
   * with the same key are handled one after another, in the order they were sent from one instance; others beside them.
   */
  readonly orderKey?: string | undefined;
  /** At most 2 KiB encoded. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Bytes in order. Reading gives credit to the sender; leaving the loop cancels. It is read once. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** Ends the stream from this side: the sender stops, and a pending read ends with an error. */
  cancel(reason?: string): void;
}

/** The inbox of the one instance that holds an upload, and the bytes that may be sent before the first credit. */
export interface StreamTicket {
  readonly inbox: string;
  readonly credit: number;
}
