import { Bus, type BusContext, InProcessLink, RemoteError } from '@macronode/bus';
import {
  LIMITS,
  meshMetadata,
  type NameReply,
  type ObjectReadRequest,
  ServiceError,
  SUBJECTS,
} from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { type RunningNode, startNode } from '@macronode/service';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { omnigateService } from './index.ts';

const link = new InProcessLink();
const bus = (service: string): Bus => new Bus({ service, link, metrics: new MetricsRegistry().scope({ service }) });
const client = bus('gateway');
const index = bus('index');
const storage = bus('storage');
const mailbox = bus('mailbox');
let node: RunningNode;

const ID = `b3:${'0'.repeat(64)}`;
const CORR_ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const call = { corrId: CORR_ID, ttlMs: 5_000 };
const conditions = { method: 'GET' as const };
const record = {
  v: 1 as const,
  name: 'a',
  seq: 1,
  target: ID,
  ttl_s: 1,
  owner: '0'.repeat(64),
  not_after: '2099-01-01T00:00:00Z',
};
const named: NameReply = { record: { record, sig: 'AAAA' }, etag: ID, created: false };

/** What each owner was asked, with the correlation id and the metadata it came under. */
const asked: { subject: string; payload: unknown; corrId: string; caller: string; metadata: object }[] = [];
const note = (payload: unknown, { subject, corrId, caller, metadata }: BusContext): void => {
  asked.push({ subject, payload, corrId, caller, metadata });
};
/** What the mailbox makes of an echo. */
let echoOfMailbox = (bytes: unknown): unknown => bytes;
/** Resolves the next answer of the index, while a test holds it back. */
let held: Promise<void> | undefined;

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

function serveOwners(): void {
  index.serve(SUBJECTS.index.echo.name, (bytes) => bytes);
  storage.serve(SUBJECTS.storage.echo.name, (bytes) => bytes);
  mailbox.serve(SUBJECTS.mailbox.echo.name, (bytes) => echoOfMailbox(bytes));
  index.serve(SUBJECTS.index.nameGet.name, async (payload, context) => {
    note(payload, context);
    await held;
    if ((payload as { name: string }).name !== 'a') throw new ServiceError('not_found');
    return named;
  });
  index.serve(SUBJECTS.index.namePut.name, (payload, context) => {
    note(payload, context);
    return { ...named, created: true };
  });
  storage.serve(SUBJECTS.storage.objectRead.name, (payload, context) => {
    note(payload, context);
    const { id } = payload as ObjectReadRequest;
    return context.stream({ id, size: 5, outcome: 'full', start: 0, end: 5 }, bytesOf('hello'));
  });
  storage.serve(SUBJECTS.storage.objectOpen.name, (payload, context) => {
    note(payload, context);
    return { outcome: 'present', id: ID, size: 5 };
  });
  mailbox.serve(SUBJECTS.mailbox.send.name, (payload, context) => {
    note(payload, context);
    throw new ServiceError('saturated', 'the topic is full', { retryAfterMs: 1_500 });
  });
  mailbox.serve(SUBJECTS.mailbox.recv.name, (payload, context) => {
    note(payload, context);
    return { messages: [] };
  });
  mailbox.serve(SUBJECTS.mailbox.ack.name, (payload, context) => {
    note(payload, context);
    return { results: ['ok'] };
  });
}

const env = { OPS_PORT: '0', LOG_LEVEL: 'silent', OMNIGATE_INFLIGHT: '2' };

beforeAll(async () => {
  await link.start();
  serveOwners();
  for (const each of [client, index, storage, mailbox]) await each.start();
  node = await startNode({ services: [omnigateService], profile: 'micronode', env, link });
});
afterAll(async () => {
  await node.close();
  for (const each of [client, index, storage, mailbox]) await each.close();
  await link.close();
});

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  let found = '';
  for await (const chunk of body) found += new TextDecoder().decode(chunk);
  return found;
}

async function metric(series: string): Promise<number> {
  const page = await (await fetch(`${node.opsUrl}/metrics`)).text();
  const line = page.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? 0 : Number(line.slice(series.length + 1));
}

describe('omnigate', () => {
  it('hands a read on: storage streams to the caller', async () => {
    const { head, body } = await client.read(SUBJECTS.omnigate.objectRead, { id: ID, conditions }, call);
    expect(head).toMatchObject({ id: ID, outcome: 'full' });
    expect(await text(body)).toBe('hello');
    expect(asked.at(-1)).toEqual({
      subject: 'storage.object.read',
      payload: { id: ID, conditions },
      corrId: CORR_ID,
      caller: client.instance,
      metadata: {},
    });
  });

  it('asks the index for a name, then hands the read on', async () => {
    const from = asked.length;
    const { body } = await client.read(SUBJECTS.omnigate.nameRead, { name: 'a', conditions }, call);
    expect(await text(body)).toBe('hello');
    expect(asked.slice(from)).toMatchObject([
      { subject: 'index.name.get', payload: { name: 'a' }, corrId: CORR_ID },
      { subject: 'storage.object.read', payload: { id: ID, conditions }, corrId: CORR_ID, caller: client.instance },
    ]);
    expect(await metric('upstream_latency_seconds_count{service="omnigate",hop="index"}')).toBe(1);
  });

  it('reads the score of the client in the frame, and hands it on to whoever it asks', async () => {
    const scored = (): Promise<number> => metric('omnigate_scored_requests_total{service="omnigate"}');
    expect(await scored()).toBe(0);
    const from = asked.length;
    const metadata = meshMetadata('0.900', 2);
    await client.read(SUBJECTS.omnigate.nameRead, { name: 'a', conditions }, { ...call, metadata });
    expect(asked.slice(from)).toMatchObject([
      { subject: 'index.name.get', metadata },
      { subject: 'storage.object.read', metadata },
    ]);
    expect(await scored()).toBe(1);
    const forged = { mesh_score: 'no score', mesh_sources: '2' };
    await client.call(SUBJECTS.omnigate.nameGet, { name: 'a' }, { ...call, metadata: forged });
    expect(await scored()).toBe(1);
  });

  it('answers what the index answers about a name nobody has', async () => {
    const missing = client.read(SUBJECTS.omnigate.nameRead, { name: 'b', conditions }, call);
    await expect(missing).rejects.toMatchObject({ code: 'not_found' });
    const judged = (result: string): Promise<number> =>
      metric(`omnigate_requests_total{service="omnigate",subject="omnigate.name.read",result="${result}"}`);
    expect(await judged('refused')).toBe(1);
    expect(await judged('failed')).toBe(0);
  });

  it.each([
    ['object.open', SUBJECTS.omnigate.objectOpen, { must_be_new: false }, { outcome: 'present' }],
    ['name.get', SUBJECTS.omnigate.nameGet, { name: 'a' }, { etag: ID }],
    ['name.put', SUBJECTS.omnigate.namePut, { name: 'a', body: { target: ID }, must_be_new: false }, { created: true }],
    ['mailbox.recv', SUBJECTS.omnigate.mailboxRecv, { topic: 't' }, { messages: [] }],
    ['mailbox.ack', SUBJECTS.omnigate.mailboxAck, { receipts: ['r'] }, { results: ['ok'] }],
  ] as const)('hands %s to its owner', async (_name, subject, payload, answer) => {
    // Each row pairs a subject with a payload of its own; the table as a whole has no one type for that.
    expect(await client.call(subject as never, payload as never, call)).toMatchObject(answer);
    expect(asked.at(-1)?.caller).toBe(client.instance);
  });

  it("lets the owner's refusal through as it is", async () => {
    const request = { topic: 't', idem_key: 'k', payload_b64: 'AAAA' };
    const refused = client.call(SUBJECTS.omnigate.mailboxSend, request, call);
    await expect(refused).rejects.toMatchObject({ code: 'saturated', retryable: true, retryAfterMs: 1_500 });
  });

  it('refuses a payload that is not the contract', async () => {
    const refused = client.call(SUBJECTS.omnigate.nameGet, { name: 'NOT A NAME' }, call);
    await expect(refused).rejects.toMatchObject({ code: 'schema' });
  });

  it('refuses at its bound, and judges on when there is room', async () => {
    const gate = Promise.withResolvers<void>();
    held = gate.promise;
    const from = asked.length;
    const read = (): Promise<unknown> => client.read(SUBJECTS.omnigate.nameRead, { name: 'a', conditions }, call);
    const waiting = [read(), read()];
    await vi.waitFor(() => expect(asked.length).toBe(from + 2), { timeout: 10_000 });
    const refusal: unknown = await client
      .call(SUBJECTS.omnigate.nameGet, { name: 'a' }, call)
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RemoteError);
    expect(refusal).toMatchObject({ code: 'busy', reason: 'inflight', retryable: true, retryAfterMs: 500 });
    held = undefined;
    gate.resolve();
    await Promise.all(waiting);
    expect(await client.call(SUBJECTS.omnigate.nameGet, { name: 'a' }, call)).toMatchObject({ etag: ID });
    expect(await metric('rejected_total{service="omnigate",reason="inflight"}')).toBe(1);
  });

  describe('an echo', () => {
    const judged = (result: string): Promise<number> =>
      metric(`omnigate_requests_total{service="omnigate",subject="omnigate.echo",result="${result}"}`);
    const echo = (bytes: Uint8Array): Promise<Uint8Array> => client.call(SUBJECTS.omnigate.echo, bytes, call);
    afterEach(() => {
      echoOfMailbox = (bytes) => bytes;
    });

    it.each([0, 1, LIMITS.echo_bytes.value])('of %i bytes comes back from all three services', async (length) => {
      const bytes = new Uint8Array(length).map((_, i) => i);
      const calls = (hop: string): Promise<number> =>
        metric(`upstream_latency_seconds_count{service="omnigate",hop="${hop}"}`);
      const before = await Promise.all(['index', 'storage', 'mailbox'].map(calls));
      const answered = await judged('answered');
      expect(Buffer.compare(await echo(bytes), bytes)).toBe(0);
      expect(await Promise.all(['index', 'storage', 'mailbox'].map(calls))).toEqual(before.map((n) => n + 1));
      expect(await judged('answered')).toBe(answered + 1);
    });

    it('waits for the last of the three', async () => {
      const gate = Promise.withResolvers<void>();
      let reached = false;
      echoOfMailbox = async (bytes) => {
        reached = true;
        await gate.promise;
        return bytes;
      };
      let done = false;
      const answer = echo(Uint8Array.of(1)).finally(() => (done = true));
      await vi.waitFor(() => expect(reached).toBe(true), { timeout: 10_000 });
      expect(done).toBe(false);
      gate.resolve();
      expect(Buffer.compare(await answer, Uint8Array.of(1))).toBe(0);
    });

    it('with other bytes is not answered', async () => {
      const failed = await judged('failed');
      echoOfMailbox = () => Uint8Array.of(2);
      await expect(echo(Uint8Array.of(1))).rejects.toMatchObject({ code: 'integrity' });
      expect(await judged('failed')).toBe(failed + 1);
    });

    it('fails as the service that fails', async () => {
      echoOfMailbox = () => {
        throw new ServiceError('busy', 'full', { retryAfterMs: 700 });
      };
      await expect(echo(Uint8Array.of(1))).rejects.toMatchObject({ code: 'busy', retryAfterMs: 700 });
    });

    it('over its limit is refused', async () => {
      const large = new Uint8Array(LIMITS.echo_bytes.value + 1);
      await expect(echo(large)).rejects.toMatchObject({ code: 'schema' });
    });
  });

  it('without quotas judges above its bound', async () => {
    await node.close();
    node = await startNode({ services: [omnigateService], profile: 'micronode', env: { ...env, QUOTAS: 'off' }, link });
    const gate = Promise.withResolvers<void>();
    held = gate.promise;
    const from = asked.length;
    const waiting = Array.from({ length: 5 }, () =>
      client.read(SUBJECTS.omnigate.nameRead, { name: 'a', conditions }, call),
    );
    await vi.waitFor(() => expect(asked.length).toBe(from + 5), { timeout: 10_000 });
    held = undefined;
    gate.resolve();
    await Promise.all(waiting);
  });

  it('is ready when its bus is', async () => {
    expect((await fetch(`${node.opsUrl}/readyz`)).status).toBe(200);
  });
});
