/** What a frame is for. REQ goes to a subject or a ticket's inbox, EVT to a topic, everything else to an inbox. */
export const KIND = Object.freeze({ REQ: 1, REP: 2, ERR: 3, EVT: 4, DATA: 5, END: 6, CREDIT: 7, CANCEL: 8 } as const);
export type Kind = (typeof KIND)[keyof typeof KIND];
export const KIND_MAX = 8;

/** How a body is written. `NONE`: no body, the value is undefined. `BYTES`: the body is the value. */
export const CODEC = Object.freeze({ NONE: 0, MSGPACK: 1, BYTES: 2 } as const);
export type Codec = (typeof CODEC)[keyof typeof CODEC];
export const CODEC_MAX = 2;

/** Ids of header slots. Readers skip ids they do not know; an id is never given a second meaning. */
export const HEADER = Object.freeze({
  /** u32: the caller's number of the call; with the caller's inbox it names the call. */
  CALL: 1,
  /** string: inbox of the caller. Absent in frames sent to the caller's own inbox. */
  REPLY_TO: 2,
  /** string: subject or topic. */
  ROUTE: 3,
  /** u32 ms: time left when the frame was written. */
  TTL: 4,
  /** 25 bytes: trace id, parent id and flags of a version 00 traceparent. */
  TRACE: 5,
  /** UTF-8, at most 512 bytes: W3C tracestate, only beside TRACE. */
  TRACE_STATE: 6,
  /** UTF-8, at most 512 bytes. */
  PRINCIPAL: 7,
  /** UTF-8, at most 255 bytes: what this is ordered by. */
  ORDER_KEY: 9,
  /** u8: deliveries before this frame was written again. */
  ATTEMPT: 10,
  /** MessagePack map of strings, at most 2 KiB. */
  METADATA: 11,
  /** u32 bytes: credit given. In a REQ: the caller takes a stream and this is its first window. */
  CREDIT: 12,
  /** UTF-8, at most 64 bytes: correlation id of the request this call belongs to. */
  CORR_ID: 14,
  /** string: inbox of the answering instance. In a REP: a stream follows, and CREDIT and CANCEL go there. */
  FROM: 15,
  /** u8, in a REQ with CREDIT: 1 = the stream it takes is of bytes, 2 = of values. */
  ACCEPTS: 16,
} as const);

/** Limits of the format, checked before anything is allocated. */
export const FRAME_LIMITS = Object.freeze({
  /** Frame without its length field, in bytes: headers and body. */
  frameBytes: 1024 * 1024,
  /** Headers of one frame: addresses, trace and metadata, never content. */
  headerBytes: 4 * 1024,
  /** Frames of one entry: beyond it batching gains nothing and delays the first. */
  entryFrames: 128,
  /** Bodies of one entry together, in bytes. */
  entryBodyBytes: 1024 * 1024,
  /** An entry in all, in bytes: its bodies, the headers of 128 frames, and the string table. */
  entryBytes: 1024 * 1024 + 128 * (4 * 1024 + 12) + 64 * 1024 + 5,
  /** Addresses in the string table of one entry (count): an index is one byte. */
  strings: 255,
  /** One address in bytes: its length is one byte. */
  stringBytes: 255,
  /** Who asks, in bytes: a reference, not a document. */
  principalBytes: 512,
  /** W3C tracestate in bytes: what the standard asks everyone to pass on. A longer one is left out, as it allows. */
  traceStateBytes: 512,
  /** Correlation id in bytes: a ULID or a UUID with room to spare. */
  corrIdBytes: 64,
  /** Order key in bytes: the name of a thing, like an address. */
  orderKeyBytes: 255,
  /** Metadata of one frame in bytes, encoded. */
  metadataBytes: 2 * 1024,
});

/** One frame. Every field is always there, so that all frames have one shape. */
export interface Frame {
  readonly kind: Kind;
  readonly codec: Codec;
  /** DATA and END: position in the stream, from 0; a gap is a loss. Otherwise 0. */
  readonly seq: number;
  readonly body: Uint8Array;
  /** Set when the call is opened, after the frame was checked. */
  call: number | undefined;
  readonly replyTo: string | undefined;
  readonly route: string | undefined;
  /** Set again when the frame is written, so that waiting in the writer counts. */
  ttlMs: number | undefined;
  /** Set again by a hook that follows the message: the trace of its span. */
  traceparent: string | undefined;
  tracestate: string | undefined;
  readonly principal: string | undefined;
  readonly attempt: number | undefined;
  readonly metadata: Uint8Array | undefined;
  readonly credit: number | undefined;
  readonly corrId: string | undefined;
  readonly from: string | undefined;
  readonly accepts: number | undefined;
  readonly orderKey: string | undefined;
}

/** Values of the ACCEPTS header. */
export const ACCEPTS = Object.freeze({ BYTES: 1, VALUES: 2 } as const);

const EMPTY = new Uint8Array(0);

/** A frame whose headers are still to be set. */
export type Draft = { -readonly [K in keyof Frame]: Frame[K] };

/** A frame without headers, in the one shape that all frames have: what the hot path and the decoder fill in. */
export const bareFrame = (kind: Kind, codec: Codec, seq: number, body: Uint8Array): Draft => ({
  kind,
  codec,
  seq,
  body,
  call: undefined,
  replyTo: undefined,
  route: undefined,
  ttlMs: undefined,
  traceparent: undefined,
  tracestate: undefined,
  principal: undefined,
  attempt: undefined,
  metadata: undefined,
  credit: undefined,
  corrId: undefined,
  from: undefined,
  accepts: undefined,
  orderKey: undefined,
});

/** A frame with the fields given; the rest is absent. */
export const frame = (kind: Kind, fields: Partial<Frame>): Frame =>
  Object.assign(bareFrame(kind, CODEC.NONE, 0, EMPTY), fields);

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A version 00 traceparent as it is, anything else as absent (W3C Trace Context: what cannot be parsed, or has no id, is ignored). */
export const readableTraceparent = (value: string | undefined): string | undefined =>
  value !== undefined && TRACEPARENT.test(value) ? value : undefined;

/** Trace id of a traceparent as frames carry it, when its trace is sampled. */
export const sampledTraceOf = (traceparent: string | undefined): string | undefined =>
  traceparent !== undefined && (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1
    ? traceparent.slice(3, 35)
    : undefined;

/** A tracestate that may travel: only with a trace to belong to, and within its limit; else absent. */
export const readableTracestate = (value: string | undefined, traceparent: string | undefined): string | undefined =>
  value !== undefined &&
  value !== '' &&
  readableTraceparent(traceparent) !== undefined &&
  Buffer.byteLength(value) <= FRAME_LIMITS.traceStateBytes
    ? value
    : undefined;

/** What a DATA frame costs of the credit: its body, and what holding it costs beside, so that tiny chunks are bounded too. */
export const creditCost = (body: Uint8Array): number => body.length + 64;
