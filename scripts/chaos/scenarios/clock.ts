import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { MailboxAckReply, MailboxRecvReply, ROUTES } from '@macronode/contracts';
import { ACCOUNTED, always, type Expectation } from '../expectation.ts';
import type { ClockedNode } from '../nodes.ts';
import { onClocked, type Scenario, type Surroundings } from '../scenario.ts';
import type { Client } from '../../rig/client.ts';

const HOUR_S = 3_600;
const LONG_LEASE_MS = 20_000;
const SHORT_LEASE_MS = 2_000;
/** A lease that is over is seen by the next sweep; a busy machine is late. */
const SWEEP_SLACK_MS = 3_000;

/** A step is no fault: nothing may fail. How long it takes is not looked at: a clock that can be set is slow to read. */
const UNMOVED: Expectation = [
  ...always({ recovery: 5 }),
  { claim: 'slo', slo: 'availability', during: 'run' },
  { claim: 'failures', of: 'all', share: 0.01, during: 'run' },
  ACCOUNTED,
];

async function received(client: Client, topic: string, visibilityMs: number): Promise<readonly string[]> {
  const { status, body } = await client.json(ROUTES.mailboxRecv, { topic, visibility_ms: visibilityMs, wait_ms: 0 });
  return status === 200
    ? MailboxRecvReply.parse(JSON.parse(body.toString())).messages.map(({ receipt }) => receipt)
    : [];
}

/** Two leases are taken, the clock is set, and each has to last as long as it was given for. */
async function leases(
  { clock }: ClockedNode,
  { load: { client }, find }: Surroundings,
  seconds: number,
): Promise<void> {
  const [held, brief] = [`held-${randomUUID()}`, `brief-${randomUUID()}`];
  await client.send(held);
  await client.send(brief);
  const [receipt] = await received(client, held, LONG_LEASE_MS);
  await received(client, brief, SHORT_LEASE_MS);
  const leasedAt = performance.now();
  clock.step(seconds);
  if ((await received(client, brief, SHORT_LEASE_MS)).length > 0 && performance.now() - leasedAt < SHORT_LEASE_MS)
    find('a short lease ended early');
  await delay(SHORT_LEASE_MS + SWEEP_SLACK_MS);
  const again = await received(client, brief, LONG_LEASE_MS);
  if (again.length === 0) find('a lease that was over did not end');
  if ((await received(client, held, SHORT_LEASE_MS)).length > 0) find('a long lease ended early');
  const { body } = await client.json(ROUTES.mailboxAck, { receipts: [receipt, ...again] });
  const results = MailboxAckReply.parse(JSON.parse(body.toString())).results;
  if (results.some((result) => result !== 'ok')) find(`receipts of running leases were ${results.join(', ')}`);
}

const stepped = (name: string, seconds: number, words: string): Scenario =>
  onClocked({
    name,
    what: `the wall clock of all six services ${words}, and is set right again`,
    seconds: 0,
    expects: UNMOVED,
    make: async (node, surroundings) => {
      await leases(node, surroundings, seconds);
      return async () => node.clock.step(0);
    },
  });

/** Wall clocks that are set while services run: leases follow the monotonic clock, and ids stay unique. */
export const clockScenarios: readonly Scenario[] = [
  stepped('clock_forward', HOUR_S, 'jumps an hour ahead'),
  stepped('clock_back', -HOUR_S, 'jumps an hour back'),
];
