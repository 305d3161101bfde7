import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { ContentId } from './object.ts';

export const Topic = z
  .string()
  .regex(/^[A-Za-z0-9._:-]+$/, 'must be letters, digits, and . _ : -')
  .max(LIMITS.mailbox_topic_chars.value);
export type Topic = z.infer<typeof Topic>;

const Attr = z.string().max(LIMITS.mailbox_attr_chars.value);

const Attrs = z
  .record(Attr, Attr)
  .refine((attrs) => Object.keys(attrs).length <= LIMITS.mailbox_attrs.value, 'too many attributes');

const Payload = z.base64().max(Math.ceil(LIMITS.mailbox_payload_bytes.value / 3) * 4);

export const MailboxSendRequest = z.strictObject({
  topic: Topic,
  /** A repeat inside the window answers the first message id. */
  idem_key: z.string().min(1).max(LIMITS.mailbox_idem_key_chars.value),
  payload_b64: Payload,
  attrs: Attrs.optional(),
});
export type MailboxSendRequest = z.infer<typeof MailboxSendRequest>;

export const MailboxSendReply = z.object({ msg_id: z.ulid(), duplicate: z.boolean() });
export type MailboxSendReply = z.infer<typeof MailboxSendReply>;

export const MailboxRecvRequest = z.strictObject({
  topic: Topic,
  max_messages: z.int().min(1).max(LIMITS.mailbox_batch.value).default(32),
  max_bytes: z.int().min(1).max(LIMITS.mailbox_recv_bytes.value).default(LIMITS.mailbox_recv_bytes.value),
  visibility_ms: z
    .int()
    .min(LIMITS.mailbox_visibility_min_ms.value)
    .max(LIMITS.mailbox_visibility_max_ms.value)
    .default(5_000),
  /** Long poll: how long to wait for the first message. */
  wait_ms: z.int().min(0).max(LIMITS.mailbox_wait_max_ms.value).default(0),
});
export type MailboxRecvRequest = z.infer<typeof MailboxRecvRequest>;

export const MailboxMessage = z.object({
  msg_id: z.ulid(),
  /** Valid for this delivery only: acknowledge with it. */
  receipt: z.string(),
  /** 1 on the first delivery. */
  attempt: z.int().positive(),
  /** When the message was accepted (RFC 3339, UTC). */
  ts: z.iso.datetime(),
  payload_b64: z.base64(),
  payload_hash: ContentId,
  attrs: z.record(z.string(), z.string()),
});
export type MailboxMessage = z.infer<typeof MailboxMessage>;

export const MailboxRecvReply = z.object({ messages: z.array(MailboxMessage) });
export type MailboxRecvReply = z.infer<typeof MailboxRecvReply>;

export const MailboxAckRequest = z.strictObject({
  receipts: z.array(z.string().max(256)).min(1).max(LIMITS.mailbox_batch.value),
});
export type MailboxAckRequest = z.infer<typeof MailboxAckRequest>;

/** One result per receipt, in order. A repeat of a done acknowledgement is `ok`. */
export const MailboxAckReply = z.object({
  results: z.array(z.enum(['ok', 'receipt_stale', 'not_found'])),
});
export type MailboxAckReply = z.infer<typeof MailboxAckReply>;
