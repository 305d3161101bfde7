import { randomBytes, randomUUID } from 'node:crypto';
import { hashBytes } from '@macronode/content';
import { LIMITS, ROUTES } from '@macronode/contracts';
import type { Client } from '../rig/client.ts';

/** The shortest lease there is: it runs out while the client waits for it to. */
const LEASE_MS = LIMITS.mailbox_visibility_min_ms.value;
/** Long enough for a lease to run out on a busy machine, and for the sweep to notice. */
const WAIT_MS = 10_000;
/** Above the gate of the gateway and the places of the mailbox, as the rig sets them. */
const CROWD = 100;
const CROWD_WAIT_MS = 2_000;

/** What users get wrong, each once: all of it is refused for the user's reason, none of it harms the node. */
export async function mistakes(client: Client): Promise<void> {
  const { ledger } = client;
  const body = randomBytes(1_000);
  await client.ask(ROUTES.objectPut, { at: hashBytes(randomBytes(16)), body });
  ledger.add('bytes in', body.length);
  await client.ask(ROUTES.objectGet, { at: 'no-id' });
  const id = await client.put(5_000);
  await client.get(id, 'bytes=9000-9999');
  await client.ask(ROUTES.nameGet, { at: `nobody-${randomUUID()}.test` });
  const name = `mistaken-${randomUUID()}.test`;
  await client.publish(name, id);
  await client.publish(name, hashBytes(randomBytes(16)));
  const topic = `mistaken-${randomUUID()}`;
  const key = randomUUID();
  await client.send(topic, 'once', key);
  await client.send(topic, 'once', key);
  await client.send(topic, 'something else', key);
  const late = await client.receive(topic, LEASE_MS);
  const again = await client.receive(topic, WAIT_MS, WAIT_MS);
  await client.acknowledge(late);
  await client.acknowledge(again);
  await client.acknowledge(['no receipt']);
}

/** A message nobody can handle: received as often as it is given out, until it is put aside. */
export async function neverAcknowledged(client: Client): Promise<void> {
  const topic = `poison-${randomUUID()}`;
  await client.send(topic);
  for (let i = 0; i < LIMITS.mailbox_max_attempts.value; i += 1) await client.receive(topic, LEASE_MS, WAIT_MS);
  client.ledger.add('messages put aside');
}

/** More long polls at once than the gateway admits, and than the mailbox has places for. */
export async function crowd(client: Client): Promise<void> {
  await Promise.all(Array.from({ length: CROWD }, () => client.receive('nobody-sends', WAIT_MS, CROWD_WAIT_MS)));
}
