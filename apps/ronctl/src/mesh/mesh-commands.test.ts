import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import {
  type MeshClaimList,
  type MeshPeerList,
  type MeshStanding,
  type MeshStatus,
  type MeshTrustReload,
} from '@macronode/contracts';
import { NodeKey, SignerKey } from '@macronode/keys';
import type { Ran } from '../command-run-fixture.ts';
import { EXIT } from '../exit-codes.ts';
import { json, refuse, standIn } from '../stand-in-fixture.ts';

const node = standIn();
const { ronctl, seen } = node;

const NODE_ID = 'ab'.repeat(32);

const mesh = (...args: string[]): Promise<Ran> =>
  ronctl(['--ops', node.url, '--token', 'an-admin-token-here', 'mesh', ...args]);

const answering = (value: unknown): void => {
  node.handler = (_request, response) => json(response, 200, value);
};

test('mesh status tells who the node is and when it refuses', async () => {
  const status: MeshStatus = {
    enabled: true,
    running: true,
    node_id: NODE_ID,
    listen: ['/ip4/127.0.0.1/tcp/9090'],
    enforcement: { enabled: true, deny_above: 0.8, min_sources: 2 },
    counts: { connected_peers: 3, meshed_peers: 2, claims: 41, subjects: 40 },
  };
  answering(status);
  const ran = await mesh('status');
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(ran.out).toContain(NODE_ID);
  expect(ran.out).toContain('refuses at score above 0.8, 2 sources');
  expect(ran.out).toContain('3 connected, 2 in a mesh');
  expect(seen[0]).toMatchObject({
    method: 'GET',
    path: '/admin/mesh',
    headers: { authorization: 'Bearer an-admin-token-here' },
  });
  expect(JSON.parse((await mesh('status', '--json')).out)).toEqual(status);
  const off = { ...status, enabled: false, running: false, node_id: null, listen: [] };
  answering({ ...off, enforcement: { ...status.enforcement, enabled: false } });
  expect((await mesh('status')).out).toMatch(/mesh +off\nrunning +no\nnode id +-\n/);
});

test('mesh peers and claims are tables', async () => {
  const peers: MeshPeerList = {
    peers: [
      {
        client: 'b_1',
        node_id: NODE_ID,
        address: '/ip4/1.2.3.4/tcp/1',
        direction: 'inbound',
        meshed: true,
        score: -1.25,
      },
    ],
  };
  answering(peers);
  expect((await mesh('peers')).out).toMatch(/b_1 +abababababab +inbound +yes +-1\.3 +\/ip4\/1\.2\.3\.4\/tcp\/1/);
  answering({ peers: [] });
  expect(await mesh('peers')).toMatchObject({ out: '', err: 'no node is connected\n' });
  const at = { made_at: '2030-01-01T00:00:00.000Z', expires_at: '2030-01-01T01:00:00.000Z' };
  const claim = {
    kind: 'waf_reputation',
    subject: '2001:db8::1',
    source: NODE_ID,
    client: 'a_0',
    reason: 'tarpit',
    ...at,
  };
  const claims: MeshClaimList = {
    claims: [
      { ...claim, score: 0.5, revoked: false } as MeshClaimList['claims'][number],
      { ...claim, score: 0, revoked: true } as MeshClaimList['claims'][number],
    ],
  };
  answering(claims);
  const ran = await mesh('claims', '--subject', '2001:db8::1', '--limit', '2');
  expect(ran.out).toMatch(/waf_reputation +2001:db8::1 +0\.500 +tarpit +a_0/);
  expect(ran.out).toContain('taken back');
  expect(ran.err).toContain('--limit');
  expect(seen.at(-1)?.path).toBe('/admin/mesh/claims?limit=2&subject=2001%3Adb8%3A%3A1');
});

test('mesh publish sends a claim, and revoke takes one back', async () => {
  const bodies: unknown[] = [];
  node.handler = async (request, response) => {
    if (request.method === 'POST') bodies.push(JSON.parse(await text(request)));
    json(response, 200, { kind: 'waf_reputation', subject: '192.0.2.1' });
  };
  const ran = await mesh('publish', 'waf_reputation', '192.0.2.1', '--score', '0.9', '--ttl', '60');
  expect(ran).toMatchObject({ exitCode: EXIT.ok, out: 'waf_reputation 192.0.2.1\n' });
  await mesh('publish', 'upstream_unhealthy', 'storage');
  expect(bodies).toEqual([
    { kind: 'waf_reputation', subject: '192.0.2.1', score: 0.9, ttl_s: 60 },
    { kind: 'upstream_unhealthy', subject: 'storage', score: 1, ttl_s: 3_600 },
  ]);
  expect((await mesh('revoke', 'waf_reputation', '2001:db8::1')).exitCode).toBe(EXIT.ok);
  expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /admin/mesh/claims',
    'POST /admin/mesh/claims',
    'DELETE /admin/mesh/claims/waf_reputation/2001%3Adb8%3A%3A1',
  ]);
});

test('mesh standing and reload tell what the node answers', async () => {
  const standing: MeshStanding = {
    address: '192.0.2.1',
    standing: { score: 0.75, sources: 1 },
    verdict: 'too_few_sources',
  };
  answering(standing);
  expect((await mesh('standing', '192.0.2.1')).out).toMatch(/score +0\.750\nsources +1\nverdict +too_few_sources/);
  answering({ address: '::1', standing: null, verdict: 'pass' });
  expect((await mesh('standing', '::1')).out).toContain('nobody says anything of it');
  expect(seen.map(({ path }) => path)).toEqual(['/admin/mesh/standings/192.0.2.1', '/admin/mesh/standings/%3A%3A1']);
  const reload: MeshTrustReload = { result: 'loaded', nodes: 3, problem: null };
  answering(reload);
  expect(await mesh('reload')).toMatchObject({ exitCode: EXIT.ok, out: '3 nodes are trusted\n' });
  expect(seen.at(-1)).toMatchObject({ method: 'POST', path: '/admin/mesh/reload' });
  answering({ result: 'kept', nodes: 3, problem: 'line 2: not a node id' });
  const kept = await mesh('reload', '--json');
  expect(kept.exitCode).toBe(EXIT.error);
  expect(JSON.parse(kept.err)).toMatchObject({ error: { result: 'kept', nodes: 3 } });
});

test('mesh says what is wrong: a subject, a number, a token, a node that is busy or has no mesh', async () => {
  for (const argv of [
    ['publish', 'waf_reputation', 'not-an-address'],
    ['publish', 'identity_revoked', '192.0.2.1'],
    ['publish', 'no_such_kind', '192.0.2.1'],
    ['publish', 'waf_reputation', '192.0.2.1', '--score', '1.1'],
    ['publish', 'waf_reputation', '192.0.2.1', '--ttl', '86401'],
    ['standing', 'example.org'],
    ['claims', '--limit', '0'],
    ['id'],
    ['status', '--ops', node.url],
  ])
    expect((await mesh(...argv)).exitCode, argv.join(' ')).toBe(EXIT.usage);
  expect(seen).toHaveLength(0);
  for (const [status, code, exitCode] of [
    [401, 'unauthorized', EXIT.error],
    [404, 'not_found', EXIT.notFound],
    [503, 'busy', EXIT.unavailable],
  ] as const) {
    node.handler = (_request, response) => refuse(response, status, code);
    expect((await mesh('peers')).exitCode).toBe(exitCode);
  }
});

test('mesh id makes a key file once, and reads it', async () => {
  const file = join(node.folder, 'mesh.key');
  expect((await mesh('id', '--key-file', file)).err).toContain(`ronctl mesh id --create ${file}`);
  const made = await mesh('id', '--create', file);
  expect(made.exitCode).toBe(EXIT.ok);
  expect(made.out.trim()).toBe(NodeKey.loadOrCreate(file).publicKeyHex);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const before = await readFile(file);
  expect((await mesh('id', '--create', file)).exitCode).toBe(EXIT.error);
  expect(await readFile(file)).toEqual(before);
  expect(JSON.parse((await mesh('id', '--key-file', file, '--json')).out)).toEqual({ file, node_id: made.out.trim() });
  const other = join(node.folder, 'other.key');
  SignerKey.create(other, 'ml-dsa-44');
  expect((await mesh('id', '--key-file', other)).err).toContain('ed25519');
  expect(seen).toHaveLength(0);
});
