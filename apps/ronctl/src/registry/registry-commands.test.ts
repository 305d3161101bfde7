import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RegistryGenesis, type RegistryProposal, type RegistryProposalShown } from '@macronode/contracts';
import { canonicalJson, hashBytes } from '@macronode/content';
import { SignerKey } from '@macronode/keys';
import { formatVkey } from '@macronode/log';
import { EXIT } from '../exit-codes.ts';
import { run } from '../program.ts';
import { BuiltLog, FIRST, ITEMS, LOG, genesisOf } from './built-log-fixture.ts';
import { RegistryNode, refused } from './registry-node-fixture.ts';
import { ServedLog } from './served-log-fixture.ts';

let folder: string;
let node: RegistryNode;
let genesis: RegistryGenesis;

interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

async function ronctl(
  argv: readonly string[],
  url = node?.served.url ?? '',
  signal = new AbortController().signal,
): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const read = Promise.all([text(stdout), text(stderr)]);
  const streams = { stdin: Readable.from([]), stdout, stderr, stdoutIsTty: false, stderrIsTty: false };
  const exitCode = await run(argv, { ...streams, env: { RONCTL_URL: url }, signal });
  stdout.end();
  stderr.end();
  const [out, err] = await read;
  return { exitCode, out, err };
}

const registry = (...argv: string[]): Promise<Ran> => ronctl(['registry', ...argv]);
const at = (file: string): string => join(folder, file);
const as = (name: string): string[] => ['--key', at(`${name}.key`), '--signer', `org:${name}#1`];

/** Keys a, b (Ed25519) and c (ML-DSA-44), a genesis of two of three, one of them post-quantum, and a node that has it. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ronctl-registry-'));
  for (const name of ['a', 'b', 'c']) {
    await registry('keygen', '--out', at(`${name}.key`), '--algo', name === 'c' ? 'ml-dsa-44' : 'ed25519');
  }
  const signers = ['a', 'b', 'c'].flatMap((name) => ['--signer', `org:${name}#1=${at(`${name}.key`)}`]);
  await registry('keygen', '--genesis', at('genesis.json'), '--log', LOG, ...signers, '--m', '2', '--k-pq', '1');
  genesis = RegistryGenesis.parse(JSON.parse(await readFile(at('genesis.json'), 'utf8')));
  node = await RegistryNode.open(new BuiltLog(genesis));
  await writeFile(at('items.json'), JSON.stringify([{ id: 'node-1', kind: 'node', attrs: { region: 'eu' } }]));
});

afterEach(async () => {
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('keygen', () => {
  test('makes a key file for its owner only, prints the public half, and never replaces a file', async () => {
    const made = await registry('keygen', '--out', at('d.key'));
    expect(made.exitCode).toBe(EXIT.ok);
    expect(made.out).toBe(`${SignerKey.load(at('d.key'))?.publicKeyHex ?? ''}\n`);
    expect((await stat(at('d.key'))).mode & 0o777).toBe(0o600);
    const whole = await readFile(at('d.key'), 'utf8');
    expect(made.out + made.err).not.toContain(whole.split('\n')[1]);
    expect(await registry('keygen', '--out', at('d.key'))).toMatchObject({ exitCode: EXIT.error });
    expect(await readFile(at('d.key'), 'utf8')).toBe(whole);
    const quantum = await registry('keygen', '--algo', 'ml-dsa-44', '--out', at('e.key'), '--json');
    expect(JSON.parse(quantum.out)).toMatchObject({
      algo: 'ml-dsa-44',
      public_key: expect.stringMatching(/^[0-9a-f]{2624}$/) as string,
    });
  });

  test('--genesis writes a signer set a log begins with', () => {
    expect(genesis).toMatchObject({ log: LOG, m: 2, k_pq: 1 });
    expect(genesis.signers.map(({ signer_id, algo }) => `${signer_id} ${algo}`)).toEqual([
      'org:a#1 ed25519',
      'org:b#1 ed25519',
      'org:c#1 ml-dsa-44',
    ]);
  });

  test.each<[string, string[], number, RegExp]>([
    ['a quorum out of reach', ['--m', '3'], EXIT.error, /m is 3 of 2/],
    ['more post-quantum approvals than keys', ['--m', '2', '--k-pq', '1'], EXIT.error, /k_pq is 1/],
    ['no quorum', [], EXIT.usage, /--m N/],
    ['a key in a file beside it', ['--m', '1', '--out', 'x'], EXIT.usage, /exclude/],
    ['a key file that is not there', ['--m', '1', '--signer', 'org:x#1=gone.key'], EXIT.error, /no key file gone.key/],
    ['one key under two ids', ['--m', '1', '--signer', 'org:x#1=a.key'], EXIT.error, /key of another/],
    ['an id that is none', ['--m', '1', '--signer', 'NO=a.key'], EXIT.usage, /signer id/],
  ])('--genesis refuses %s', async (_name, more, exitCode, says) => {
    const named = more.map((each) => each.replace('=a.key', `=${at('a.key')}`));
    const members = ['--signer', `org:a#1=${at('a.key')}`, '--signer', `org:b#1=${at('b.key')}`];
    const ran = await registry('keygen', '--genesis', at('other.json'), '--log', LOG, ...members, ...named);
    expect(ran.exitCode).toBe(exitCode);
    expect(ran.err).toMatch(says);
    await expect(stat(at('other.json'))).rejects.toThrow('ENOENT');
  });
});

const proposed = async (...argv: string[]): Promise<string> => {
  const ran = await registry('propose', ...as('a'), ...argv);
  expect(ran.exitCode, ran.err).toBe(EXIT.ok);
  return ran.out.trim();
};

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
    expect(node.served.log.entries[0]?.payload).toMatchObject({
      ...{ version: 1, prev_hash: null, signer_set_version: 0, kind: 'set' },
      items: [{ id: 'node-1', kind: 'node', attrs: { region: 'eu' } }],
    });
    const again = await registry('commit', id, ...as('b'), '--json');
    expect(JSON.parse(again.out)).toMatchObject({ version: 1, payload_b3: id });
  });

  test('continues the head when there is one', async () => {
    node.served.log.add(ITEMS, [], { approvals: () => [] });
    const id = await proposed('--items', at('items.json'));
    const { prev_hash, version } = node.pending.get(id)!.payload;
    expect({ prev_hash, version }).toEqual({ prev_hash: node.served.log.head?.entryB3, version: 2 });
  });

  test('is approved once: a second time by the same signer sends nothing', async () => {
    const id = await proposed('--items', at('items.json'));
    await registry('approve', id, ...as('c'));
    const posts = (): number => node.served.seen.filter((each) => each.startsWith('POST')).length;
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
    node.served.replaced.set(`/registry/proposals/${id}`, { body: JSON.stringify({ ...shown, payload }) });
    const ran = await registry('approve', id, ...as('b'));
    expect(ran.exitCode).toBe(EXIT.integrity);
    expect(ran.err).toContain('do not approve it');
    expect(node.pending.get(id)!.approvals).toEqual([]);
  });
});

describe('other kinds', () => {
  test('are proposed from their options', async () => {
    node.served.log.add(ITEMS, [], { approvals: () => [] });
    const payloadOf = (id: string): Record<string, unknown> => ({ ...node.pending.get(id)!.payload });
    const head = node.served.log.head?.entryB3;
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
    ['an unknown reason', ['--supersede', 'items.json', '--reason', 'mood'], EXIT.usage, /data_error/],
    ['a time that is none', ['--items', 'items.json', '--ttl', '3d'], EXIT.usage, /30m or 24h/],
    ['more time than there is', ['--items', 'items.json', '--ttl', '73h'], EXIT.usage, /at most 72h/],
    ['a file that is not there', ['--items', 'gone.json'], EXIT.error, /cannot use .*gone.json: ENOENT/],
    ['items that are none', ['--items', 'genesis.json'], EXIT.error, /no payload: items/],
    ['signers that are none', ['--signers', 'items.json'], EXIT.error, /not a set of signers/],
    ['a member named twice', ['--payload', 'twice.json'], EXIT.error, /cannot be signed|can be signed/],
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
    expect(node.pending.size).toBe(0);
  });

  test('a key of another signer is refused by the node, a key file open to others before that', async () => {
    const ran = await registry('propose', '--key', at('b.key'), '--signer', 'org:a#1', '--items', at('items.json'));
    expect(ran).toMatchObject({ exitCode: EXIT.error });
    expect(ran.err).toContain('bad_signature');
  });
});

describe('a write whose outcome is unknown', () => {
  test('is signed and sent again with another nonce, and the approval stays the same', async () => {
    const id = await proposed('--items', at('items.json'));
    const { post } = node.served;
    let lost = 2;
    node.served.post = async (path, body) => {
      const answer = await post(path, body);
      return (lost -= 1) >= 0 ? refused(503, 'outcome_unknown') : answer;
    };
    const ran = await registry('approve', id, ...as('c'));
    expect(ran).toMatchObject({ exitCode: EXIT.ok });
    expect(ran.err.match(/signing and sending it again/g)).toHaveLength(2);
    expect(node.pending.get(id)!.approvals).toHaveLength(1);
    // One of the proposal, three of the approval.
    expect(node.nonces.size).toBe(4);
  });

  test('ends after three tries', async () => {
    node.served.post = () => refused(504, 'deadline');
    const ran = await registry('freeze', ...as('a'), '--reason', 'drill');
    expect(ran).toMatchObject({ exitCode: EXIT.unavailable });
    expect(node.served.seen.filter((each) => each.startsWith('POST'))).toHaveLength(3);
  });

  test('is not sent again when it was refused', async () => {
    node.served.post = () => refused(503, 'maintenance');
    const ran = await registry('freeze', ...as('a'), '--reason', 'drill');
    expect(ran).toMatchObject({ exitCode: EXIT.unavailable });
    expect(node.served.seen.filter((each) => each.startsWith('POST'))).toHaveLength(1);
  });
});

test('freeze and thaw are signed with their reason', async () => {
  expect(await registry('freeze', ...as('b'), '--reason', 'drill')).toMatchObject({
    exitCode: EXIT.ok,
    out: 'frozen\n',
  });
  expect(await registry('thaw', ...as('c'), '--reason', 'over')).toMatchObject({ exitCode: EXIT.ok, out: 'open\n' });
});

test('head, signers and proposals are shown for people and for scripts', async () => {
  const empty = await registry('head');
  expect(empty.out).toMatch(/version +0\nentry +-\n/);
  const signers = await registry('signers');
  expect(signers.out).toMatch(/quorum +2 of 3, 1 of them post-quantum/);
  expect(signers.out).toMatch(/org:c#1 +ml-dsa-44 +[0-9a-f]{64}…/);
  expect((await registry('proposals')).err).toContain('nothing is proposed');
  const id = await proposed('--items', at('items.json'));
  expect((await registry('proposals')).out).toMatch(new RegExp(`${id} +1 +set +open +0 of 2`));
  const one = await registry('proposals', id);
  expect(one.out).toMatch(/proposed by +org:a#1/);
  const list = JSON.parse((await registry('proposals', '--json')).out) as { proposals: RegistryProposal[] };
  expect(list.proposals[0]?.proposal_id).toBe(id);
  expect((await registry('proposals', 'nonsense')).exitCode).toBe(EXIT.usage);
  expect((await registry('proposals', `b3:${'0'.repeat(64)}`)).exitCode).toBe(EXIT.notFound);
});

describe('log', () => {
  const entries = (count: number): void => {
    for (let i = 0; i < count; i += 1) node.served.log.add(ITEMS, [], { approvals: () => [] });
  };
  const versions = (out: string): number[] =>
    out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { leaf: { version: number } }).leaf.version);

  test('prints entries as they stand, between bounds', async () => {
    entries(5);
    const all = await registry('log');
    expect(all.out).toBe(node.served.log.entries.map(({ line }) => `${line}\n`).join(''));
    expect(versions((await registry('log', '--after', '2', '--limit', '2')).out)).toEqual([3, 4]);
    expect((await registry('log', '--after', '5')).out).toBe('');
  });

  test('goes on where an answer ended early, and says when one is missing', async () => {
    entries(4);
    const [first, second, , fourth] = node.served.log.entries.map(({ line }) => `${line}\n`);
    node.served.replaced.set('/registry/log?after=0&limit=1000', { body: `${first ?? ''}${second ?? ''}` });
    expect(versions((await registry('log')).out)).toEqual([1, 2, 3, 4]);
    node.served.replaced.set('/registry/log?after=2&limit=1000', { body: fourth ?? '' });
    const gap = await registry('log');
    expect(gap).toMatchObject({ exitCode: EXIT.integrity });
    expect(gap.err).toContain('version 3 is missing');
  });

  test('--follow waits for what comes and reads it from the log, whatever the stream lost', async () => {
    entries(2);
    const { served } = node;
    const answer = served.answer.bind(served);
    const commit = (version: number): string => `id: ${version}\nevent: commit\ndata: {}\n\n`;
    served.answer = (path) => {
      if (path !== '/registry/stream') return answer(path);
      entries(3);
      return { body: `retry: 2000\n\n:\n\n${commit(2)}${commit(5)}`, headers: { 'content-type': 'text/event-stream' } };
    };
    const ran = await registry('log', '--follow', '--limit', '5');
    expect(ran).toMatchObject({ exitCode: EXIT.ok });
    expect(versions(ran.out)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('audit', () => {
  const chain = (count: number): string[] => {
    let prev = 'b3:0';
    return Array.from({ length: count }, (_, i) => {
      const record = {
        v: 1,
        seq: i + 1,
        ts_ms: 1,
        writer_id: 'w',
        kind: 'propose',
        actor: 'org:a#1',
        subject: null,
        reason: null,
        attrs: {},
        prev,
      };
      prev = hashBytes(Buffer.from(canonicalJson(record)));
      return canonicalJson({ ...record, self_hash: prev });
    });
  };
  const serve = (records: readonly string[]): void => {
    node.served.replaced.set('/registry/audit?after=0&limit=1000', {
      body: records.map((each) => `${each}\n`).join(''),
    });
    node.served.replaced.set(`/registry/audit?after=${records.length}&limit=1000`, { body: '' });
  };

  test('prints records, or recomputes their chain', async () => {
    serve(chain(3));
    expect((await registry('audit')).out.split('\n')).toHaveLength(4);
    expect((await registry('audit', '--verify')).out).toBe('3 records, 1 to 3, are one chain\n');
    expect(JSON.parse((await registry('audit', '--verify', '--json')).out)).toMatchObject({ records: 3, last_seq: 3 });
  });

  test.each<[string, (records: string[]) => string[], RegExp]>([
    ['a changed record', ([a = '', b = '', c = '']) => [a, b.replace('org:a#1', 'org:b#1'), c], /record 2: self_hash/],
    ['a missing record', ([a = '', , c = '']) => [a, c], /record 3: it follows record 1/],
    [
      'another beginning',
      ([, ...rest]) => [
        canonicalJson({ ...(JSON.parse(chain(1)[0] ?? '') as object), prev: `b3:${'1'.repeat(64)}` }),
        ...rest,
      ],
      /record 1: self_hash/,
    ],
  ])('--verify names %s', async (_name, change, says) => {
    serve(change(chain(3)));
    const ran = await registry('audit', '--verify');
    expect(ran).toMatchObject({ exitCode: EXIT.integrity });
    expect(ran.err).toMatch(says);
  });
});

describe('verify', () => {
  test('recomputes a log and says what it counted and whom it believed', async () => {
    const log = new BuiltLog(genesisOf(2)).add(ITEMS, FIRST).add(ITEMS, FIRST);
    await using served = await ServedLog.open(log);
    await writeFile(at('first.json'), JSON.stringify(log.genesis));
    const plain = await registry('verify', served.url);
    expect(plain).toMatchObject({ exitCode: EXIT.ok });
    expect(plain.out).toMatch(/^verified\nlog +registry.example\/test\nversions +2\napprovals +6\n/);
    expect(plain.err).toContain("the first signers were taken on the node's word");
    const trusted = await registry(
      'verify',
      served.url,
      '--genesis',
      at('first.json'),
      '--vkey',
      formatVkey(log.logKey.key),
    );
    expect(trusted.err).toBe('');
  });

  test('names the first version that is wrong, for people and for scripts', async () => {
    const log = new BuiltLog(genesisOf(2)).add(ITEMS, FIRST).add(ITEMS, FIRST.slice(0, 1)).add(ITEMS, FIRST);
    await using served = await ServedLog.open(log);
    const ran = await registry('verify', served.url);
    expect(ran).toMatchObject({ exitCode: EXIT.integrity, out: '' });
    expect(ran.err).toMatch(/ronctl: version 2: 1 of the signers in force approve, 2 are needed/);
    const script = await registry('verify', served.url, '--json');
    expect(JSON.parse(script.err)).toMatchObject({
      error: { exit_code: EXIT.integrity, check: 'approvals', version: 2 },
    });
  });

  test('gives no verdict on a node that cannot be read, or with an anchor of no use', async () => {
    const { url } = node.served;
    expect(await registry('verify', url, '--vkey', 'nonsense')).toMatchObject({ exitCode: EXIT.error });
    node.served.replaced.set('/registry/signers', { status: 500, body: '' });
    expect(await registry('verify', url)).toMatchObject({ exitCode: EXIT.unavailable });
    expect(await registry('verify', 'http://127.0.0.1:1')).toMatchObject({ exitCode: EXIT.unavailable });
  });
});
