// Clients of a node, for looking at its console: a little of everything the public surface does.
import { randomBytes, randomUUID } from 'node:crypto';
import { Owner } from '../../e2e/name-records.ts';

/** Clients at work at the same time. */
const CLIENTS = 3;
/** Pause after each round of a client, in ms: a machine that also draws the page shall not be full. */
const ROUND_PAUSE_MS = 60;
const OBJECT_BYTES = [400, 5_000, 60_000, 300_000];
const READS_PER_ROUND = 6;

async function call(url: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  // Read to the end, else the connection is not used again.
  await response.clone().arrayBuffer();
  return response;
}

const json = (url: string, body: unknown, method = 'POST'): Promise<Response> =>
  call(url, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

/** One round of one client: store, publish, read, send, receive, acknowledge, and one mistake. */
async function round(url: string, owner: Owner, at: number): Promise<void> {
  const body = randomBytes(OBJECT_BYTES[at % OBJECT_BYTES.length] ?? 1);
  const { id } = (await (await call(`${url}/o`, { method: 'POST', body })).json()) as { id: string };
  const name = `console-${randomUUID().slice(0, 8)}`;
  await json(`${url}/names/${name}`, owner.record(name, 1, id), 'PUT');
  await call(`${url}/n/${name}`);
  for (let read = 0; read < READS_PER_ROUND; read += 1) await call(`${url}/o/${id}`);
  const topic = `console-${at % 3}`;
  await json(`${url}/mailbox/send`, {
    topic,
    idem_key: randomUUID(),
    payload_b64: body.subarray(0, 300).toString('base64'),
  });
  const received = await json(`${url}/mailbox/recv`, { topic, max_messages: 4 });
  const { messages } = (await received.json()) as { messages: readonly { receipt: string }[] };
  if (messages.length > 0) await json(`${url}/mailbox/ack`, { receipts: messages.map(({ receipt }) => receipt) });
  if (at % 5 === 0) await call(`${url}/o/b3:${randomBytes(32).toString('hex')}`);
}

/** Keeps clients at work until it is disposed of. A node that goes away ends them too. */
export function startTraffic(url: string): AsyncDisposable {
  const stop = new AbortController();
  const client = async (): Promise<void> => {
    const owner = new Owner();
    for (let at = 0; !stop.signal.aborted; at += 1) {
      await round(url, owner, at);
      await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
    }
  };
  const clients = Promise.allSettled(Array.from({ length: CLIENTS }, client));
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await clients;
    },
  };
}
