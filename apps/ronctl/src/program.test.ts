import { readFile, readdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { hashBytes } from '@macronode/content';
import { EXIT } from './exit-codes.ts';
import { closedUrl, json, refuse, standIn } from './stand-in-fixture.ts';

const node = standIn();
const { ronctl, seen } = node;

const content = Buffer.from('a small object');
const id = hashBytes(content);

test('put sends the file under the id it hashes to, and prints the id alone on standard output', async () => {
  const file = join(node.folder, 'in');
  await writeFile(file, content);
  node.handler = async (request, response) => {
    expect(await buffer(request)).toEqual(content);
    json(response, 201, { id, size: content.length });
  };
  const ran = await ronctl(['put', file]);
  expect(ran).toMatchObject({ exitCode: EXIT.ok, out: `${id}\n` });
  expect(ran.err).toContain('14 bytes stored');
  expect(seen[0]).toMatchObject({ method: 'PUT', path: `/o/${id}`, headers: { 'content-length': '14' } });
});

test('put stops sending when the node has the object already', async () => {
  const file = join(node.folder, 'in');
  const large = Buffer.alloc(8 * 1024 * 1024, 7);
  await writeFile(file, large);
  node.server.on('checkContinue', (_request: IncomingMessage, response: ServerResponse) => {
    json(response, 200, { id: hashBytes(large), size: large.length }, { connection: 'close' });
  });
  const ran = await ronctl(['put', file, '--json']);
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(JSON.parse(ran.out)).toMatchObject({ id: hashBytes(large), created: false, corr_id: 'corr-1' });
});

test('put of standard input fails with the integrity code when the node hashed something else', async () => {
  node.handler = async (request, response) => {
    await buffer(request);
    json(response, 201, { id: hashBytes(Buffer.from('other')), size: 5 });
  };
  const ran = await ronctl(['put', '-'], { stdin: content });
  expect(ran.exitCode).toBe(EXIT.integrity);
  expect(seen[0]).toMatchObject({ method: 'POST', path: '/o', headers: { 'transfer-encoding': 'chunked' } });
});

test('an empty file is an object too', async () => {
  const file = join(node.folder, 'empty');
  await writeFile(file, '');
  node.handler = (_request, response) => json(response, 201, { id: hashBytes(new Uint8Array(0)), size: 0 });
  expect(await ronctl(['put', file])).toMatchObject({ exitCode: EXIT.ok, out: `${hashBytes(new Uint8Array(0))}\n` });
  expect(seen[0]?.headers['content-length']).toBe('0');
});

test('get writes the verified bytes to standard output, and nothing else', async () => {
  node.handler = (_request, response) => response.end(content) as unknown as void;
  const ran = await ronctl(['get', id]);
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(ran.stdout).toEqual(content);
  expect(ran.err).toBe('');
});

test('get -o leaves nothing behind when the bytes do not hash to the id', async () => {
  node.handler = (_request, response) => response.end('tampered') as unknown as void;
  const ran = await ronctl(['get', id, '-o', join(node.folder, 'out')]);
  expect(ran.exitCode).toBe(EXIT.integrity);
  expect(ran.err).toContain(id);
  expect(await readdir(node.folder)).toEqual([]);
});

test('get -o keeps the old file when the node ends the transfer early', async () => {
  const file = join(node.folder, 'out');
  await writeFile(file, 'old');
  node.handler = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('part', () => response.destroy());
  };
  const ran = await ronctl(['get', id, '-o', file]);
  expect(ran.exitCode).toBe(EXIT.unavailable);
  expect(await readdir(node.folder)).toEqual(['out']);
  expect(await readFile(file, 'utf8')).toBe('old');
});

test('get of a name verifies against the id the answer names', async () => {
  node.handler = (_request, response) => response.writeHead(200, { etag: `"${id}"` }).end(content) as unknown as void;
  const file = join(node.folder, 'out');
  const ran = await ronctl(['get', 'site.example', '-o', file, '--json']);
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(JSON.parse(ran.out)).toMatchObject({ id, size: content.length, file });
  expect(seen[0]?.path).toBe('/n/site.example');
  expect(await readFile(file)).toEqual(content);
});

test('a progress line is drawn on a terminal only, and taken away at the end', async () => {
  const file = join(node.folder, 'in');
  await writeFile(file, Buffer.alloc(1_000_000));
  node.handler = async (request, response) => json(response, 201, { id, size: (await buffer(request)).length });
  expect((await ronctl(['put', file])).err).not.toContain('\r');
  const { err } = await ronctl(['put', file], { tty: true });
  expect(err).toContain('\r');
  expect(err.lastIndexOf('\u001b[K')).toBeGreaterThan(err.lastIndexOf('hashing'));
});

test.each([
  [404, 'not_found', EXIT.notFound],
  [400, 'bad_request', EXIT.error],
  [409, 'stale_seq', EXIT.error],
  [422, 'digest_mismatch', EXIT.integrity],
  [429, 'quota', EXIT.unavailable],
  [500, 'internal', EXIT.error],
  [502, 'no_responders', EXIT.unavailable],
  [502, 'integrity', EXIT.integrity],
  [503, 'busy', EXIT.unavailable],
  [504, 'deadline', EXIT.unavailable],
])('status %i %s ends with exit code %i, the code and the corr_id', async (status, code, exitCode) => {
  node.handler = (_request, response) => refuse(response, status, code, { 'retry-after': '2' });
  const ran = await ronctl(['get', id]);
  expect(ran.exitCode).toBe(exitCode);
  expect(ran.err).toContain(code);
  expect(ran.err).toContain('corr-1');
  expect(ran.out).toBe('');
});

test('--json reports a failure as JSON on standard error', async () => {
  node.handler = (_request, response) => refuse(response, 503, 'busy', { 'retry-after': '2' });
  const ran = await ronctl(['name', 'get', 'a.b', '--json']);
  expect(JSON.parse(ran.err)).toMatchObject({
    error: { code: 'busy', status: 503, corr_id: 'corr-1', retry_after_ms: 2000, exit_code: EXIT.unavailable },
  });
});

test('an answer that is not ours is told as such', async () => {
  node.handler = (_request, response) => response.writeHead(200).end('<html>') as unknown as void;
  const ran = await ronctl(['name', 'get', 'a.b']);
  expect(ran.exitCode).toBe(EXIT.error);
  expect(ran.err).toContain('is ' + node.url + ' a macronode gateway?');
});

test('a node that is not there, and one that does not answer, end with the unavailable code', async () => {
  const gone = await ronctl(['get', id, '--url', await closedUrl()]);
  expect(gone.exitCode).toBe(EXIT.unavailable);
  expect(gone.err).toContain('npm start');
  node.handler = () => undefined;
  const silent = await ronctl(['get', id, '--timeout', '50']);
  expect(silent.exitCode).toBe(EXIT.unavailable);
  expect(silent.err).toContain('50 ms');
});

test.each([
  [['get', 'b3:short']],
  [['get', 'NOT A NAME']],
  [['put']],
  [['no-such-command']],
  [['name', 'set', 'a.b', 'b3:1']],
  [['mailbox', 'recv', 't', '--max', '0']],
  [['mailbox', 'send', 't']],
  [['mailbox', 'send', 't', '--payload', 'a', '--file', 'b']],
  [['status', '--url', 'ftp://x']],
])('a wrong command line %j ends with code 2 and sends nothing', async (argv) => {
  expect((await ronctl(argv)).exitCode).toBe(EXIT.usage);
  expect(seen).toEqual([]);
});

test('--help documents every exit code', async () => {
  const ran = await ronctl(['--help']);
  expect(ran.exitCode).toBe(EXIT.ok);
  for (const code of Object.values(EXIT)) expect(ran.out).toMatch(new RegExp(`^ +${code} `, 'm'));
});

test('the token goes out as a bearer, from the option or the environment', async () => {
  node.handler = (_request, response) => refuse(response, 401, 'unauthorized');
  await ronctl(['get', id, '--token', 'abc']);
  await ronctl(['get', id], { env: { RONCTL_TOKEN: 'def' } });
  expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer abc', 'Bearer def']);
});

test('a name is set with its conditions', async () => {
  const record = {
    v: 1,
    name: 'a.b',
    seq: 1,
    target: id,
    ttl_s: 60,
    owner: '0'.repeat(64),
    not_after: '2030-01-01T00:00:00Z',
  };
  node.handler = async (request, response) => {
    expect(JSON.parse(await text(request))).toEqual({ target: id });
    json(response, 201, { record, sig: 'AAAA' }, { etag: '"b3:1"' });
  };
  const ran = await ronctl(['name', 'set', 'a.b', id, '--if-match', 'b3:1']);
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(ran.out).toContain(id);
  expect(seen[0]?.headers['if-match']).toBe('"b3:1"');
});

test('a message is sent, received on one line, and acknowledged', async () => {
  const msg_id = '01J00000000000000000000000';
  const message = {
    msg_id,
    receipt: 'r1',
    attempt: 1,
    ts: '2030-01-01T00:00:00Z',
    payload_b64: Buffer.from('hello').toString('base64'),
    payload_hash: hashBytes(Buffer.from('hello')),
    attrs: {},
  };
  const unsafe = { ...message, payload_b64: Buffer.from('a\u001b[2J\n').toString('base64') };
  node.handler = (request, response) => {
    if (request.url === '/mailbox/send') json(response, 200, { msg_id, duplicate: true });
    else if (request.url === '/mailbox/recv') json(response, 200, { messages: [message, unsafe] });
    else json(response, 200, { results: ['ok', 'receipt_stale'] });
  };
  expect(await ronctl(['mailbox', 'send', 't', '--payload', 'hello', '--key', 'k'])).toMatchObject({
    out: `${msg_id}\n`,
  });
  const received = await ronctl(['mailbox', 'recv', 't', '--max', '2', '--wait', '10']);
  expect(received.out.split('\n').slice(0, 2)).toEqual([
    `${msg_id}\t1\tr1\thello`,
    `${msg_id}\t1\tr1\tbase64:${unsafe.payload_b64}`,
  ]);
  expect(await ronctl(['mailbox', 'ack', 'r1', 'r2'])).toMatchObject({
    exitCode: EXIT.error,
    out: 'ok\tr1\nreceipt_stale\tr2\n',
  });
});
