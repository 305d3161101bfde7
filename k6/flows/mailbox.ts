import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { jsonOf, sendJson } from './user.ts';

/** `hello`, in base64. */
const PAYLOAD = 'aGVsbG8=';
const VISIBILITY_MS = 30_000;
const WAIT_MS = 5_000;

interface Received {
  readonly messages?: readonly { readonly msg_id: string; readonly receipt: string; readonly payload_b64: string }[];
}

/** A message out and back. Everybody has a topic of their own, so that what one sent must come to the same. */
export const mailbox: Flow<null> = {
  summary: 'a message sent, received and acknowledged',
  requestsPerTurn: 3,
  prepare: async () => null,
  turn: async (user) => {
    const topic = `load-${user.run}-${user.number}`;
    const message = { topic, idem_key: `${user.number}-${user.next()}`, payload_b64: PAYLOAD };
    const accepted = await sendJson(user, ROUTES.mailboxSend, message, { expect: [200] });
    if (accepted.status !== 200) return;
    const { msg_id: id } = jsonOf(accepted) as { msg_id?: string };
    const ask = { topic, max_messages: 1, visibility_ms: VISIBILITY_MS, wait_ms: WAIT_MS };
    const received = await sendJson(user, ROUTES.mailboxRecv, ask, { expect: [200] });
    if (received.status !== 200) return;
    const [first] = (jsonOf(received) as Received | undefined)?.messages ?? [];
    user.check('mailbox receive', {
      'the message sent comes': first?.msg_id === id,
      'its payload is what was sent': first?.payload_b64 === PAYLOAD,
    });
    if (first === undefined) return;
    const acked = await sendJson(user, ROUTES.mailboxAck, { receipts: [first.receipt] }, { expect: [200] });
    const { results } = (jsonOf(acked) ?? {}) as { results?: readonly string[] };
    user.check('mailbox ack', { 'it is acknowledged': results?.[0] === 'ok' });
  },
};
