import { z } from 'zod';
import { LIMITS } from './limits.ts';

/** `b3:` and the BLAKE3 of the raw bytes in lower-case hex. */
export const ContentId = z.string().regex(/^b3:[0-9a-f]{64}$/, 'must be b3: followed by 64 lower-case hex digits');
export type ContentId = z.infer<typeof ContentId>;

const byteCount = z.int().nonnegative().max(LIMITS.max_object_bytes.value);

/** Conditional and range headers, carried as the client sent them; storage judges them where it knows the object (RFC 9110, 13 and 14). */
export const ReadConditions = z.strictObject({
  method: z.enum(['GET', 'HEAD']),
  range: z.string().max(LIMITS.range_header_chars.value).optional(),
  if_match: z.string().max(LIMITS.condition_header_chars.value).optional(),
  if_none_match: z.string().max(LIMITS.condition_header_chars.value).optional(),
  if_range: z.string().max(LIMITS.condition_header_chars.value).optional(),
});
export type ReadConditions = z.infer<typeof ReadConditions>;

export const ObjectReadRequest = z.strictObject({ id: ContentId, conditions: ReadConditions });
export type ObjectReadRequest = z.infer<typeof ObjectReadRequest>;

/**
 * What storage answers to a read. `full` and `partial` have a body of exactly `end - start` bytes when the method is GET:
 * here, when it is one chunk at most, else as a stream that follows. The other outcomes have none.
 */
export const ObjectReadReply = z.strictObject({
  id: ContentId,
  size: byteCount,
  outcome: z.enum(['full', 'partial', 'not_modified', 'precondition_failed', 'unsatisfiable']),
  /** First byte sent. */
  start: byteCount,
  /** One past the last byte sent. */
  end: byteCount,
  /** The whole body, if it is not streamed: one frame instead of three, and no window to grant. */
  bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes').optional(),
});
export type ObjectReadReply = z.infer<typeof ObjectReadReply>;

/** Opens an upload. `id` when the client named it (PUT), `size` when it declared a Content-Length. */
export const ObjectOpenRequest = z.strictObject({
  id: ContentId.optional(),
  size: byteCount.optional(),
  /** `If-None-Match: *`: refuse instead of answering `present`. */
  must_be_new: z.boolean(),
});
export type ObjectOpenRequest = z.infer<typeof ObjectOpenRequest>;

/** Where the bytes go: the inbox of the one storage instance that holds the upload. */
export const UploadTicket = z.strictObject({
  inbox: z.string().max(128),
  upload: z.string().max(64),
  /** Bytes that may be sent before the first credit. */
  credit: z.int().positive(),
});
export type UploadTicket = z.infer<typeof UploadTicket>;

export const ObjectOpenReply = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('present'), id: ContentId, size: byteCount }),
  z.strictObject({ outcome: z.literal('ticket'), ticket: UploadTicket }),
]);
export type ObjectOpenReply = z.infer<typeof ObjectOpenReply>;

/** Sent to the ticket's inbox, followed by the stream of bytes. */
export const ObjectWriteRequest = z.strictObject({ upload: z.string().max(64) });
export type ObjectWriteRequest = z.infer<typeof ObjectWriteRequest>;

export const ObjectWriteReply = z.strictObject({ id: ContentId, size: byteCount, created: z.boolean() });
export type ObjectWriteReply = z.infer<typeof ObjectWriteReply>;

/** The body of 201 and 200 on `POST /o` and `PUT /o/{id}`. */
export const ObjectStored = z.object({ id: ContentId, size: byteCount });
export type ObjectStored = z.infer<typeof ObjectStored>;
