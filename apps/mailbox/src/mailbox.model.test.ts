import { MailboxRecvRequest } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MailboxService } from './mailbox.service.ts';
import { ManualClock } from './manual-clock.ts';
import { mailboxMetrics } from './metrics.ts';
import { SqliteMessageStore } from './sqlite-message.store.ts';

const MAX_ATTEMPTS = 3;
const TOPIC_DEPTH = 6;
const WINDOW_MS = 4_000;

interface ModelMessage {
  readonly id: string;
  readonly topic: string;
  state: 'live' | 'acked' | 'dead';
  attempt: number;
  leaseUntil: number | undefined;
  receipt: string | undefined;
  ackedAt: number;
}

/** What the mailbox should hold, kept the simplest way there is. */
interface Model {
  now: number;
  accepted: number;
  readonly messages: ModelMessage[];
  readonly keys: Map<string, { id: string; text: string; at: number }>;
  /** Every receipt ever handed out, with the delivery it belongs to. */
  readonly receipts: { receipt: string; message: ModelMessage; attempt: number }[];
}

interface Real {
  readonly clock: ManualClock;
  readonly store: SqliteMessageStore;
  readonly service: MailboxService;
}

type Command = fc.AsyncCommand<Model, Real>;

const live = (model: Model, topic: string) => model.messages.filter((m) => m.state === 'live' && m.topic === topic);
const isLeased = (model: Model, m: ModelMessage) => m.leaseUntil !== undefined && m.leaseUntil > model.now;

/** Leases of the model that ran out: ready again, or dead. */
function settle(model: Model, topics: readonly string[]): void {
  for (const message of model.messages) {
    if (message.state !== 'live' || !topics.includes(message.topic)) continue;
    if (message.leaseUntil === undefined || isLeased(model, message)) continue;
    message.leaseUntil = undefined;
    if (message.attempt >= MAX_ATTEMPTS) message.state = 'dead';
  }
}

/** Accepted = ready + inflight + acked + dead, and each as the model has it. */
function checkCensus(model: Model, { store }: Real): void {
  const census = store.census();
  const { accepted, ready, inflight, acked, dead, expired } = census;
  expect(accepted).toBe(ready + inflight + acked + dead + expired);
  const states = model.messages.map(({ state }) => state);
  expect(census).toMatchObject({
    accepted: model.accepted,
    acked: states.filter((state) => state === 'acked').length,
    dead: states.filter((state) => state === 'dead').length,
    expired: 0,
  });
}

class Send implements Command {
  constructor(
    private readonly topic: string,
    private readonly key: string,
    private readonly text: string,
  ) {}
  check = () => true;
  toString = () => `send(${this.topic}, ${this.key}, ${this.text})`;

  async run(model: Model, real: Real): Promise<void> {
    const payload_b64 = Buffer.from(this.text).toString('base64');
    const sent = await real.service
      .send({ topic: this.topic, idem_key: this.key, payload_b64 })
      .catch((error: unknown) => error as { code: string });
    const path = `${this.topic}/${this.key}`;
    const known = model.keys.get(path);
    if (known !== undefined && known.at + WINDOW_MS > model.now) {
      const expected =
        known.text === this.text ? { msg_id: known.id, duplicate: true } : { code: 'idempotency_mismatch' };
      expect(sent).toMatchObject(expected);
    } else if (live(model, this.topic).length >= TOPIC_DEPTH) {
      expect(sent).toMatchObject({ code: 'saturated' });
    } else {
      expect(sent).toMatchObject({ duplicate: false });
      const id = 'msg_id' in sent ? sent.msg_id : '';
      expect(model.messages.some((message) => message.id === id)).toBe(false);
      model.keys.set(path, { id, text: this.text, at: model.now });
      model.accepted += 1;
      const { topic } = this;
      model.messages.push({
        id,
        topic,
        state: 'live',
        attempt: 0,
        leaseUntil: undefined,
        receipt: undefined,
        ackedAt: 0,
      });
    }
    checkCensus(model, real);
  }
}

class Recv implements Command {
  constructor(
    private readonly topic: string,
    private readonly max: number,
    private readonly visibilityMs: number,
  ) {}
  check = () => true;
  toString = () => `recv(${this.topic}, ${this.max}, ${this.visibilityMs})`;

  async run(model: Model, real: Real): Promise<void> {
    const request = MailboxRecvRequest.parse({
      topic: this.topic,
      max_messages: this.max,
      visibility_ms: this.visibilityMs,
    });
    const { messages } = await real.service.recv(request, {
      signal: new AbortController().signal,
      remainingMs: () => 5_000,
      parked: (wait) => wait,
    });
    settle(model, [this.topic]);
    const expected = live(model, this.topic)
      .filter((message) => !isLeased(model, message))
      .slice(0, this.max);
    // Never one that was acknowledged, never one that is leased, and in the order of acceptance.
    expect(messages.map(({ msg_id }) => msg_id)).toEqual(expected.map(({ id }) => id));
    for (const [i, message] of expected.entries()) {
      message.attempt += 1;
      message.leaseUntil = model.now + this.visibilityMs;
      message.receipt = messages[i]?.receipt;
      expect(messages[i]?.attempt).toBe(message.attempt);
      model.receipts.push({ receipt: messages[i]?.receipt ?? '', message, attempt: message.attempt });
    }
    checkCensus(model, real);
  }
}

class Ack implements Command {
  constructor(private readonly picks: readonly number[]) {}
  check = (model: Readonly<Model>) => model.receipts.length > 0;
  toString = () => `ack(${this.picks.join()})`;

  async run(model: Model, real: Real): Promise<void> {
    const picked = this.picks.flatMap((pick) => model.receipts.at(-1 - (pick % model.receipts.length)) ?? []);
    const { results } = await real.service.ack({ receipts: picked.map(({ receipt }) => receipt) });
    const expected = picked.map(({ message, attempt }) => {
      if (message.state === 'acked') {
        if (attempt !== message.attempt) return model.now < message.ackedAt + WINDOW_MS ? 'receipt_stale' : 'gone';
        return model.now < message.ackedAt + WINDOW_MS ? 'ok' : 'gone';
      }
      const current = message.state === 'live' && isLeased(model, message) && attempt === message.attempt;
      if (!current) return 'receipt_stale';
      message.state = 'acked';
      message.ackedAt = model.now;
      return 'ok';
    });
    for (const [i, want] of expected.entries()) {
      // Past the window the acknowledgement may have been forgotten, or not yet.
      if (want === 'gone') expect(['ok', 'receipt_stale', 'not_found']).toContain(results[i]);
      else expect(results[i]).toBe(want);
    }
    checkCensus(model, real);
  }
}

/** At most one receipt per message is valid: all others are tried, and must be refused. */
class AckStale implements Command {
  check = (model: Readonly<Model>) => model.receipts.length > 0;
  toString = () => 'ackStale()';

  async run(model: Model, real: Real): Promise<void> {
    const stale = model.receipts.filter(
      ({ message, receipt }) => message.receipt !== receipt && message.state === 'live',
    );
    for (const { receipt } of stale) {
      expect(await real.service.ack({ receipts: [receipt] })).toEqual({ results: ['receipt_stale'] });
    }
    checkCensus(model, real);
  }
}

class Advance implements Command {
  constructor(private readonly ms: number) {}
  check = () => true;
  toString = () => `advance(${this.ms})`;

  run(model: Model, real: Real): Promise<void> {
    model.now += this.ms;
    real.clock.advance(this.ms);
    return Promise.resolve();
  }
}

class Sweep implements Command {
  check = () => true;
  toString = () => 'sweep()';

  async run(model: Model, real: Real): Promise<void> {
    while (await real.service.sweep());
    settle(model, ['t', 'u']);
    const inflight = model.messages.filter((message) => message.state === 'live' && isLeased(model, message));
    expect(real.store.census().inflight).toBe(inflight.length);
    checkCensus(model, real);
  }
}

const topic = () => fc.constantFrom('t', 't', 't', 'u');
const commands = () =>
  fc.commands(
    [
      fc
        .tuple(topic(), fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), fc.constantFrom('x', 'y'))
        .map((args) => new Send(...args)),
      fc
        .tuple(topic(), fc.integer({ min: 1, max: 4 }), fc.constantFrom(250, 250, 1_000))
        .map((args) => new Recv(...args)),
      fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }).map((picks) => new Ack(picks)),
      fc.constant(new AckStale()),
      fc.constantFrom(1, 249, 250, 750, 1_000, 4_000).map((ms) => new Advance(ms)),
      fc.constant(new Sweep()),
    ],
    // The default size makes sequences too short to reach a third attempt or a full topic.
    { maxCommands: 80, size: 'max' },
  );

async function open(): Promise<Real> {
  const clock = new ManualClock();
  const scope = new MetricsRegistry().scope({ service: 'mailbox' });
  const store = await SqliteMessageStore.open({ location: 'memory', metrics: scope, clock });
  const settings = {
    topicDepth: TOPIC_DEPTH,
    storeBytes: 1_000_000,
    maxAttempts: MAX_ATTEMPTS,
    dedupWindowMs: WINDOW_MS,
    retentionMs: 1_000_000_000,
    deadRetentionMs: 1_000_000_000,
    maxWaiters: 1,
    sweepLimit: 2,
  };
  return { clock, store, service: new MailboxService({ store, clock, settings, metrics: scope.bind(mailboxMetrics) }) };
}

it('every message accepted is ready, in flight, acknowledged or dead; one receipt is valid; what is acknowledged stays so', async () => {
  await fc.assert(
    fc.asyncProperty(commands(), async (sequence) => {
      const real = await open();
      try {
        const model: Model = { now: 0, accepted: 0, messages: [], keys: new Map(), receipts: [] };
        await fc.asyncModelRun(() => ({ model, real }), sequence);
      } finally {
        await real.store.close();
      }
    }),
    { numRuns: 100 },
  );
});
