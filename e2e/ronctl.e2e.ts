import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SERVICES } from '@macronode/contracts';
import { absentId, freshObject, unique } from './content.ts';
import { ronctl } from './ronctl.ts';
import { opsOf } from './target.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'e2e-ronctl-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a file goes in, out and is verified; the second time no byte travels', async () => {
  const { bytes, id } = freshObject(5 * 1024 * 1024 + 3);
  const [source, copy] = [join(folder, 'in'), join(folder, 'out')];
  await writeFile(source, bytes);
  expect(await ronctl(['put', source])).toEqual({ code: 0, out: `${id}\n`, err: `${bytes.length} bytes stored\n` });
  expect(JSON.parse((await ronctl(['put', source, '--json'])).out)).toMatchObject({
    id,
    size: bytes.length,
    created: false,
  });
  expect(await ronctl(['get', id, '-o', copy])).toMatchObject({ code: 0, out: `${copy}\n` });
  expect((await readFile(copy)).equals(bytes)).toBe(true);
});

test('standard input and the empty file are objects', async () => {
  const { bytes, id } = freshObject(100_000);
  expect(await ronctl(['put', '-'], bytes)).toMatchObject({ code: 0, out: `${id}\n` });
  const empty = await ronctl(['put', '-']);
  expect(empty.code).toBe(0);
  expect(await ronctl(['get', empty.out.trim()])).toEqual({ code: 0, out: '', err: '' });
});

test('what is not there ends with code 3, says the corr_id, and leaves no file', async () => {
  const inner = await mkdtemp(join(folder, 'get-'));
  const ran = await ronctl(['get', absentId(), '-o', join(inner, 'out')]);
  expect(ran).toMatchObject({ code: 3, out: '' });
  expect(ran.err).toMatch(/not_found, corr_id \S+/);
  expect(await readdir(inner)).toEqual([]);
  expect((await ronctl(['name', 'get', `${unique('nobody')}.example`])).code).toBe(3);
});

test('a name is set once as new, read, and leads to its object', async () => {
  const { bytes, id } = freshObject(1_000);
  const name = `${unique('ronctl')}.example`;
  await ronctl(['put', '-'], bytes);
  expect((await ronctl(['name', 'set', name, id, '--new'])).code).toBe(0);
  const again = await ronctl(['name', 'set', name, id, '--new']);
  expect(again.code).toBe(1);
  expect(again.err).toContain('precondition_failed');
  const shown = JSON.parse((await ronctl(['name', 'get', name, '--json'])).out) as { etag: string };
  expect(shown).toMatchObject({ record: { record: { name, target: id } } });
  expect((await ronctl(['name', 'set', name, id, '--if-match', shown.etag])).code).toBe(0);
  const file = join(folder, 'by-name');
  expect((await ronctl(['get', name, '-o', file])).code).toBe(0);
  expect((await readFile(file)).equals(bytes)).toBe(true);
});

test('a message is sent, received and acknowledged', async () => {
  const topic = unique('ronctl');
  const sent = await ronctl(['mailbox', 'send', topic, '--payload', 'hello', '--key', 'k']);
  expect(sent.code).toBe(0);
  expect((await ronctl(['mailbox', 'send', topic, '--payload', 'hello', '--key', 'k'])).err).toContain(
    'no second message',
  );
  const received = await ronctl(['mailbox', 'recv', topic, '--max', '5', '--wait', '1000']);
  const [id, attempt, receipt, payload] = received.out.trimEnd().split('\t');
  expect([id, attempt, payload]).toEqual([sent.out.trim(), '1', 'hello']);
  expect(await ronctl(['mailbox', 'ack', '--', receipt ?? ''])).toMatchObject({ code: 0, out: `ok\t${receipt}\n` });
});

test('status lists every service as ready', async () => {
  const ops = [...new Set(SERVICES.flatMap((service) => opsOf(service)))].flatMap((url) => ['--ops', url]);
  const ran = await ronctl(['status', '--json', ...ops]);
  expect(ran.code, ran.err).toBe(0);
  const { services } = JSON.parse(ran.out) as { services: { service: string; state: string }[] };
  expect(new Set(services.map(({ service }) => service))).toEqual(new Set(SERVICES));
  expect(services.every(({ state }) => state === 'ready')).toBe(true);
});
