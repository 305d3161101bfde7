import { randomBytes } from 'node:crypto';
import { StreamReply } from '@macronode/bus';
import { hashBytes } from '@macronode/content';
import type { ObjectOpenRequest, ObjectReadReply, ObjectWriteReply, ReadConditions } from '@macronode/contracts';
import { readConfig } from '@macronode/service';
import { beforeEach, describe, expect, it } from 'vitest';
import { storageConfig, type StorageConfig } from './config.ts';
import { MemoryObjectStore } from './memory-object.store.ts';
import { ObjectService } from './object.service.ts';
import { testScope, type TestScope } from './object.store.conformance.ts';

const MIB = 1024 * 1024;

async function* pieces(...all: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const piece of all) yield await Promise.resolve(piece);
}

describe('object service', () => {
  let test: TestScope;
  let store: MemoryObjectStore;
  let service: ObjectService;
  const start = (config: Partial<StorageConfig> = {}): void => {
    test = testScope();
    store = new MemoryObjectStore(8 * MIB, test.metrics);
    service = new ObjectService(store, { ...readConfig(storageConfig, {}), ...config }, test.metrics);
  };
  beforeEach(() => start());

  const instance = { ticket: () => ({ inbox: 'inbox.storage.1', credit: 65_536 }) };
  const open = (request: Partial<ObjectOpenRequest> = {}) => service.open({ must_be_new: false, ...request }, instance);
  const ticket = async (request: Partial<ObjectOpenRequest> = {}): Promise<string> => {
    const reply = await open(request);
    if (reply.outcome !== 'ticket') throw new Error(`expected a ticket, got ${reply.outcome}`);
    expect(reply.ticket).toMatchObject({ inbox: 'inbox.storage.1', credit: 65_536 });
    return reply.ticket.upload;
  };
  const send = (upload: string, body: AsyncIterable<Uint8Array>): Promise<ObjectWriteReply> =>
    service.write({ upload }, { body: Object.assign(body, { cancel: () => undefined }) });
  const store1 = async (bytes: Uint8Array): Promise<string> => (await send(await ticket(), pieces(bytes))).id;
  const read = async (id: string, conditions: Partial<ReadConditions> = {}) => {
    const request = { id, conditions: { method: 'GET' as const, ...conditions } };
    const reply = await service.read(request, { stream: (head, source) => new StreamReply(head, source) });
    return reply instanceof StreamReply
      ? { head: reply.head as ObjectReadReply, source: reply.source as AsyncIterableIterator<Uint8Array> }
      : { head: reply, source: undefined };
  };
  const refusals = async (reason: string): Promise<number> => {
    const line = new RegExp(`storage_refused_total\\{[^}]*reason="${reason}"[^}]*\\} (\\d+)`).exec(
      await test.registry.render(),
    );
    return Number(line?.[1]);
  };
  const inflight = async (what: 'uploads' | 'reads'): Promise<string | undefined> =>
    new RegExp(`storage_${what}_inflight\\{[^}]*\\} (\\d+)`).exec(await test.registry.render())?.[1];

  it('takes an upload and serves it', async () => {
    const bytes = randomBytes(200_000);
    const upload = await ticket({ id: hashBytes(bytes), size: bytes.length });
    expect(await inflight('uploads')).toBe('1');
    const reply = await send(upload, pieces(bytes.subarray(0, 90_000), bytes.subarray(90_000)));
    expect(reply).toEqual({ id: hashBytes(bytes), size: 200_000, created: true });
    expect(await inflight('uploads')).toBe('0');
    const { head, source } = await read(reply.id, { range: 'bytes=70000-' });
    expect(head).toEqual({ id: reply.id, size: 200_000, outcome: 'partial', start: 70_000, end: 200_000 });
    expect(await inflight('reads')).toBe('1');
    const got: Uint8Array[] = [];
    for await (const piece of source ?? []) got.push(piece);
    expect(Buffer.concat(got).equals(bytes.subarray(70_000))).toBe(true);
    expect(await inflight('reads')).toBe('0');
  });

  it('says what is there already, and refuses it when it had to be new', async () => {
    const bytes = randomBytes(10);
    const id = await store1(bytes);
    expect(await open({ id })).toEqual({ outcome: 'present', id, size: 10 });
    await expect(open({ id, must_be_new: true })).rejects.toMatchObject({ code: 'precondition_failed' });
    const late = await ticket({ must_be_new: true });
    await expect(send(late, pieces(bytes))).rejects.toMatchObject({ code: 'precondition_failed' });
    expect(await send(await ticket(), pieces(bytes))).toMatchObject({ created: false });
  });

  it('refuses what is too large, declared or sent', async () => {
    start({ maxObjectBytes: 100 });
    await expect(open({ size: 101 })).rejects.toMatchObject({ code: 'too_large', details: { limit_bytes: 100 } });
    const sent = send(await ticket(), pieces(randomBytes(60), randomBytes(41)));
    await expect(sent).rejects.toMatchObject({ code: 'too_large' });
    expect(await refusals('too_large')).toBe(2);
    expect(await send(await ticket({ size: 100 }), pieces(randomBytes(100)))).toMatchObject({ size: 100 });
  });

  it.each([
    [99, 'truncated'],
    [101, 'oversized'],
  ])('refuses %i bytes where 100 were declared: %s', async (size, reason) => {
    const bytes = randomBytes(size);
    const sent = send(await ticket({ size: 100 }), pieces(bytes));
    await expect(sent).rejects.toMatchObject({ code: 'bad_request', reason });
    expect(await refusals(reason)).toBe(1);
    expect(await store.find(hashBytes(bytes))).toBeUndefined();
  });

  it('refuses bytes that do not hash to the id', async () => {
    const sent = send(await ticket({ id: hashBytes(randomBytes(3)) }), pieces(randomBytes(3)));
    await expect(sent).rejects.toMatchObject({ code: 'digest_mismatch' });
  });

  it('bounds uploads, and frees the slot however one ends', async () => {
    start({ uploadSlots: 2 });
    const [first, second] = [await ticket(), await ticket()];
    await expect(open()).rejects.toMatchObject({ code: 'busy', reason: 'upload_slots', retryAfterMs: 1_000 });
    await send(first, pieces(randomBytes(5)));
    const third = await ticket();
    async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
      yield await Promise.resolve(randomBytes(200_000));
      throw new Error('the writer is gone');
    }
    await expect(send(second, broken())).rejects.toThrow('the writer is gone');
    expect(await refusals('canceled')).toBe(1);
    await ticket();
    await expect(send(first, pieces())).rejects.toMatchObject({ code: 'unavailable', reason: 'unknown_upload' });
    await expect(send('nonsense', pieces())).rejects.toMatchObject({ reason: 'unknown_upload' });
    await send(third, pieces());
  });

  it('refuses before the bytes when there is no room, and gives room back after a failure', async () => {
    const filler = send(await ticket(), pieces(randomBytes(5 * MIB), randomBytes(4 * MIB)));
    await expect(filler).rejects.toMatchObject({ code: 'no_space' });
    await store1(randomBytes(8 * MIB));
    await expect(open()).rejects.toMatchObject({ code: 'no_space' });
    expect(await refusals('no_space')).toBe(2);
  });

  it('answers what has no body without one', async () => {
    const id = await store1(randomBytes(1_000));
    const empty = await store1(new Uint8Array(0));
    const bodiless = async (of: string, conditions: Partial<ReadConditions>): Promise<unknown> => {
      const { head, source } = await read(of, conditions);
      expect(source).toBeUndefined();
      return head;
    };
    expect(await bodiless(id, { method: 'HEAD', range: 'bytes=0-1' })).toMatchObject({ outcome: 'full', end: 1_000 });
    expect(await bodiless(id, { if_none_match: `"${id}"` })).toMatchObject({ outcome: 'not_modified', size: 1_000 });
    expect(await bodiless(id, { if_match: '"x"' })).toMatchObject({ outcome: 'precondition_failed' });
    expect(await bodiless(id, { range: 'bytes=1000-' })).toMatchObject({ outcome: 'unsatisfiable', size: 1_000 });
    expect(await bodiless(empty, {})).toMatchObject({ outcome: 'full', size: 0, start: 0, end: 0 });
    await expect(read(hashBytes(randomBytes(4)))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('bounds reads that hold a window, not those of one chunk, and frees the slot of a stream nobody read', async () => {
    start({ readSlots: 1 });
    const large = await store1(randomBytes(65_537));
    const first = await read(large);
    await expect(read(large)).rejects.toMatchObject({ code: 'busy', reason: 'read_slots' });
    expect((await read(large, { range: 'bytes=1-65536' })).head).toMatchObject({ outcome: 'partial' });
    await first.source?.return?.();
    const second = await read(large);
    await second.source?.next();
    await second.source?.return?.();
    await second.source?.return?.();
    expect(await inflight('reads')).toBe('0');
  });

  it('turns damage of the first chunk into an error before anything is promised, and frees the slot', async () => {
    start({ readSlots: 1 });
    const id = await store1(randomBytes(200_000));
    for await (const piece of store.read({ id, size: 200_000 }, 0, 1)) piece[0] = (piece[0] ?? 0) ^ 1;
    await expect(read(id)).rejects.toMatchObject({ code: 'integrity' });
    expect(await refusals('integrity')).toBe(1);
    expect(await inflight('reads')).toBe('0');
  });
});
