import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashBytes } from '@macronode/content';
import { EXIT } from './exit-codes.ts';
import { run } from './program.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

let server: Server;
let handler: Handler;
let url: string;
let folder: string;
const seen: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];

beforeEach(async () => {
  seen.length = 0;
  folder = await mkdtemp(join(tmpdir(), 'ronctl-'));
  server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    void handler(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true, force: true });
});

interface Ran {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly out: string;
  readonly err: string;
}

interface Around {
  readonly stdin?: Uint8Array;
  readonly env?: Record<string, string>;
  readonly tty?: boolean;
}

async function ronctl(argv: readonly string[], around: Around = {}): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const read = Promise.all([buffer(stdout), text(stderr)]);
  const exitCode = await run(argv, {
    stdin: Readable.from(around.stdin === undefined ? [] : [around.stdin]),
    stdout,
    stderr,
    stdoutIsTty: around.tty ?? false,
    stderrIsTty: around.tty ?? false,
    env: { RONCTL_URL: url, ...around.env },
    signal: new AbortController().signal,
  });
  stdout.end();
  stderr.end();
  const [bytes, err] = await read;
  return { exitCode, stdout: bytes, out: bytes.toString('utf8'), err };
}

const json = (response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', 'x-corr-id': 'corr-1', ...headers });
  response.end(JSON.stringify(value));
};

const refuse = (response: ServerResponse, status: number, code: string, headers: Record<string, string> = {}): void =>
  json(
    response,
    status,
    { error: { code, message: `refused: ${code}`, retryable: false, corr_id: 'corr-1' } },
    headers,
  );

const content = Buffer.from('a small object');
const id = hashBytes(content);

test('put sends the file under the id it hashes to, and prints the id alone on standard output', async () => {
  const file = join(folder, 'in');
  await writeFile(file, content);
  handler = async (request, response) => {
    expect(await buffer(request)).toEqual(content);
    json(response, 201, { id, size: content.length });
  };
  const ran = await ronctl(['put', file]);
  expect(ran).toMatchObject({ exitCode: EXIT.ok, out: `${id}\n` });
  expect(ran.err).toContain('14 bytes stored');
  expect(seen[0]).toMatchObject({ method: 'PUT', path: `/o/${id}`, headers: { 'content-length': '14' } });
});

test('put stops sending when the node has the object already', async () => {
  const file = join(folder, 'in');
  const large = Buffer.alloc(8 * 1024 * 1024, 7);
  await writeFile(file, large);
  server.on('checkContinue', (_request: IncomingMessage, response: ServerResponse) => {
    json(response, 200, { id: hashBytes(large), size: large.length }, { connection: 'close' });
  });
  const ran = await ronctl(['put', file, '--json']);
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(JSON.parse(ran.out)).toMatchObject({ id: hashBytes(large), created: false, corr_id: 'corr-1' });
});

test('put of standard input fails with the integrity code when the node hashed something else', async () => {
  handler = async (request, response) => {
    await buffer(request);
    json(response, 201, { id: hashBytes(Buffer.from('other')), size: 5 });
  };
  const ran = await ronctl(['put', '-'], { stdin: content });
  expect(ran.exitCode).toBe(EXIT.integrity);
  expect(seen[0]).toMatchObject({ method: 'POST', path: '/o', headers: { 'transfer-encoding': 'chunked' } });
});

test('an empty file is an object too', async () => {
  const file = join(folder, 'empty');
  await writeFile(file, '');
  handler = (_request, response) => json(response, 201, { id: hashBytes(new Uint8Array(0)), size: 0 });
  expect(await ronctl(['put', file])).toMatchObject({ exitCode: EXIT.ok, out: `${hashBytes(new Uint8Array(0))}\n` });
  expect(seen[0]?.headers['content-length']).toBe('0');
});

test('get writes the verified bytes to standard output, and nothing else', async () => {
  handler = (_request, response) => response.end(content) as unknown as void;
  const ran = await ronctl(['get', id]);
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(ran.stdout).toEqual(content);
  expect(ran.err).toBe('');
});

test('get -o leaves nothing behind when the bytes do not hash to the id', async () => {
  handler = (_request, response) => response.end('tampered') as unknown as void;
  const ran = await ronctl(['get', id, '-o', join(folder, 'out')]);
  expect(ran.exitCode).toBe(EXIT.integrity);
  expect(ran.err).toContain(id);
  expect(await readdir(folder)).toEqual([]);
});

test('get -o keeps the old file when the node ends the transfer early', async () => {
  const file = join(folder, 'out');
  await writeFile(file, 'old');
  handler = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('part', () => response.destroy());
  };
  const ran = await ronctl(['get', id, '-o', file]);
  expect(ran.exitCode).toBe(EXIT.unavailable);
  expect(await readdir(folder)).toEqual(['out']);
  expect(await readFile(file, 'utf8')).toBe('old');
});

test('get of a name verifies against the id the answer names', async () => {
  handler = (_request, response) => response.writeHead(200, { etag: `"${id}"` }).end(content) as unknown as void;
  const file = join(folder, 'out');
  const ran = await ronctl(['get', 'site.example', '-o', file, '--json']);
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(JSON.parse(ran.out)).toMatchObject({ id, size: content.length, file });
  expect(seen[0]?.path).toBe('/n/site.example');
  expect(await readFile(file)).toEqual(content);
});

test('a progress line is drawn on a terminal only, and taken away at the end', async () => {
  const file = join(folder, 'in');
  await writeFile(file, Buffer.alloc(1_000_000));
  handler = async (request, response) => json(response, 201, { id, size: (await buffer(request)).length });
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
  handler = (_request, response) => refuse(response, status, code, { 'retry-after': '2' });
  const ran = await ronctl(['get', id]);
  expect(ran.exitCode).toBe(exitCode);
  expect(ran.err).toContain(code);
  expect(ran.err).toContain('corr-1');
  expect(ran.out).toBe('');
});

test('--json reports a failure as JSON on standard error', async () => {
  handler = (_request, response) => refuse(response, 503, 'busy', { 'retry-after': '2' });
  const ran = await ronctl(['name', 'get', 'a.b', '--json']);
  expect(JSON.parse(ran.err)).toMatchObject({
    error: { code: 'busy', status: 503, corr_id: 'corr-1', retry_after_ms: 2000, exit_code: EXIT.unavailable },
  });
});

test('an answer that is not ours is told as such', async () => {
  handler = (_request, response) => response.writeHead(200).end('<html>') as unknown as void;
  const ran = await ronctl(['name', 'get', 'a.b']);
  expect(ran.exitCode).toBe(EXIT.error);
  expect(ran.err).toContain('is ' + url + ' a macronode gateway?');
});

test('a node that is not there, and one that does not answer, end with the unavailable code', async () => {
  const gone = await ronctl(['get', id, '--url', await closedUrl()]);
  expect(gone.exitCode).toBe(EXIT.unavailable);
  expect(gone.err).toContain('npm start');
  handler = () => undefined;
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
  handler = (_request, response) => refuse(response, 401, 'unauthorized');
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
  handler = async (request, response) => {
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
  handler = (request, response) => {
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

/** An address nobody listens on: a port that was ours a moment ago. */
async function closedUrl(): Promise<string> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return `http://127.0.0.1:${port}`;
}

test('status shows one row per service and fails when one is not ready', async () => {
  const ready = { service: 'gateway', ready: true, write_ready: true, missing: [], retry_after: null };
  handler = (_request, response) => json(response, 200, ready);
  expect(await ronctl(['status', '--ops', url])).toMatchObject({ exitCode: EXIT.ok });
  handler = (_request, response) => json(response, 503, { ...ready, ready: false, missing: ['bus'], retry_after: 1 });
  const ran = await ronctl(['status', '--ops', url, '--ops', await closedUrl()]);
  expect(ran.exitCode).toBe(EXIT.unavailable);
  expect(ran.out).toMatch(/^gateway +not ready +bus /m);
  expect(ran.out).toMatch(/^\? +down +ECONNREFUSED /m);
  expect(ran.out).not.toContain('\u001b');
});

test('status of a node that runs several services lists each of them', async () => {
  const part = { ready: true, write_ready: true, missing: [], retry_after: null };
  const services = { gateway: part, storage: { ...part, write_ready: false, missing: ['store'] } };
  handler = (_request, response) => json(response, 200, { service: 'micronode', ...part, services });
  const ran = await ronctl(['status', '--ops', url, '--json']);
  expect(JSON.parse(ran.out)).toMatchObject({
    services: [
      { service: 'gateway', state: 'ready' },
      { service: 'storage', state: 'read-only', missing: ['store'] },
    ],
  });
});

const task = {
  ...{ service: 'gateway', kind: 'semaphore', name: 'in-flight requests', held: 7, bound: 8, unit: 'count' },
  ...{ waiting: 0, oldest_ms: 12, oldest_waiting_ms: null },
};

test('tasks of several ops ports are one table: who waits first, what is empty left out', async () => {
  const waited = { ...task, service: 'storage', name: 'upload slots', waiting: 3, oldest_waiting_ms: 2_500 };
  const empty = { ...task, name: 'idle', held: 0, oldest_ms: null };
  const paths: (string | undefined)[] = [];
  handler = (request, response) => {
    paths.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`);
    json(response, 200, { tasks: paths.length === 1 ? [task, empty] : [waited] });
  };
  const ran = await ronctl(['tasks', '--ops', url, '--ops', url, '--token', 'secret']);
  expect(paths).toEqual(['/debug/tasks Bearer secret', '/debug/tasks Bearer secret']);
  const [, first, second, ...others] = ran.out.trimEnd().split('\n');
  expect(first).toMatch(/^storage +semaphore +upload slots +7 +8 +12 ms +3 +2\.5 s/);
  expect(second).toMatch(/^gateway +semaphore +in-flight requests +7 +8 +12 ms +0 +-/);
  expect(others).toEqual([]);
  handler = (_request, response) => json(response, 200, { tasks: [empty] });
  expect((await ronctl(['tasks', '--ops', url])).out).toContain('nothing is held');
  expect(JSON.parse((await ronctl(['tasks', '--ops', url, '--all', '--json'])).out)).toEqual({ tasks: [empty] });
});

const letter = {
  id: '1700000000000-0',
  service: 'mailbox',
  kind: 'work',
  name: 'orders.placed',
  lane: 'none',
  reason: 'max_deliveries',
  attempts: 5,
  consumer: 'mailbox.1',
  corr_id: 'c-1',
  traceparent: '',
  messages: 1,
  bytes: 3,
  at: '2023-11-14T22:13:20.000Z',
};

const dlq = (...args: string[]): Promise<Ran> =>
  ronctl(['--ops', url, '--token', 'an-admin-token-here', 'bus', 'dlq', ...args]);

test('bus dlq list shows the letters of a service and goes through the pages with --all', async () => {
  handler = (request, response) => {
    const { searchParams } = new URL(request.url ?? '', url);
    const second = searchParams.get('after') === letter.id;
    json(response, 200, {
      letters: [second ? { ...letter, id: '1700000000001-0' } : letter],
      next: second ? null : letter.id,
    });
  };
  const page = await dlq('list', '--service', 'mailbox', '--limit', '1');
  expect(page).toMatchObject({ exitCode: EXIT.ok });
  expect(page.out).toMatch(/1700000000000-0 .*max_deliveries .*work orders\.placed .*c-1/);
  expect(page.err).toContain(`--after ${letter.id}`);
  const all = await dlq('list', '--service', 'mailbox', '--limit', '1', '--all', '--json');
  expect((JSON.parse(all.out) as { letters: unknown[] }).letters).toHaveLength(2);
  expect(seen[0]).toMatchObject({
    method: 'GET',
    path: '/admin/bus/dlq?service=mailbox&limit=1',
    headers: { authorization: 'Bearer an-admin-token-here' },
  });
});

test('bus dlq show prints one letter with its bytes', async () => {
  const contents = [{ subject: 'orders.placed', corr_id: 'c-1', traceparent: '', bytes: 1 }];
  handler = (_request, response) => json(response, 200, { ...letter, contents, fault: null, entry_b64: 'AQID' });
  const ran = await dlq('show', letter.id, '--service', 'mailbox');
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(ran.out).toContain('AQID');
  expect(ran.out).toContain('orders.placed 1 bytes c-1');
  expect(seen[0]?.path).toBe(`/admin/bus/dlq/mailbox/${letter.id}`);
});

test('bus dlq replay and drop act on ids, or page by page on all', async () => {
  handler = (request, response) => {
    const more = seen.length === 1;
    if (request.method === 'DELETE') json(response, 200, { dropped: 1, more: false });
    else json(response, 200, { replayed: 2, more, retry_after_ms: null });
  };
  expect(await dlq('replay', '--service', 'mailbox', '--all', '--limit', '2')).toMatchObject({
    exitCode: EXIT.ok,
    out: '4 replayed\n',
  });
  expect(seen[0]?.path).toMatch(/^\/admin\/bus\/dlq\/mailbox\/replay\?limit=2&before=\d+$/);
  expect(seen[1]?.path).toBe(seen[0]?.path);
  const dropped = await dlq('drop', letter.id, '1700000000001-0', '--service', 'mailbox', '--json');
  expect(JSON.parse(dropped.out)).toEqual({ dropped: 2 });
  expect(seen.slice(2).map(({ method, path }) => `${method} ${path}`)).toEqual([
    `DELETE /admin/bus/dlq/mailbox/${letter.id}`,
    'DELETE /admin/bus/dlq/mailbox/1700000000001-0',
  ]);
});

test('bus dlq says what is missing: a service, a letter, a token, room', async () => {
  handler = (_request, response) => json(response, 200, { replayed: 3, more: true, retry_after_ms: 1_500 });
  expect((await dlq('list')).exitCode).toBe(EXIT.usage);
  expect((await dlq('replay', '--service', 'mailbox')).exitCode).toBe(EXIT.usage);
  expect((await dlq('drop', 'nonsense', '--service', 'mailbox')).exitCode).toBe(EXIT.usage);
  expect(seen).toHaveLength(0);
  const full = await dlq('replay', '--service', 'mailbox', '--all', '--json');
  expect(full.exitCode).toBe(EXIT.unavailable);
  expect(JSON.parse(full.err)).toMatchObject({ error: { code: 'busy', retry_after_ms: 1_500 } });
  handler = (_request, response) => refuse(response, 401, 'unauthorized');
  expect(await dlq('list', '--service', 'mailbox')).toMatchObject({ exitCode: EXIT.error });
  handler = (_request, response) => refuse(response, 404, 'not_found');
  expect((await dlq('show', letter.id, '--service', 'mailbox')).exitCode).toBe(EXIT.notFound);
});
