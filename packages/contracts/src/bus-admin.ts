import { z } from 'zod';

/** Routes of every ops port for the bus's dead letters. They ask for the admin token. */
export const BUS_ADMIN_ROUTES = Object.freeze({
  /** `?service=` (default: the only service of the process), `?limit=`, `?after=`. */
  list: '/admin/bus/dlq',
  /** POST `…/replay` and DELETE act on many at once: `?limit=`, `?before=`. */
  service: '/admin/bus/dlq/{service}',
  letter: '/admin/bus/dlq/{service}/{id}',
});

/** Dead letters of one page, and of one call that replays or drops many (count): each costs the medium a step of its own. */
export const BUS_DLQ_PAGE = 100;

/** Id of a dead letter: the shard it lies on where there are several, when it was put aside in ms since 1970, and a number. */
export const BusDeadLetterId = z.string().regex(/^(?:\d{1,2}:)?\d{1,20}-\d{1,20}$/);

/** Name of a service, or of a group that handles work. */
export const BusServiceName = z.string().regex(/^[a-z0-9][a-z0-9._@-]{0,62}$/);

const limit = z.coerce.number().int().min(1).max(BUS_DLQ_PAGE).default(BUS_DLQ_PAGE);

export const BusDeadLetterListQuery = z.strictObject({
  service: BusServiceName.optional(),
  limit,
  after: BusDeadLetterId.optional(),
});
export type BusDeadLetterListQuery = z.infer<typeof BusDeadLetterListQuery>;

/** `before`: only letters put aside at or before this time, in ms since 1970; by default now. */
export const BusDeadLetterManyQuery = z.strictObject({
  limit,
  before: z.coerce.number().int().nonnegative().optional(),
});
export type BusDeadLetterManyQuery = z.infer<typeof BusDeadLetterManyQuery>;

/** A dead letter without its bytes. */
export const BusDeadLetter = z.object({
  id: BusDeadLetterId,
  service: z.string(),
  kind: z.enum(['request', 'work']),
  /** Service of a request, topic of work. */
  name: z.string(),
  lane: z.string(),
  reason: z.enum(['max_deliveries', 'malformed', 'no_handler', 'rejected']),
  attempts: z.int().nonnegative(),
  /** Instance that put it aside. */
  consumer: z.string(),
  /** Empty where the entry is malformed or holds several messages. */
  corr_id: z.string(),
  traceparent: z.string(),
  messages: z.int().positive(),
  bytes: z.int().nonnegative(),
  at: z.iso.datetime(),
});
export type BusDeadLetter = z.infer<typeof BusDeadLetter>;

export const BusDeadLetterList = z.object({
  letters: z.array(BusDeadLetter),
  /** What to send as `after` for the next page; null behind the last letter. */
  next: BusDeadLetterId.nullable(),
});
export type BusDeadLetterList = z.infer<typeof BusDeadLetterList>;

/** A dead letter with its original bytes and what can be read of them. */
export const BusDeadLetterShown = BusDeadLetter.extend({
  contents: z.array(
    z.object({ subject: z.string(), corr_id: z.string(), traceparent: z.string(), bytes: z.int().nonnegative() }),
  ),
  /** Why nothing can be read; null when it can. */
  fault: z.string().nullable(),
  entry_b64: z.base64(),
});
export type BusDeadLetterShown = z.infer<typeof BusDeadLetterShown>;

export const BusDeadLettersReplayed = z.object({
  replayed: z.int().nonnegative(),
  /** Whether letters of that time are left. */
  more: z.boolean(),
  /** Set when a full stream ended the call early: the rest stays, and may be tried again after this time. */
  retry_after_ms: z.int().positive().nullable(),
});
export type BusDeadLettersReplayed = z.infer<typeof BusDeadLettersReplayed>;

export const BusDeadLettersDropped = z.object({ dropped: z.int().nonnegative(), more: z.boolean() });
export type BusDeadLettersDropped = z.infer<typeof BusDeadLettersDropped>;
