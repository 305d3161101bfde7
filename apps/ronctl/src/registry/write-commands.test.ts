import { chmod, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type RegistryProposalShown, RegistrySigners } from '@macronode/contracts';
import { SignerKey } from '@macronode/keys';
import { reasonSubject } from '@macronode/log';
import { EXIT } from '../exit-codes.ts';
import type { Failure } from '../failure.ts';
import { NodeClient } from '../node-client.ts';
import { ITEMS, LOG } from './built-log-fixture.ts';
import { RegistryClient } from './registry-client.ts';
import { refused } from './registry-node-fixture.ts';
import { registryDesk } from './registry-desk-fixture.ts';

const desk = registryDesk();
const { registry, at, proposed, as } = desk;

describe('a version', () => {
  test('is proposed, approved by its quorum and committed, each step saying the next', async () => {
    const ran = await registry('propose', ...as('a'), '--items', at('items.json'), '--ttl', '2h');
    const id = ran.out.trim();
    expect(ran.err).toContain('approved by 0 of 2, post-quantum 0 of 1');
    expect(ran.err).toContain(`next: ronctl registry approve ${id}`);
    const first = await registry('approve', id, ...as('a'));
    expect(first.err).toMatch(/kind +set\n.*items +1\n/);
    const early = await registry('commit', id, ...as('a'));
    expect(early).toMatchObject({ exitCode: EXIT.error });
    expect(early.err).toMatch(/quorum_failed[^]*ronctl registry proposals/);
    const last = await registry('approve', id, ...as('c'));
    expect(last.err).toContain(`next: ronctl registry commit ${id}`);
    expect(await registry('commit', id, ...as('b'))).toMatchObject({ exitCode: EXIT.ok, out: '1\n' });
    expect(desk.node.served.log.entries[0]?.payload).toMatchObject({
      ...{ version: 1, prev_hash: null, signer_set_version: 0, kind: 'set' },
      items: [{ id: 'node-1', kind: 'node', attrs: { region: 'eu' } }],
    });
    const again = await registry('commit', id, ...as('b'), '--json');
    expect(JSON.parse(again.out)).toMatchObject({ version: 1, payload_b3: id });
  });

  test('continues the head when there is one', async () => {
    desk.node.served.log.add(ITEMS, [], { approvals: () => [] });
    const id = await proposed('--items', at('items.json'));
    const { prev_hash, version } = desk.node.pending.get(id)!.payload;
    expect({ prev_hash, version }).toEqual({ prev_hash: desk.node.served.log.head?.entryB3, version: 2 });
  });

  test('is approved once: a second time by the same signer sends nothing', async () => {
    const id = await proposed('--items', at('items.json'));
    await registry('approve', id, ...as('c'));
    const posts = (): number => desk.node.served.seen.filter((each) => each.startsWith('POST')).length;
    const before = posts();
    const again = await registry('approve', id, ...as('c'));
    expect(again).toMatchObject({ exitCode: EXIT.ok });
    expect(again.err).toContain('has approved it already');
    expect(posts()).toBe(before);
  });

  test('is not approved when the payload the node shows is not the one asked for', async () => {
    const id = await proposed('--items', at('items.json'));
    const shown = JSON.parse((await registry('proposals', id, '--json')).out) as RegistryProposalShown;
    const payload = { ...shown.payload, items: [{ id: 'evil', kind: 'node' }] };
    desk.node.served.replaced.set(`/registry/proposals/${id}`, { body: JSON.stringify({ ...shown, payload }) });
    const ran = await registry('approve', id, ...as('b'));
    expect(ran.exitCode).toBe(EXIT.integrity);
    expect(ran.err).toContain('do not approve it');
    expect(desk.node.pending.get(id)!.approvals).toEqual([]);
  });
});

describe('other kinds', () => {
  test('are proposed from their options', async () => {
    desk.node.served.log.add(ITEMS, [], { approvals: () => [] });
    const payloadOf = (id: string): Record<string, unknown> => ({ ...desk.node.pending.get(id)!.payload });
    const head = desk.node.served.log.head?.entryB3;
    const supersede = await proposed('--supersede', at('items.json'), '--reason', 'data_error', '--note', 'typo');
    expect(payloadOf(supersede)).toMatchObject({
      kind: 'supersede',
      supersede_of: head,
      reason: 'data_error',
      note: 'typo',
    });
    const seal = await proposed('--seal', 'next.example=next.example+00000000+AAAA');
    expect(payloadOf(seal)).toMatchObject({
      kind: 'seal',
      successor: { log: 'next.example', vkey: 'next.example+00000000+AAAA' },
    });
    await writeFile(at('policy.json'), JSON.stringify({ kind: 'policy', policy: { version: 1, bundle: head } }));
    const policy = await proposed('--payload', at('policy.json'));
    expect(payloadOf(policy)).toMatchObject({ kind: 'policy', policy: { version: 1, bundle: head } });
  });

  test('a rotation is approved by those in force and by those it brings, whom one in force sends', async () => {
    await registry('keygen', '--out', at('d.key'));
    const signers = ['a', 'c', 'd'].flatMap((name) => ['--signer', `org:${name}#1=${at(`${name}.key`)}`]);
    await registry('keygen', '--genesis', at('next.json'), '--log', LOG, ...signers, '--m', '3');
    const id = await proposed('--signers', at('next.json'));
    await registry('approve', id, ...as('a'));
    const half = await registry('approve', id, ...as('c'));
    expect(half.err).toMatch(/signer +org:d#1 ed25519/);
    expect(half.err).toContain('of the signers it brings 2 of 3');
    const alone = await registry('approve', id, ...as('d'));
    expect(alone).toMatchObject({ exitCode: EXIT.error });
    expect(alone.err).toMatch(/unknown_signer/);
    const sent = await registry('approve', id, ...as('d'), '--sender', `org:a#1=${at('a.key')}`);
    expect(sent).toMatchObject({ exitCode: EXIT.ok });
    expect(await registry('commit', id, ...as('a'))).toMatchObject({ exitCode: EXIT.ok, out: '1\n' });
    expect(JSON.parse((await registry('signers', '--json')).out)).toMatchObject({ version: 1, m: 3 });
  });

  test.each<[string, string[], number, RegExp]>([
    ['nothing', [], EXIT.usage, /one of --items/],
    ['two things', ['--items', 'items.json', '--seal', 'a=b'], EXIT.usage, /one of --items/],
    ['a supersede without a reason', ['--supersede', 'items.json'], EXIT.usage, /--reason/],
    [
      'a reason for what is no supersede',
      ['--items', 'items.json', '--reason', 'other'],
      EXIT.usage,
      /go with --supersede/,
    ],
    ['a note on what is no supersede', ['--items', 'items.json', '--note', 'x'], EXIT.usage, /go with --supersede/],
    [
      'a supersede of nothing',
      ['--supersede', 'items.json', '--reason', 'other'],
      EXIT.error,
      /log is empty[^]*propose --items/,
    ],
    ['a seal for no log', ['--seal', 'next.example'], EXIT.usage, /LOG=VKEY/],
    ['an unknown reason', ['--supersede', 'items.json', '--reason', 'mood'], EXIT.usage, /data_error/],
    ['a time that is none', ['--items', 'items.json', '--ttl', '3d'], EXIT.usage, /30m or 24h/],
    ['more time than there is', ['--items', 'items.json', '--ttl', '73h'], EXIT.usage, /at most 72h/],
    ['a file that is not there', ['--items', 'gone.json'], EXIT.error, /cannot use .*gone.json: ENOENT/],
    ['items that are none', ['--items', 'genesis.json'], EXIT.error, /no payload: items/],
    ['signers that are none', ['--signers', 'items.json'], EXIT.error, /not a set of signers/],
    ['a member named twice', ['--payload', 'twice.json'], EXIT.error, /JSON that can be signed/],
    ['a file of another log', ['--payload', 'other.json'], EXIT.error, /of the log other.example/],
  ])('%s is not proposed', async (_name, argv, exitCode, says) => {
    await writeFile(at('twice.json'), '{"kind":"set","kind":"seal"}');
    await writeFile(at('other.json'), '{"kind":"set","log":"other.example"}');
    const ran = await registry(
      'propose',
      ...as('a'),
      ...argv.map((each) => (each.endsWith('.json') ? at(each) : each)),
    );
    expect(ran.exitCode).toBe(exitCode);
    expect(ran.err).toMatch(says);
    expect(desk.node.pending.size).toBe(0);
    if (exitCode === EXIT.usage) expect(desk.node.served.seen).toEqual([]);
  });

  test('a key of another signer is refused by the node, a key file open to others before that', async () => {
    const ran = await registry('propose', '--key', at('b.key'), '--signer', 'org:a#1', '--items', at('items.json'));
    expect(ran).toMatchObject({ exitCode: EXIT.error });
    expect(ran.err).toContain('bad_signature');
    const before = desk.node.served.seen.length;
    await chmod(at('a.key'), 0o644);
    const open = await registry('propose', ...as('a'), '--items', at('items.json'));
    expect(open).toMatchObject({ exitCode: EXIT.error });
    expect(open.err).toContain('chmod 600');
    expect(desk.node.served.seen).toHaveLength(before);
  });
});

describe('a write whose outcome is unknown', () => {
  test('is signed and sent again with another nonce, and the approval stays the same', async () => {
    const id = await proposed('--items', at('items.json'));
    const { post } = desk.node.served;
    let lost = 2;
    desk.node.served.post = async (path, body) => {
      const answer = await post(path, body);
      return (lost -= 1) >= 0 ? refused(503, 'outcome_unknown') : answer;
    };
    const ran = await registry('approve', id, ...as('c'));
    expect(ran).toMatchObject({ exitCode: EXIT.ok });
    expect(ran.err.match(/signing and sending it again/g)).toHaveLength(2);
    expect(desk.node.pending.get(id)!.approvals).toHaveLength(1);
    // One of the proposal, three of the approval.
    expect(desk.node.nonces.size).toBe(4);
  });

  test('is sent again once the node is said to be ready for it, which is told', async () => {
    const { post } = desk.node.served;
    const times: number[] = [];
    desk.node.served.post = (path, body) => {
      times.push(performance.now());
      const busy = refused(503, 'outcome_unknown');
      return times.length > 1
        ? post(path, body)
        : { ...busy, body: String(busy.body).replace('"corr', '"retry_after_ms":300,"corr') };
    };
    const ran = await registry('freeze', ...as('a'), '--reason', 'drill');
    expect(ran).toMatchObject({ exitCode: EXIT.ok });
    expect(ran.err).toContain('sending it again in 0.3 s');
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(295);
  });

  test('does not wait for as long as a node likes', async () => {
    const busy = refused(503, 'outcome_unknown');
    desk.node.served.post = () => ({ ...busy, headers: { ...busy.headers, 'retry-after': '86400' } });
    const interrupt = new AbortController();
    const client = new NodeClient({ url: desk.node.served.url, timeoutMs: 5_000, signal: interrupt.signal });
    const waits: number[] = [];
    const onRetry = (_failure: Failure, waitMs: number): void => {
      waits.push(waitMs);
      interrupt.abort();
    };
    const identity = { signerId: 'org:a#1', key: SignerKey.load(at('a.key'))! };
    const call = {
      action: 'freeze',
      log: LOG,
      subject: reasonSubject('x'),
      path: '/registry/freeze',
      body: {},
    } as const;
    await expect(new RegistryClient(client, onRetry).write(identity, call, RegistrySigners)).rejects.toThrow(/abort/);
    expect(waits).toEqual([30_000]);
  });

  test('ends after three tries', async () => {
    desk.node.served.post = () => refused(504, 'deadline');
    const ran = await registry('freeze', ...as('a'), '--reason', 'drill');
    expect(ran).toMatchObject({ exitCode: EXIT.unavailable });
    expect(desk.node.served.seen.filter((each) => each.startsWith('POST'))).toHaveLength(3);
  });

  test('is not sent again when it was refused', async () => {
    desk.node.served.post = () => refused(503, 'maintenance');
    const ran = await registry('freeze', ...as('a'), '--reason', 'drill');
    expect(ran).toMatchObject({ exitCode: EXIT.unavailable });
    expect(desk.node.served.seen.filter((each) => each.startsWith('POST'))).toHaveLength(1);
  });
});

test('freeze and thaw are signed with their reason', async () => {
  expect(await registry('freeze', ...as('b'), '--reason', 'drill')).toMatchObject({
    exitCode: EXIT.ok,
    out: 'frozen\n',
  });
  const forged = ['--key', at('a.key'), '--signer', 'org:b#1'];
  expect(await registry('thaw', ...forged, '--reason', 'over')).toMatchObject({ exitCode: EXIT.error });
  expect((await registry('signers')).out).toMatch(/state +frozen/);
  expect(await registry('thaw', ...as('c'), '--reason', 'over')).toMatchObject({ exitCode: EXIT.ok, out: 'open\n' });
});
