import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import {
  cosign,
  formatKnownSize,
  formatSignatureLines,
  type NoteKey,
  parseVkey,
  TREE_SIZE_MEDIA_TYPE,
  verifyCosignature,
} from '@macronode/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkpointer } from './checkpointer.ts';
import { signers, TestLog } from './log-fixture.ts';
import { registryMetrics } from './metrics.ts';
import { type ReceivedCheckpoint, ScriptedWitness } from './scripted-witness-fixture.ts';
import { WitnessClient } from './witness-client.ts';
import { Witness, type WitnessAnswer } from './witness.ts';

const MIB = 1 << 20;
const members = signers(1);
/** Over any size a log of these tests has. */
const FAR = 1e15;

const knows = (size: number): WitnessAnswer => ({
  status: 409,
  type: TREE_SIZE_MEDIA_TYPE,
  body: formatKnownSize(size),
});
const plain = (status: number, body: string): WitnessAnswer => ({ status, type: 'text/plain', body });

/** A log of three versions, the node that witnesses it when it is honest, and time as the test has it. */
class Scene implements AsyncDisposable {
  readonly log: TestLog;
  readonly #other: TestLog;
  readonly #honest: Witness;
  readonly #clients: WitnessClient[] = [];
  nowMs = 0;

  private constructor(log: TestLog, other: TestLog) {
    this.log = log;
    this.#other = other;
    const clock = { wallMs: () => this.nowMs };
    this.#honest = new Witness(other.log.store, [parseVkey(this.checkpointer.vkey)], this.cosigner, clock);
  }

  static async open(): Promise<Scene> {
    const [log, other] = [await TestLog.open({ members, m: 1 }), await TestLog.open({ members, m: 1 })];
    for (let at = 0; at < 3; at += 1) await log.round(members);
    return new Scene(log, other);
  }

  get checkpointer(): Checkpointer {
    return checkpointerOf(this.log);
  }

  get cosigner() {
    return checkpointerOf(this.#other).cosigner;
  }

  readonly honest = ({ body }: ReceivedCheckpoint): Promise<WitnessAnswer> => this.#honest.addCheckpoint(body);

  clientOf(witness: ScriptedWitness): WitnessClient {
    const address = { key: this.cosigner.key, url: witness.url };
    const metrics = this.log.metrics.scope({ service: 'registry' }).bind(registryMetrics);
    const client = new WitnessClient(address, this.log.log, this.checkpointer, metrics, () => this.nowMs);
    this.#clients.push(client);
    return client;
  }

  /** How often each result was counted, of those that were. */
  async counted(): Promise<Record<string, number>> {
    const text = await this.log.metrics.render();
    const found = [...text.matchAll(/^witness_cosign_total\{.*result="(?<result>\w+)".*\} (?<count>\d+)$/gm)];
    const counts = found.map(({ groups }) => [groups?.['result'] ?? '', Number(groups?.['count'])] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  /** The time of the cosignature on the checkpoint, in POSIX seconds; undefined without a valid one. */
  get cosignedAt(): number | undefined {
    const { signed } = this.checkpointer;
    if (signed === undefined) return undefined;
    const times = signed.signatures.map((line) => verifyCosignature(signed.checkpoint, line, this.cosigner.key));
    return times.find((time) => time !== undefined);
  }

  /** Whether the checkpoint has a line that claims to be of a key. */
  claims({ name }: NoteKey): boolean {
    return this.checkpointer.signed?.signatures.some((line) => line.name === name) ?? false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.log[Symbol.asyncDispose]();
    await this.#other[Symbol.asyncDispose]();
  }
}

function checkpointerOf({ log }: TestLog): Checkpointer {
  if (log.checkpointer === undefined) throw new Error('a test log signs checkpoints');
  return log.checkpointer;
}

async function poked(client: WitnessClient): Promise<void> {
  client.poke();
  await client.settled();
}

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene[Symbol.asyncDispose]());

describe('the answer of a witness', () => {
  /** Far more than an answer is, as long as somebody takes it. */
  function* flood(taken: { bytes: number }): Generator<Buffer> {
    const piece = Buffer.alloc(64 * 1024, 'x');
    for (; taken.bytes < 64 * MIB; taken.bytes += piece.length) yield piece;
  }

  it.each([200, 409, 403, 500])('is let go of when it has no end, with status %i', async (status) => {
    const taken = { bytes: 0 };
    let sent: Promise<unknown> | undefined;
    await using witness = await ScriptedWitness.open((_received, _at, response) => {
      response.writeHead(status, { 'content-type': TREE_SIZE_MEDIA_TYPE });
      sent = pipeline(flood(taken), response).catch((error: unknown) => error);
      return undefined;
    });
    await poked(scene.clientOf(witness));
    expect(await sent).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    expect(await scene.counted()).toEqual({ refused: 1 });
    // What the kernel and the client hold back between the two.
    expect(taken.bytes).toBeLessThan(32 * MIB);
  });

  it('is of the size it was asked for: what was committed meanwhile is sent next', async () => {
    await using witness = await ScriptedWitness.open(async (received, at) => {
      if (at === 1) await scene.log.round(members);
      return scene.honest(received);
    });
    await poked(scene.clientOf(witness));
    expect(witness.oldSizes).toEqual([0, 3]);
    expect(scene.checkpointer.signed?.checkpoint.size).toBe(4);
    expect(scene.cosignedAt).toBeDefined();
  });

  it('is asked for as it is, and read no further when it unfolds all the same', async () => {
    await using witness = await ScriptedWitness.open((_received, _at, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(64 * MIB)));
      return undefined;
    });
    await poked(scene.clientOf(witness));
    expect(witness.received[0]?.headers['accept-encoding']).toBe('identity');
    expect(await scene.counted()).toEqual({ refused: 1 });
  });

  it('is not looked for elsewhere', async () => {
    await using elsewhere = await ScriptedWitness.open(scene.honest);
    await using witness = await ScriptedWitness.open((_received, _at, response) => {
      response.writeHead(307, { location: `${elsewhere.url}/add-checkpoint` }).end();
      return undefined;
    });
    await poked(scene.clientOf(witness));
    expect(elsewhere.received).toHaveLength(0);
    expect(await scene.counted()).toEqual({ failed: 1 });
  });

  it('counts for nothing unless its key signed this checkpoint', async () => {
    const { cosigner, checkpointer } = scene;
    const another = checkpointer.cosigner;
    const damaged = ({ request }: ReceivedCheckpoint) => {
      const line = cosign(request.checkpoint.checkpoint, 1, cosigner);
      return { ...line, bytes: line.bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte)) };
    };
    const ofAnother = ({ request }: ReceivedCheckpoint) => ({
      ...cosign(request.checkpoint.checkpoint, 1, another),
      name: cosigner.key.name,
      keyId: cosigner.key.id,
    });
    const ofLess = ({ request }: ReceivedCheckpoint) =>
      cosign({ ...request.checkpoint.checkpoint, size: 2 }, 1, cosigner);
    const stranger = { ...another, key: { ...another.key, name: 'stranger.example' } };
    const ofAStranger = ({ request }: ReceivedCheckpoint) => cosign(request.checkpoint.checkpoint, 1, stranger);
    const before = checkpointer.text;
    const lies = [damaged, ofAnother, ofLess, ofAStranger];
    for (const lie of lies) {
      await using witness = await ScriptedWitness.open((received) => plain(200, formatSignatureLines([lie(received)])));
      await poked(scene.clientOf(witness));
    }
    for (const body of ['', '\n', 'yes\n']) {
      await using witness = await ScriptedWitness.open(() => plain(200, body));
      await poked(scene.clientOf(witness));
    }
    expect(await scene.counted()).toEqual({ refused: lies.length + 3 });
    expect(checkpointer.text).toBe(before);
    expect(scene.claims(stranger.key)).toBe(false);
  });
});

describe('a witness that lies about what it knows', () => {
  it('has two requests for a poke, however its sizes change', async () => {
    // An end, so that this test has one too.
    await using witness = await ScriptedWitness.open((_received, at) =>
      at > 20 ? plain(500, 'enough\n') : knows(1 + (at % 2)),
    );
    const client = scene.clientOf(witness);
    await poked(client);
    expect(witness.oldSizes).toEqual([0, 2]);
    await poked(client);
    expect(witness.oldSizes).toEqual([0, 2, 1, 2]);
    expect(await scene.counted()).toEqual({ conflict: 4 });
  });

  it('has one request for a poke when the size is the one it was sent', async () => {
    await using witness = await ScriptedWitness.open(() => knows(0));
    await poked(scene.clientOf(witness));
    expect(witness.oldSizes).toEqual([0]);
    expect(await scene.counted()).toEqual({ conflict: 1 });
  });

  it('is not believed a size that was never signed, and has its cosignature embedded once it is honest', async () => {
    await using witness = await ScriptedWitness.open(() => knows(FAR));
    const client = scene.clientOf(witness);
    await poked(client);
    expect(await scene.counted()).toEqual({ refused: 1 });
    witness.script = scene.honest;
    await poked(client);
    expect(witness.oldSizes).toEqual([0, 0]);
    expect(scene.cosignedAt).toBeDefined();
  });

  it.each([0, 1, 2, 3, 4, FAR])('is honest at the next poke, and nothing of size %i is left', async (lie) => {
    await using witness = await ScriptedWitness.open(scene.honest);
    const client = scene.clientOf(witness);
    await poked(client);
    await scene.log.round(members);
    witness.script = () => knows(lie);
    await poked(client);
    expect(scene.cosignedAt).toBeUndefined();
    witness.script = scene.honest;
    await poked(client);
    expect(scene.cosignedAt).toBeDefined();
  });
});

describe('a witness that fails again and again', () => {
  it('is asked at once three times, then ever more seldom, and what it is not asked is counted too', async () => {
    await using witness = await ScriptedWitness.open(() => plain(500, 'no\n'));
    const client = scene.clientOf(witness);
    for (let at = 0; at < 10; at += 1) await poked(client);
    expect(witness.received).toHaveLength(3);
    expect(await scene.counted()).toEqual({ refused: 10 });
    // A poke each second, as of a log that is written.
    const asked: number[] = [];
    for (scene.nowMs = 1_000; scene.nowMs <= 120_000; scene.nowMs += 1_000) {
      const before = witness.received.length;
      await poked(client);
      if (witness.received.length > before) asked.push(scene.nowMs / 1_000);
    }
    expect(asked).toEqual([2, 6, 14, 30, 50, 70, 90, 110]);
  });

  it('is asked at once again after it has cosigned', async () => {
    await using witness = await ScriptedWitness.open(() => plain(500, 'no\n'));
    const client = scene.clientOf(witness);
    for (let at = 0; at < 5; at += 1) await poked(client);
    witness.script = scene.honest;
    scene.nowMs += 60_000;
    await poked(client);
    expect(scene.cosignedAt).toBeDefined();
    witness.script = () => plain(500, 'no\n');
    await scene.log.round(members);
    const before = witness.received.length;
    for (let at = 0; at < 5; at += 1) await poked(client);
    expect(witness.received).toHaveLength(before + 3);
  });
});

describe('a checkpoint of an idle log', () => {
  it('is cosigned again after a minute, and no sooner', async () => {
    await using witness = await ScriptedWitness.open(scene.honest);
    const client = scene.clientOf(witness);
    const times: (number | undefined)[] = [];
    for (; scene.nowMs <= 120_000; scene.nowMs += 30_000) {
      scene.checkpointer.resign();
      await poked(client);
      times.push(scene.cosignedAt);
    }
    expect(times).toEqual([0, 0, 60, 60, 120]);
    expect(witness.oldSizes).toEqual([0, 3, 3]);
    expect(await scene.counted()).toEqual({ cosigned: 3 });
  });

  it('keeps the cosignature it has while the witness is away', async () => {
    await using witness = await ScriptedWitness.open(scene.honest);
    const client = scene.clientOf(witness);
    await poked(client);
    witness.script = () => plain(503, 'later\n');
    scene.nowMs = 60_000;
    await poked(client);
    expect(scene.cosignedAt).toBe(0);
    witness.script = scene.honest;
    await poked(client);
    expect(scene.cosignedAt).toBe(60);
  });
});
