import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bus, InProcessLink } from '@macronode/bus';
import { hashBytes } from '@macronode/content';
import { type ObjectReadReply, type ObjectWriteReply, type ReadConditions, SUBJECTS } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { type Env, type RunningNode, startNode } from '@macronode/service';
import { afterEach, describe, expect, it } from 'vitest';
import { storageService } from './index.ts';

const { objectOpen, objectRead, objectWrite } = SUBJECTS.storage;
const context = { corrId: '01JZZZZZZZZZZZZZZZZZZZZZZZ' };

/** A storage on an in-process link, and a caller on the same link. */
class Pair implements AsyncDisposable {
  readonly node: RunningNode;
  readonly caller: Bus;
  readonly #link: InProcessLink;

  private constructor(node: RunningNode, caller: Bus, link: InProcessLink) {
    this.node = node;
    this.caller = caller;
    this.#link = link;
  }

  static async start(env: Env): Promise<Pair> {
    const link = new InProcessLink();
    await link.start();
    const node = await startNode({
      services: [storageService],
      profile: 'micronode',
      link,
      env: { OPS_PORT: '0', LOG_LEVEL: 'error', STORAGE_MIN_FREE_BYTES: '0', ...env },
    });
    const metrics = new MetricsRegistry().scope({ service: 'gateway' });
    const caller = new Bus({ service: 'gateway', link, metrics });
    await caller.start();
    return new Pair(node, caller, link);
  }

  async put(bytes: Uint8Array, step = 65_536): Promise<ObjectWriteReply> {
    const opened = await this.caller.call(objectOpen, { must_be_new: false, size: bytes.length }, context);
    if (opened.outcome !== 'ticket') throw new Error('expected a ticket');
    const { ticket } = opened;
    async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let at = 0; at < bytes.length; at += step) yield await Promise.resolve(bytes.subarray(at, at + step));
    }
    return this.caller.write(ticket, objectWrite, { upload: ticket.upload }, source(), context);
  }

  async get(id: string, conditions: Partial<ReadConditions> = {}): Promise<{ head: ObjectReadReply; bytes: Buffer }> {
    const request = { id, conditions: { method: 'GET' as const, ...conditions } };
    const { head: reply, body } = await this.caller.read(objectRead, request, context);
    const { bytes, ...head } = reply;
    const pieces: Uint8Array[] = bytes === undefined ? [] : [bytes];
    for await (const piece of body) pieces.push(piece);
    return { head, bytes: Buffer.concat(pieces) };
  }

  async ops(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(new URL(path, this.node.opsUrl));
    return { status: response.status, text: await response.text() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.caller.close();
    await this.node.close();
    await this.#link.close();
  }
}

describe('storage module', () => {
  const dirs: string[] = [];
  const dataDir = (): string => {
    const dir = mkdtempSync(join(tmpdir(), 'macronode-storage-'));
    dirs.push(dir);
    return dir;
  };
  afterEach(() => {
    for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
  });

  it.each([
    ['in memory', (): Env => ({})],
    ['on disk', (): Env => ({ DATA_DIR: dataDir() })],
  ])('opens, takes and serves objects over the bus, %s', async (_where, env) => {
    await using pair = await Pair.start(env());
    for (const size of [0, 1, 20_000, 65_536, 3_000_001]) {
      const bytes = randomBytes(size);
      const id = hashBytes(bytes);
      expect(await pair.put(bytes)).toEqual({ id, size, created: true });
      const whole = await pair.get(id);
      expect(whole.head).toEqual({ id, size, outcome: 'full', start: 0, end: size });
      expect(whole.bytes.equals(bytes)).toBe(true);
      expect(await pair.caller.call(objectOpen, { id, must_be_new: false }, context)).toEqual({
        outcome: 'present',
        id,
        size,
      });
    }
    expect((await pair.ops('/readyz')).status).toBe(200);
    expect((await pair.ops('/metrics')).text).toMatch(/storage_objects_stored_total\{[^}]*result="created"[^}]*\} 5\n/);
  });

  it('answers ranges and conditions, with a body or without', async () => {
    await using pair = await Pair.start({});
    const bytes = randomBytes(200_000);
    const { id } = await pair.put(bytes);
    const part = await pair.get(id, { range: 'bytes=65000-131999' });
    expect(part.head).toMatchObject({ outcome: 'partial', start: 65_000, end: 132_000 });
    expect(part.bytes.equals(bytes.subarray(65_000, 132_000))).toBe(true);
    const bodiless = [
      { conditions: { method: 'HEAD' as const }, outcome: 'full' },
      { conditions: { if_none_match: `"${id}"` }, outcome: 'not_modified' },
      { conditions: { if_match: '"x"' }, outcome: 'precondition_failed' },
      { conditions: { range: 'bytes=200000-' }, outcome: 'unsatisfiable' },
    ];
    for (const { conditions, outcome } of bodiless) {
      const { head, bytes: none } = await pair.get(id, conditions);
      expect(head).toMatchObject({ outcome, size: 200_000 });
      expect(none.length).toBe(0);
    }
  });

  it('refuses in typed words', async () => {
    await using pair = await Pair.start({ STORAGE_MAX_OBJECT_BYTES: '1000' });
    const missing = hashBytes(randomBytes(8));
    await expect(pair.get(missing)).rejects.toMatchObject({ code: 'not_found', retryable: false });
    const large = pair.caller.call(objectOpen, { size: 1_001, must_be_new: false }, context);
    await expect(large).rejects.toMatchObject({ code: 'too_large' });
    const nonsense = pair.caller.call(objectOpen, { id: 'b3:x', must_be_new: false }, context);
    await expect(nonsense).rejects.toMatchObject({ code: 'schema' });
    const opened = await pair.caller.call(objectOpen, { id: missing, must_be_new: true }, context);
    if (opened.outcome !== 'ticket') throw new Error('expected a ticket');
    const { ticket } = opened;
    async function* other(): AsyncGenerator<Uint8Array, void, undefined> {
      yield await Promise.resolve(randomBytes(8));
    }
    const lie = pair.caller.write(ticket, objectWrite, { upload: ticket.upload }, other(), context);
    await expect(lie).rejects.toMatchObject({ code: 'digest_mismatch' });
  });

  it('keeps nothing of an upload whose sender breaks off', async () => {
    const dir = dataDir();
    await using pair = await Pair.start({ DATA_DIR: dir });
    const opened = await pair.caller.call(objectOpen, { must_be_new: false }, context);
    if (opened.outcome !== 'ticket') throw new Error('expected a ticket');
    const { ticket } = opened;
    async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let n = 0; n < 10; n++) yield await Promise.resolve(randomBytes(65_536));
      throw new Error('the client is gone');
    }
    await expect(pair.caller.write(ticket, objectWrite, { upload: ticket.upload }, broken(), context)).rejects.toThrow(
      'the client is gone',
    );
    await expect
      .poll(async () => (await pair.ops('/metrics')).text, { timeout: 5_000 })
      .toMatch(/storage_uploads_inflight\{[^}]*\} 0\n/);
    expect(readdirSync(join(dir, 'storage', 'tmp'))).toEqual([]);
  });

  it('serves after a restart what it acknowledged before', async () => {
    const DATA_DIR = dataDir();
    const objects = [randomBytes(100), randomBytes(100_000)];
    {
      await using pair = await Pair.start({ DATA_DIR });
      for (const bytes of objects) await pair.put(bytes);
    }
    await using pair = await Pair.start({ DATA_DIR });
    for (const bytes of objects) expect((await pair.get(hashBytes(bytes))).bytes.equals(bytes)).toBe(true);
  });

  it('sheds writes, not reads, when there is no room', async () => {
    await using pair = await Pair.start({ STORAGE_MEMORY_BYTES: String(1024 * 1024) });
    const { id } = await pair.put(randomBytes(1024 * 1024));
    await expect(pair.caller.call(objectOpen, { must_be_new: false }, context)).rejects.toMatchObject({
      code: 'no_space',
    });
    expect((await pair.get(id)).bytes.length).toBe(1024 * 1024);
    const { text } = await pair.ops('/readyz');
    expect(JSON.parse(text)).toMatchObject({ ready: true, write_ready: false, missing: ['disk_headroom'] });
  });
});
