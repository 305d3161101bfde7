import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { ContentId } from './object.ts';

const LABEL = `[a-z0-9_-]{1,${String(LIMITS.name_label_chars.value)}}`;

/** Labels of `[a-z0-9_-]` joined by dots: at most 253 characters, no label empty or over 128. */
export const Name = z
  .string()
  .min(1)
  .max(LIMITS.name_chars.value)
  .regex(new RegExp(`^${LABEL}(?:\\.${LABEL})*$`), 'must be labels of a-z 0-9 _ - joined by dots');
export type Name = z.infer<typeof Name>;

const Hex32 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits');

/** What the owner signs: the RFC 8785 form of this object, hashed and prefixed (see NAME_RECORD_DOMAIN). */
export const NameClaim = z.strictObject({
  v: z.literal(1),
  name: Name,
  /** Strictly increasing per name. */
  seq: z.int().positive(),
  target: ContentId,
  manifest: ContentId.optional(),
  /** Seconds a resolver may keep the record. */
  ttl_s: z.int().nonnegative().max(LIMITS.name_ttl_max_s.value),
  /** Ed25519 public key, raw, hex (RFC 8032). */
  owner: Hex32,
  /** The record is refused after this instant (RFC 3339, UTC). */
  not_after: z.iso.datetime(),
});
export type NameClaim = z.infer<typeof NameClaim>;

/** Domain separation of the signature: the signed message is this, the `b3:` hash of the canonical claim, and a newline. */
export const NAME_RECORD_DOMAIN = 'ron:index:name:v1\n';

export const NameRecord = z.strictObject({
  record: NameClaim,
  /** Ed25519 signature, base64 (RFC 4648, 4). */
  sig: z.base64().max(128),
});
export type NameRecord = z.infer<typeof NameRecord>;

/** The short form of a publication: the node signs with its own key and picks the next sequence. */
export const NameTarget = z.strictObject({ target: ContentId });
export type NameTarget = z.infer<typeof NameTarget>;

export const NamePutBody = z.union([NameRecord, NameTarget]);
export type NamePutBody = z.infer<typeof NamePutBody>;

export const NameGetRequest = z.strictObject({ name: Name });
export type NameGetRequest = z.infer<typeof NameGetRequest>;

export const NamePutRequest = z.strictObject({
  name: Name,
  body: NamePutBody,
  /** `If-Match` as sent: the ETag of the record that must be current. */
  if_match: z.string().max(LIMITS.condition_header_chars.value).optional(),
  /** `If-None-Match: *`: the name must be new. */
  must_be_new: z.boolean(),
});
export type NamePutRequest = z.infer<typeof NamePutRequest>;

/** A stored record with its entity tag: the BLAKE3 of its canonical form, without quotes. */
export const NameReply = z.strictObject({ record: NameRecord, etag: z.string().max(80), created: z.boolean() });
export type NameReply = z.infer<typeof NameReply>;
