import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalPayload, signRequest } from '@macronode/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BootedRegistry } from './booted-registry-fixture.ts';
import { registryService } from './index.ts';
import { LOG, signers } from './log-fixture.ts';

const members = signers(2);
const [a] = members;
let folder: string;
let booted: BootedRegistry;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'registry-http-'));
  booted = await BootedRegistry.boot(registryService, { folder, members, m: 1 });
  for (let i = 0; i < 3; i += 1) await booted.driver.round(members);
});
afterAll(async () => {
  await booted.node.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A proposal that would be taken, as text. */
async function proposal(): Promise<string> {
  if (a === undefined) throw new Error('signer');
  const payload = await booted.driver.next();
  const { hash } = canonicalPayload(payload);
  const target = { action: 'propose', log: LOG, subject: hash } as const;
  return JSON.stringify({ payload, payload_b3: hash, auth: signRequest(a.key, a.id, target, new Date()) });
}

const post = (body: string | Uint8Array, type = 'application/json'): Promise<Response> =>
  fetch(`${booted.url}/registry/proposals`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
const errorOf = async (response: Response): Promise<{ code: string; reason?: string }> =>
  ((await response.json()) as { error: { code: string; reason?: string } }).error;

describe('signed JSON is refused', () => {
  it.each<[string, number, string, string | undefined, (good: string) => string]>([
    [
      'with a key twice',
      400,
      'schema',
      'duplicate_key',
      (good) => good.replace('"payload":', '"payload":{},"payload":'),
    ],
    [
      'with a key twice, spelled with an escape',
      400,
      'schema',
      'duplicate_key',
      (good) => good.replace('"kind":"set"', '"kind":"set","k\\u0069nd":"set"'),
    ],
    [
      'with a field nobody knows',
      400,
      'schema',
      undefined,
      (good) => good.replace('{"payload"', '{"more":1,"payload"'),
    ],
    [
      'with an unknown field deep inside',
      400,
      'schema',
      undefined,
      (good) => good.replace('"kind":"node"', '"kind":"node","x":1'),
    ],
    [
      'with a version that is no integer',
      400,
      'schema',
      undefined,
      (good) => good.replace(/"version":(\d+)/, '"version":$1.5'),
    ],
    [
      'with a version beyond what a double counts',
      400,
      'schema',
      undefined,
      (good) => good.replace(/"version":\d+/, '"version":9007199254740993'),
    ],
    ['with a lone surrogate', 400, 'schema', undefined, (good) => good.replace('"node-1"', '"\\ud800"')],
    [
      'with a number no double holds',
      400,
      'schema',
      'number',
      (good) => good.replace(/"version":\d+/, '"version":1e999'),
    ],
    ['nested too deep', 400, 'schema', 'depth', () => '['.repeat(40) + ']'.repeat(40)],
    ['that is no JSON', 400, 'schema', 'syntax', (good) => good.slice(0, -1)],
    ['with a kind nobody knows', 400, 'schema', undefined, (good) => good.replace('"kind":"set"', '"kind":"unset"')],
    [
      'with a time that is none',
      400,
      'schema',
      undefined,
      (good) => good.replace(/"expires_at":"[^"]+","kind"/, '"expires_at":"tomorrow","kind"'),
    ],
    ['that is too long', 413, 'too_large', undefined, (good) => good.padEnd(1_015_809, ' ')],
  ])('%s', async (_what, status, code, reason, change) => {
    const good = await proposal();
    const bad = change(good);
    expect(bad).not.toBe(good);
    const response = await post(bad);
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toMatchObject(reason === undefined ? { code } : { code, reason });
  });

  it('of another type, or that is not UTF-8', async () => {
    expect(await errorOf(await post(await proposal(), 'text/plain'))).toMatchObject({ code: 'unsupported_media_type' });
    const good = Buffer.from(await proposal());
    good[good.indexOf('node-1')] = 0xff;
    expect(await errorOf(await post(good))).toMatchObject({ code: 'schema', reason: 'encoding' });
  });

  it('and what it was made from is taken', async () => {
    expect((await post(await proposal())).status).toBe(202);
  });
});

describe('a read is refused', () => {
  it.each([
    ['/registry/0', 400],
    ['/registry/01', 400],
    ['/registry/+1', 400],
    ['/registry/1e3', 400],
    ['/registry/9007199254740993', 400],
    ['/registry/-1', 400],
    ['/registry/4', 404],
    ['/registry/4/proof', 404],
    ['/registry/log?after=-1', 400],
    ['/registry/log?after=1&after=2', 400],
    ['/registry/log?limit=x', 400],
    ['/registry/log?limit=0', 400],
    ['/registry/consistency?from=2&to=1', 400],
    ['/registry/consistency?from=1&to=9', 404],
    ['/registry/tlog/tile/0/000', 404],
    ['/registry/tlog/tile/0/000.p/4', 404],
    ['/registry/tlog/tile/0/0.p/1', 404],
    ['/registry/tlog/tile/x/000.p/1', 404],
    ['/registry/proposals/nothing', 400],
    [`/registry/proposals/b3:${'0'.repeat(64)}`, 404],
    ['/registry/head/more', 404],
  ])('%s: %i', async (path, status) => {
    const response = await fetch(`${booted.url}${path}`);
    expect(response.status).toBe(status);
    expect((await errorOf(response)).code).toMatch(/^[a-z_]+$/);
  });

  it('by another method, with those it has', async () => {
    const response = await fetch(`${booted.url}/registry/head`, { method: 'DELETE' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
  });
});

describe('a conditional read', () => {
  it('of the head is 304 until it moves, with the tag and how long it counts', async () => {
    const head = await fetch(`${booted.url}/registry/head`);
    const etag = head.headers.get('etag') ?? '';
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const same = await fetch(`${booted.url}/registry/head`, { headers: { 'if-none-match': condition } });
      expect([same.status, same.headers.get('etag'), same.headers.get('cache-control')], condition).toEqual([
        304,
        etag,
        'no-cache',
      ]);
      expect(await same.text()).toBe('');
    }
    await booted.driver.round(members);
    const moved = await fetch(`${booted.url}/registry/head`, { headers: { 'if-none-match': etag } });
    expect(moved.status).toBe(200);
    expect(moved.headers.get('etag')).not.toBe(etag);
  });

  it('of a consistency proof may be kept for ever where both sizes were named, and not where one follows the log', async () => {
    const cacheOf = async (query: string) =>
      (await fetch(`${booted.url}/registry/consistency?${query}`)).headers.get('cache-control');
    expect(await cacheOf('from=1&to=2')).toContain('immutable');
    expect(await cacheOf('from=1')).toBe('no-cache');
  });

  it('of a page of the log ends where it was asked to', async () => {
    const page = await fetch(`${booted.url}/registry/log?after=1&limit=2`);
    expect(page.headers.get('content-type')).toBe('application/x-ndjson');
    const text = await page.text();
    const versions = text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { leaf: { version: number } }).leaf.version);
    expect(versions).toEqual([2, 3]);
    expect(await (await fetch(`${booted.url}/registry/log?after=99`)).text()).toBe('');
  });
});
