import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashBytes } from '@macronode/content';
import { NameRecord, RegistryHead } from '@macronode/contracts';
import { freshObject, unique } from './content.ts';
import { target } from './target.ts';

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'e2e-curl-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The real curl, as a person would type it; `--fail-with-body` makes a refusal an error. */
async function curl(...args: string[]): Promise<string> {
  const token = target.token === undefined ? [] : ['-H', `Authorization: Bearer ${target.token}`];
  const { stdout } = await run('curl', ['-sS', '--max-time', '30', ...token, ...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

async function objectFile(size: number): Promise<{ file: string; bytes: Buffer; id: string }> {
  const object = freshObject(size);
  const file = join(folder, unique('object'));
  await writeFile(file, object.bytes);
  return { ...object, file };
}

test('a file goes in and out', async () => {
  const { file, bytes, id } = await objectFile(300_000);
  expect(JSON.parse(await curl('--fail-with-body', '-T', file, `${target.url}/o/${id}`))).toEqual({
    id,
    size: 300_000,
  });
  expect(JSON.parse(await curl('--fail-with-body', '--data-binary', `@${file}`, `${target.url}/o`))).toEqual({
    id,
    size: 300_000,
  });
  await curl('--fail-with-body', '-o', join(folder, 'out'), `${target.url}/o/${id}`);
  expect((await readFile(join(folder, 'out'))).equals(bytes)).toBe(true);
});

test('a pipe of unknown length goes in', async () => {
  const { file, id } = await objectFile(2_000_000);
  const { stdout } = await run('sh', [
    '-c',
    `cat "$1" | curl -sS --fail-with-body -T - -X POST "$2"`,
    'sh',
    file,
    `${target.url}/o`,
  ]);
  expect(JSON.parse(stdout)).toEqual({ id, size: 2_000_000 });
});

test('HEAD, a range, 304, 412 and a broken off download that goes on', async () => {
  const { file, bytes, id } = await objectFile(200_000);
  const url = `${target.url}/o/${id}`;
  await curl('--fail-with-body', '-T', file, url);
  expect(await curl('-I', url)).toMatch(new RegExp(`etag: "${id}"`, 'i'));
  const part = join(folder, 'part');
  await curl('--fail-with-body', '-r', '100000-100099', '-o', part, url);
  expect((await readFile(part)).equals(bytes.subarray(100_000, 100_100))).toBe(true);
  const code = ['-o', '/dev/null', '-w', '%{http_code}'];
  expect(await curl(...code, '-H', `If-None-Match: "${id}"`, url)).toBe('304');
  expect(await curl(...code, '-H', 'If-Match: "other"', url)).toBe('412');
  expect(await curl(...code, '-r', '200000-', url)).toBe('416');
  await writeFile(part, bytes.subarray(0, 123_456));
  await curl('--fail-with-body', '-C', '-', '-o', part, url);
  expect((await readFile(part)).equals(bytes)).toBe(true);
});

test('a name and a message make their round trip', async () => {
  const { file, bytes, id } = await objectFile(1_000);
  const name = `${unique('curl')}.example`;
  await curl('--fail-with-body', '-T', file, `${target.url}/o/${id}`);
  const json = ['-H', 'Content-Type: application/json'];
  const record = await curl(
    '--fail-with-body',
    '-X',
    'PUT',
    ...json,
    '-d',
    `{"target":"${id}"}`,
    `${target.url}/names/${name}`,
  );
  expect(NameRecord.parse(JSON.parse(record)).record.target).toBe(id);
  await curl('--fail-with-body', '-o', join(folder, 'named'), `${target.url}/n/${name}`);
  expect((await readFile(join(folder, 'named'))).equals(bytes)).toBe(true);
  const payload = Buffer.from('hello').toString('base64');
  const send = JSON.stringify({ topic: name, idem_key: '1', payload_b64: payload });
  await curl('--fail-with-body', ...json, '-d', send, `${target.url}/mailbox/send`);
  const received = JSON.parse(
    await curl('--fail-with-body', ...json, '-d', `{"topic":"${name}"}`, `${target.url}/mailbox/recv`),
  ) as {
    messages: { receipt: string; payload_b64: string }[];
  };
  expect(received.messages.map(({ payload_b64 }) => payload_b64)).toEqual([payload]);
  const ack = JSON.stringify({ receipts: received.messages.map(({ receipt }) => receipt) });
  expect(JSON.parse(await curl('--fail-with-body', ...json, '-d', ack, `${target.url}/mailbox/ack`))).toEqual({
    results: ['ok'],
  });
});

test('a document arrives compressed, an object as it was stored', async () => {
  const url = `${target.url}/openapi.json`;
  const plain = await curl('--fail-with-body', url);
  expect(await curl('--fail-with-body', '--compressed', url)).toBe(plain);
  const header = await curl('-o', '/dev/null', '-D', '-', '-H', 'Accept-Encoding: gzip', url);
  expect(header).toMatch(/^content-encoding: gzip\r$/im);
  expect(header).toMatch(/^vary: accept-encoding\r$/im);
  const length = Number(/^content-length: (\d+)/im.exec(header)?.[1]);
  expect(length).toBeLessThan(plain.length / 5);
  const etag = /^etag: (".*-gzip")\r$/im.exec(header)?.[1] ?? '';
  const code = ['-o', '/dev/null', '-w', '%{http_code}'];
  expect(await curl(...code, '--compressed', '-H', `If-None-Match: ${etag}`, url)).toBe('304');
  const bytes = Buffer.alloc(10_000, unique('a'));
  const id = hashBytes(bytes);
  const file = join(folder, unique('plain'));
  await writeFile(file, bytes);
  const object = `${target.url}/o/${id}`;
  await curl('--fail-with-body', '-T', file, object);
  const head = await curl('--compressed', '-o', join(folder, 'whole'), '-D', '-', object);
  expect(head).not.toMatch(/^content-encoding:/im);
  expect(head).toMatch(new RegExp(`^etag: "${id}"\\r$`, 'im'));
  expect((await readFile(join(folder, 'whole'))).equals(bytes)).toBe(true);
});

test('a large file is sent with Expect: 100-continue, which curl does by itself', async () => {
  const { file, id } = await objectFile(3_000_000);
  const trace = await curl(
    '--fail-with-body',
    '-v',
    '--stderr',
    '-',
    '-H',
    'Expect: 100-continue',
    '-T',
    file,
    `${target.url}/o/${id}`,
  );
  expect(trace).toContain('HTTP/1.1 100 Continue');
  expect(trace).toContain('HTTP/1.1 201 Created');
});

test('the lines of the README do what it says', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block ?? '');
  const script = blocks.filter((block) => /^curl /m.test(block)).join('\n');
  expect(script).not.toBe('');
  const token = target.token === undefined ? '' : `-H 'Authorization: Bearer ${target.token}'`;
  const lines = [
    'set -euo pipefail',
    `curl() { command curl -sS --max-time 30 --fail-with-body ${token} "$@" && echo; }`,
    script.replaceAll('http://127.0.0.1:8080', target.url),
  ];
  const { stdout } = await run('bash', ['-c', lines.join('\n')]);
  const hello = hashBytes(Buffer.from('hello world'));
  expect(JSON.parse(stdout.split('\n')[0] ?? '')).toEqual({ id: hello, size: 11 });
  expect(stdout).toContain(`etag: "${hello}"`);
  const [range, head = ''] = stdout.trimEnd().split('\n').slice(-2);
  expect(range).toBe('world');
  expect(RegistryHead.parse(JSON.parse(head)).version).toBeGreaterThanOrEqual(0);
});
