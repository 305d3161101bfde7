import { describe, expect, test } from 'vitest';
import { canonicalJson, hashBytes } from '@macronode/content';
import { EXIT } from '../exit-codes.ts';
import { ITEMS } from './built-log-fixture.ts';
import { registryDesk } from './registry-desk-fixture.ts';

const desk = registryDesk();
const { registry } = desk;

describe('log', () => {
  const entries = (count: number): void => {
    for (let i = 0; i < count; i += 1) desk.node.served.log.add(ITEMS, [], { approvals: () => [] });
  };
  const versions = (out: string): number[] =>
    out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { leaf: { version: number } }).leaf.version);

  test('prints entries as they stand, between bounds', async () => {
    entries(5);
    const all = await registry('log');
    expect(all.out).toBe(desk.node.served.log.entries.map(({ line }) => `${line}\n`).join(''));
    expect(versions((await registry('log', '--after', '2', '--limit', '2')).out)).toEqual([3, 4]);
    expect((await registry('log', '--after', '5')).out).toBe('');
  });

  test('goes on where an answer ended early, and says when one is missing', async () => {
    entries(4);
    const [first, second, , fourth] = desk.node.served.log.entries.map(({ line }) => `${line}\n`);
    desk.node.served.replaced.set('/registry/log?after=0&limit=1000', { body: `${first ?? ''}${second ?? ''}` });
    expect(versions((await registry('log')).out)).toEqual([1, 2, 3, 4]);
    desk.node.served.replaced.set('/registry/log?after=2&limit=1000', { body: fourth ?? '' });
    const gap = await registry('log');
    expect(gap).toMatchObject({ exitCode: EXIT.integrity });
    expect(gap.err).toContain('version 3 is missing');
  });

  test('--follow waits for what comes and reads it from the log, whatever the stream lost', async () => {
    entries(2);
    const { served } = desk.node;
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
    desk.node.served.replaced.set('/registry/audit?after=0&limit=1000', {
      body: records.map((each) => `${each}\n`).join(''),
    });
    desk.node.served.replaced.set(`/registry/audit?after=${records.length}&limit=1000`, { body: '' });
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
    ['a line that is no JSON', ([a = '', , c = '']) => [a, '{', c], /record 2: it is not JSON/],
    ['a record without a number', ([a = '', , c = '']) => [a, '{}', c], /record 2: a member is missing/],
    [
      'a member that is missing',
      ([a = '', b = '', c = '']) => [a, b.replace(',"writer_id":"w"', ''), c],
      /record 2: a member is missing/,
    ],
    [
      'a number that has no canonical form',
      ([a = '', b = '', c = '']) => [a, b.replace('{', '{"x":1e999,'), c],
      /record 2: it is not in canonical form/,
    ],
  ])('--verify names %s', async (_name, change, says) => {
    serve(change(chain(3)));
    const ran = await registry('audit', '--verify');
    expect(ran).toMatchObject({ exitCode: EXIT.integrity });
    expect(ran.err).toMatch(says);
    expect(ran.err).toContain('compare with');
    const script = await registry('audit', '--verify', '--json');
    const seq = Number(/record ([0-9])/.exec(ran.err)?.[1]);
    expect(JSON.parse(script.err)).toMatchObject({ error: { exit_code: EXIT.integrity, seq } });
  });

  test('a record that cannot be read is named when records are printed', async () => {
    const [first = ''] = chain(1);
    serve([first, '{']);
    const ran = await registry('audit');
    expect(ran).toMatchObject({ exitCode: EXIT.integrity, out: `${first}\n` });
    expect(ran.err).toContain('audit record 2: it is not JSON');
  });
});
