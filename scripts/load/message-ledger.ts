// The messages of a run held against the node: what users of k6 counted, and what is left in their topics.
import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES } from '@macronode/contracts';
import { LEASE_MS, topicOf } from '../../k6/flows/mailbox.ts';
import type { RunReport } from '../../k6/lib/summary.ts';
import type { LedgerEvent } from '../../k6/lib/vu-ledger.ts';

/** What became of the messages of a run; each message is counted once in each. */
export type MessageCounts = Readonly<Record<LedgerEvent, number>>;

export interface LedgerVerdict {
  readonly accepted: number;
  readonly acknowledged: number;
  /** Came again before they were acknowledged: at least once is promised. */
  readonly redelivered: number;
  /** Found in the topics after the run. */
  readonly left: number;
  /** Accepted, neither delivered nor found: certainly lost. */
  readonly lost: number;
  /** Delivered or found after their acknowledgement was confirmed, or never sent at all. */
  readonly afterAck: number;
  /** Their acknowledgement was not answered: whether they are lost or settled nobody knows. */
  readonly undecided: number;
  readonly ok: boolean;
}

export function messageCounts({ metrics }: RunReport): MessageCounts {
  const of = (event: LedgerEvent): number => metrics[`messages_${event}`]?.values['count'] ?? 0;
  return {
    offered: of('offered'),
    accepted: of('accepted'),
    delivered: of('delivered'),
    redelivered: of('redelivered'),
    acknowledging: of('acknowledging'),
    acknowledged: of('acknowledged'),
    after_ack: of('after_ack'),
  };
}

/**
 * Judges the counts: every accepted message was delivered or is still there, and none comes back once its
 * acknowledgement was confirmed. A send without an answer may have stored its message, and an acknowledgement without one
 * may have settled it: both are allowed for.
 */
export function judgeMessages(counts: MessageCounts, left: number): LedgerVerdict {
  const lost = Math.max(0, counts.accepted - counts.acknowledging - left);
  const tooMany = Math.max(0, counts.acknowledged + left - counts.offered);
  const afterAck = counts.after_ack + tooMany;
  return {
    accepted: counts.accepted,
    acknowledged: counts.acknowledged,
    redelivered: counts.redelivered,
    left,
    lost,
    afterAck,
    undecided: counts.acknowledging - counts.acknowledged,
    ok: lost === 0 && afterAck === 0,
  };
}

interface Node {
  readonly url: string;
  readonly token?: string | undefined;
}

const BATCH = 256;
const TOPICS_AT_ONCE = 8;
const TIMEOUT_MS = 30_000;

async function post({ url, token }: Node, path: string, body: object): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(token !== undefined && token !== '' && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status} while topics were drained`);
  return response.json();
}

/** Takes and acknowledges everything in a topic; answers the ids. */
async function drainTopic(node: Node, topic: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (;;) {
    const ask = { topic, max_messages: BATCH, visibility_ms: LEASE_MS, wait_ms: 0 };
    const { messages } = (await post(node, ROUTES.mailboxRecv.template, ask)) as {
      messages: readonly { msg_id: string; receipt: string }[];
    };
    if (messages.length === 0) return ids;
    ids.push(...messages.map(({ msg_id: id }) => id));
    await post(node, ROUTES.mailboxAck.template, { receipts: messages.map(({ receipt }) => receipt) });
  }
}

async function drainTopics(node: Node, topics: readonly string[], found: Set<string>): Promise<void> {
  const left = [...topics];
  const work = async (): Promise<void> => {
    for (let topic = left.pop(); topic !== undefined; topic = left.pop()) {
      for (const id of await drainTopic(node, topic)) found.add(id);
    }
  };
  await Promise.all(Array.from({ length: TOPICS_AT_ONCE }, work));
}

/**
 * Empties the topics of every user of a run and judges what was counted. What a user still held when it ended comes back
 * when its lease is over: where messages are missing, that is waited for once.
 */
export async function closeLedger(
  node: Node,
  run: string,
  users: number,
  counts: MessageCounts,
): Promise<LedgerVerdict> {
  const topics = Array.from({ length: users }, (_, at) => topicOf(run, at + 1));
  const found = new Set<string>();
  await drainTopics(node, topics, found);
  if (found.size < counts.accepted - counts.acknowledged) {
    process.stderr.write(`> waiting ${LEASE_MS / 1_000} s for leases of the run to end\n`);
    await delay(LEASE_MS);
    await drainTopics(node, topics, found);
  }
  return judgeMessages(counts, found.size);
}
