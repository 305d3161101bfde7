import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  cosign,
  formatKnownSize,
  formatSignatureLines,
  formatVkey,
  parseAddCheckpoint,
  TREE_SIZE_MEDIA_TYPE,
  verifyConsistency,
} from '@macronode/log';
import { EXIT } from '../exit-codes.ts';
import { run } from '../program.ts';
import { BuiltLog, ITEMS, LOG, NOW, genesisOf, noteSigner } from './built-log-fixture.ts';
import { type Answered, ServedLog } from './served-log-fixture.ts';

const cosigner = noteSigner('witness.example', 'cosignature-ed25519');
const vkey = formatVkey(cosigner.key);
let served: ServedLog;
/** What the witness has seen of the log. */
let known: { size: number; root: Uint8Array };

/** A witness as tlog-witness has it. It stands on the port of the log. */
function addCheckpoint(body: string): Answered {
  const { oldSize, consistency, checkpoint: signed } = parseAddCheckpoint(body);
  const { size, root } = signed.checkpoint;
  if (oldSize !== known.size) {
    return { status: 409, body: formatKnownSize(known.size), headers: { 'content-type': TREE_SIZE_MEDIA_TYPE } };
  }
  const claim = { from: oldSize, fromRoot: known.root, to: size, toRoot: root };
  if (!verifyConsistency(claim, consistency)) return { status: 422, body: '' };
  known = { size, root };
  return { body: formatSignatureLines([cosign(signed.checkpoint, NOW.getTime() / 1_000, cosigner)]) };
}

beforeEach(async () => {
  const log = new BuiltLog(genesisOf(1)).add(ITEMS).add(ITEMS).add(ITEMS);
  served = await ServedLog.open(log);
  served.post = (path, body) => (path === '/witness/add-checkpoint' ? addCheckpoint(String(body)) : undefined);
  known = { size: 0, root: log.tree.root(0) };
});
afterEach(() => served[Symbol.asyncDispose]());

async function witness(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const read = Promise.all([text(stdout), text(stderr)]);
  const streams = { stdin: Readable.from([]), stdout, stderr, stdoutIsTty: false, stderrIsTty: false };
  const { signal } = new AbortController();
  const exitCode = await run(['registry', 'witness', ...argv], { ...streams, env: { RONCTL_URL: served.url }, signal });
  stdout.end();
  stderr.end();
  const [out, err] = await read;
  return { exitCode, out, err };
}

const submit = (...argv: string[]): ReturnType<typeof witness> => witness('--to', `${served.url}/witness`, ...argv);

test('a witness that knows nothing of the log cosigns it; its lines are printed and verified', async () => {
  const ran = await submit('--vkey', vkey);
  expect(ran).toMatchObject({ exitCode: EXIT.ok });
  expect(ran.out).toMatch(/^\u2014 witness\.example [A-Za-z0-9+/=]+\n$/);
  expect(ran.err).toBe(`verified, cosigned ${NOW.toISOString()}\n`);
});

test('one that knows an earlier size is shown that the log continues it', async () => {
  await submit();
  served.log.add(ITEMS).add(ITEMS);
  expect(await submit('--vkey', vkey)).toMatchObject({ exitCode: EXIT.ok });
  expect(known.size).toBe(5);
  expect(served.seen).toContain('GET /registry/consistency?from=3&to=5');
  const again = await submit('--json');
  expect(JSON.parse(again.out)).toMatchObject({
    cosigned_at: null,
    lines: [expect.stringContaining('witness.example')],
  });
});

test('one that has seen more, or another log, is a finding', async () => {
  known = { size: 9, root: Buffer.alloc(32) };
  const more = await submit();
  expect(more).toMatchObject({ exitCode: EXIT.integrity });
  expect(more.err).toContain('has seen 9 entries, this node shows 3');
  known = { size: 2, root: Buffer.alloc(32) };
  const other = await submit();
  expect(other).toMatchObject({ exitCode: EXIT.integrity });
  expect(other.err).toContain('does not verify');
});

test('what a witness answers is not believed', async () => {
  const stranger = formatVkey(noteSigner('witness.example', 'cosignature-ed25519').key);
  expect(await submit('--vkey', stranger)).toMatchObject({ exitCode: EXIT.integrity });
  served.post = () => ({ body: '<html>\n' });
  expect((await submit()).err).toContain('answered no cosignatures');
  served.post = () => ({ status: 403, body: '' });
  expect((await submit()).err).toMatch(/does not know the key of this log\n +give whoever runs it the key/);
  served.post = () => ({ body: 'x'.repeat(70_000) });
  const long = await submit();
  expect(long).toMatchObject({ exitCode: EXIT.error });
  expect(long.err).toMatch(/the answer is over 65536 bytes\n +is --to the submission address of a witness/);
});

test.each([403, 404, 409, 422, 429, 503, 418])('a witness that refuses with %i leaves a next step', async (status) => {
  served.post = () => ({ status, body: '' });
  const { error } = JSON.parse((await submit('--json')).err) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ status, hint: expect.any(String) as string });
});

test('--show lists who has signed the checkpoint, and when', async () => {
  const ran = await witness('--show');
  expect(ran.out).toMatch(new RegExp(`${LOG} +[0-9a-f]{8} +-\n${LOG}/cosigner +[0-9a-f]{8} +${NOW.toISOString()}\n`));
  expect(JSON.parse((await witness('--show', '--json')).out)).toMatchObject({ log: LOG, size: 3 });
});

test('a wrong command line ends with code 2 and sends nothing', async () => {
  expect((await witness()).exitCode).toBe(EXIT.usage);
  expect((await witness('--show', '--vkey', vkey)).exitCode).toBe(EXIT.usage);
  expect((await submit('--show')).exitCode).toBe(EXIT.usage);
  expect((await submit('--vkey', 'nonsense')).exitCode).toBe(EXIT.usage);
  expect((await witness('--to', 'ftp://x')).exitCode).toBe(EXIT.usage);
  expect(served.seen).toEqual([]);
});
