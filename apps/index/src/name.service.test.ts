import { hashBytes } from '@macronode/content';
import type { NameClaim, NamePutRequest } from '@macronode/contracts';
import { NameRecord } from '@macronode/contracts';
import { NodeKey, generateKey } from '@macronode/keys';
import { MetricsRegistry } from '@macronode/metrics';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexMetrics } from './metrics.ts';
import { signClaim, verifyRecord } from './name-record.ts';
import { NameService } from './name.service.ts';
import { SqliteNameStore } from './sqlite-name.store.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');
const alice = generateKey('ed25519');
const target = (text: string) => hashBytes(Buffer.from(text));
const code = (expected: string, reason?: string) =>
  expect.objectContaining(reason === undefined ? { code: expected } : { code: expected, reason });

const signed = (fields: Partial<NameClaim> = {}, key = alice) => {
  const claim: NameClaim = {
    v: 1,
    name: 'n',
    seq: 1,
    target: target('one'),
    ttl_s: 60,
    owner: key.publicKeyHex,
    not_after: '2031-01-01T00:00:00Z',
    ...fields,
  };
  return signClaim(claim, key);
};

const unconditional = { storedAt: NOW, mustBeNew: false, ifMatch: undefined, expected: undefined, historyMax: 1 };

const put = (body: NamePutRequest['body'], fields: Partial<NamePutRequest> = {}): NamePutRequest => ({
  name: 'n',
  body,
  must_be_new: false,
  ...fields,
});

describe('NameService', () => {
  let store: SqliteNameStore;
  let service: NameService;
  let nodeKey: NodeKey;
  let now: number;
  let registry: MetricsRegistry;

  beforeEach(async () => {
    registry = new MetricsRegistry();
    const scope = registry.scope({ service: 'index' });
    store = await SqliteNameStore.open({ location: 'memory', metrics: scope });
    nodeKey = NodeKey.ephemeral();
    now = NOW;
    service = new NameService({
      store,
      key: nodeKey,
      metrics: scope.bind(indexMetrics),
      ttlSeconds: 60,
      validityMs: 1_000,
      historyMax: 10,
      now: () => now,
    });
  });
  afterEach(() => store.close());

  it('publishes and resolves a signed record', async () => {
    const record = signed({ manifest: target('m') });
    const reply = await service.publish(put(record));
    expect(reply).toEqual({ record, etag: expect.stringMatching(/^b3:[0-9a-f]{64}$/) as string, created: true });
    expect(await service.resolve('n')).toEqual({ ...reply, created: false });
    expect(NameRecord.parse(reply.record)).toEqual(record);
  });

  it('answers a repeat of the stored record, and refuses another one with its sequence', async () => {
    await service.publish(put(signed()));
    expect(await service.publish(put(signed()))).toMatchObject({ created: false });
    await expect(service.publish(put(signed({ target: target('two') })))).rejects.toEqual(code('stale_seq'));
    await expect(service.publish(put(signed({ seq: 2 })))).resolves.toMatchObject({ created: false });
    await expect(service.publish(put(signed()))).rejects.toMatchObject({ details: { current_seq: 2 } });
  });

  it('refuses what does not hold', async () => {
    await expect(service.publish(put(signed({ name: 'other' })))).rejects.toEqual(code('bad_request', 'name_mismatch'));
    const forged = { ...signed({ seq: 2 }), sig: signed().sig };
    await expect(service.publish(put(forged))).rejects.toEqual(code('bad_signature'));
    const expired = signed({ not_after: '2029-12-31T23:59:59Z' });
    await expect(service.publish(put(expired))).rejects.toEqual(code('bad_request', 'expired'));
    await expect(service.resolve('n')).rejects.toEqual(code('not_found'));
  });

  it('keeps a name with its first owner, also against the node itself', async () => {
    await service.publish(put(signed()));
    const mallory = generateKey('ed25519');
    await expect(service.publish(put(signed({ seq: 2 }, mallory)))).rejects.toEqual(code('not_owner'));
    await expect(service.publish(put({ target: target('two') }))).rejects.toEqual(code('not_owner'));
  });

  it('judges If-Match and If-None-Match', async () => {
    await expect(service.publish(put(signed(), { if_match: '*' }))).rejects.toEqual(code('precondition_failed'));
    const { etag } = await service.publish(put(signed(), { must_be_new: true }));
    const again = put(signed({ seq: 2 }), { must_be_new: true });
    await expect(service.publish(again)).rejects.toEqual(code('precondition_failed'));
    for (const tag of [etag, `W/"${etag}"`, '"b3:00"']) {
      const refused = service.publish(put(signed({ seq: 2 }), { if_match: tag }));
      await expect(refused).rejects.toEqual(code(tag === etag ? 'bad_request' : 'precondition_failed'));
    }
    await service.publish(put(signed({ seq: 2 }), { if_match: `"x", "${etag}"` }));
  });

  it('signs for those who only name a target, with the next sequence', async () => {
    const first = await service.publish(put({ target: target('one') }));
    expect(first).toMatchObject({ created: true, record: { record: { seq: 1, ttl_s: 60 } } });
    expect(first.record.record.owner).toBe(nodeKey.publicKeyHex);
    expect(Date.parse(first.record.record.not_after)).toBe(NOW + 1_000);
    verifyRecord(first.record);
    const second = await service.publish(put({ target: target('two') }, { if_match: `"${first.etag}"` }));
    expect(second).toMatchObject({ created: false, record: { record: { seq: 2, target: target('two') } } });
    const lost = service.publish(put({ target: target('3') }, { if_match: `"${first.etag}"` }));
    await expect(lost).rejects.toEqual(code('precondition_failed'));
  });

  it('gives a crowd that names targets one sequence each', async () => {
    const crowd = Array.from({ length: 40 }, (_, i) => service.publish(put({ target: target(String(i)) })));
    const seqs = (await Promise.all(crowd)).map(({ record }) => record.record.seq);
    expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it('does not resolve an expired record, and keeps the name for its owner', async () => {
    await service.publish(put({ target: target('one') }));
    now += 1_000;
    await expect(service.resolve('n')).rejects.toEqual(code('not_found', 'expired'));
    await expect(service.publish(put(signed({ seq: 9 })))).rejects.toEqual(code('not_owner'));
    await service.publish(put({ target: target('two') }));
    expect((await service.resolve('n')).record.record.seq).toBe(2);
  });

  it('does not answer a record whose text has changed on disk', async () => {
    await service.publish(put(signed()));
    const stored = await store.get('n');
    const damaged = { ...signed({ seq: 2 }).record, name: 'n', body: `${stored?.body ?? ''} `, etag: 'b3:00' };
    await store.put({ ...damaged, ...unconditional });
    await expect(service.resolve('n')).rejects.toEqual(code('integrity', 'name_record'));
    expect(await registry.render()).toMatch(/index_integrity_fail_total\{[^}]*\} 1/);
  });

  it('counts publications by what became of them', async () => {
    await service.publish(put(signed()));
    await service.publish(put(signed())).catch(() => undefined);
    await service.publish(put(signed({}, generateKey('ed25519')))).catch(() => undefined);
    const text = await registry.render();
    expect(text).toMatch(/index_names_total\{[^}]*result="created"[^}]*\} 1/);
    expect(text).toMatch(/index_names_total\{[^}]*result="unchanged"[^}]*\} 1/);
    expect(text).toMatch(/index_names_total\{[^}]*result="not_owner"[^}]*\} 1/);
  });

  it('lets the sequence of a name only grow, whatever is published', async () => {
    let name = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ seq: fc.integer({ min: 1, max: 6 }), text: fc.constantFrom('x', 'y') }), {
          maxLength: 12,
        }),
        async (writes) => {
          name += 1;
          const path = `p${name}`;
          let high = 0;
          for (const { seq, text } of writes) {
            const body = signed({ name: path, seq, target: target(text) });
            const done = await service.publish(put(body, { name: path })).catch(() => undefined);
            const stored = (await service.resolve(path)).record.record;
            expect(stored.seq).toBeGreaterThanOrEqual(high);
            if (done !== undefined) expect(stored).toEqual(body.record);
            high = stored.seq;
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
