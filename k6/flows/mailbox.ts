import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { jsonOf, sendJson, type User } from './user.ts';

/** `hello`, in base64. */
const PAYLOAD = 'aGVsbG8=';
/** Longer than a turn takes; what a turn left leased comes back this much later. */
export const LEASE_MS = 30_000;
const WAIT_MS = 5_000;

/** Every user has a topic of its own. */
export const topicOf = (run: string, number: number): string => `load-${run}-${number}`;

/** In one receive. What turns that were cut short left behind comes first, so that it may take more than one. */
const MESSAGES = 16;

interface Message {
  readonly msg_id: string;
  readonly receipt: string;
  readonly payload_b64: string;
}

/** A message out and back. Everybody has a topic of their own, so that what one sent must come to the same. */
export const mailbox: Flow<null> = {
  summary: 'a message sent, received and acknowledged',
  requestsPerTurn: 3,
  prepare: async () => null,
  turn: async (user) => {
    const topic = topicOf(user.run, user.number);
    const id = await sendOne(user, topic);
    if (id === undefined) return;
    let messages: readonly Message[];
    const hasCome = (): boolean => messages.some(({ msg_id: each }) => each === id);
    do messages = await receive(user, topic);
    while (messages.length === MESSAGES && !hasCome());
    user.check('mailbox receive', { 'the message sent comes': hasCome() });
  },
};

/** Receives once and acknowledges what came. */
async function receive(user: User, topic: string): Promise<readonly Message[]> {
  const ask = { topic, max_messages: MESSAGES, visibility_ms: LEASE_MS, wait_ms: WAIT_MS };
  const received = await sendJson(user, ROUTES.mailboxRecv, ask, { expect: [200] });
  const { messages = [] } = (jsonOf(received) ?? {}) as { messages?: readonly Message[] };
  for (const { msg_id: each } of messages) user.ledger?.delivered(each);
  user.check('mailbox receive', {
    'its payload is what was sent': messages.every(({ payload_b64: payload }) => payload === PAYLOAD),
  });
  if (messages.length > 0) await acknowledge(user, messages);
  return messages;
}

async function sendOne(user: User, topic: string): Promise<string | undefined> {
  const message = { topic, idem_key: `${user.number}-${user.next()}`, payload_b64: PAYLOAD };
  user.ledger?.offered();
  const accepted = await sendJson(user, ROUTES.mailboxSend, message, { expect: [200] });
  const { msg_id: id } = (jsonOf(accepted) ?? {}) as { msg_id?: string };
  user.check('mailbox send', { 'the message has an id': id !== undefined });
  if (id !== undefined) user.ledger?.accepted(id);
  return id;
}

async function acknowledge(user: User, messages: readonly Message[]): Promise<void> {
  for (const { msg_id: id } of messages) user.ledger?.acknowledging(id);
  const receipts = messages.map(({ receipt }) => receipt);
  const acked = await sendJson(user, ROUTES.mailboxAck, { receipts }, { expect: [200] });
  const { results = [] } = (jsonOf(acked) ?? {}) as { results?: readonly string[] };
  user.check('mailbox ack', { 'all are acknowledged': messages.every((_, at) => results[at] === 'ok') });
  for (const [at, { msg_id: id }] of messages.entries()) if (results[at] === 'ok') user.ledger?.acknowledged(id);
}
