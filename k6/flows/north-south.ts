import { blake3 } from '@noble/hashes/blake3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { jsonOf, sameBytes, sendJson, type User } from './user.ts';

/** Two chunks and a bit, so that ranges cross a chunk border. */
const LAST_BYTES = 100;
const VISIBILITY_MS = 30_000;
const WAIT_MS = 2_000;
const OCTETS = { 'Content-Type': 'application/octet-stream' };

interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly id: string;
  readonly tag: string;
}

/** `b3:` and the BLAKE3 of the bytes, by another implementation than the node's. */
const contentIdOf = (bytes: Uint8Array): string => `b3:${bytesToHex(blake3(bytes))}`;

/**
 * The whole path once, every byte and id held against what was sent: store, name, resolve, read in every way, then a
 * message out and back. It hashes what it sends in plain JavaScript, seconds of CPU in k6: a proof, not a load.
 */
export const northSouth: Flow<null> = {
  summary: 'the whole path, every byte verified: PUT, name, resolve, GET, HEAD, 304, ranges, mailbox',
  requestsPerTurn: 17,
  prepare: async () => null,
  turn: async (user) => {
    const stored = await store(user);
    const name = `smoke-${user.run}-${user.number}-${user.next()}.example`;
    await publish(user, name, stored);
    await readByName(user, name, stored);
    await readById(user, stored);
    await readRanges(user, stored);
    await exchangeMessage(user, name, stored);
  },
};

function freshBytes(user: User): Uint8Array<ArrayBuffer> {
  const [first, second, last] = [user.freshObject(), user.freshObject(), user.freshObject()];
  const bytes = new Uint8Array(first.bytes.length + second.bytes.length + LAST_BYTES);
  bytes.set(first.bytes);
  bytes.set(second.bytes, first.bytes.length);
  bytes.set(last.bytes.slice(0, LAST_BYTES), first.bytes.length + second.bytes.length);
  return bytes;
}

async function store(user: User): Promise<Stored> {
  const bytes = freshBytes(user);
  const id = contentIdOf(bytes);
  const tag = `"${id}"`;
  const put = await user.send(ROUTES.objectPut, { at: id, body: bytes, headers: OCTETS, expect: [201] });
  user.check('PUT', { 'the tag is the BLAKE3 of the body': put.header('ETag') === tag });
  await user.send(ROUTES.objectPut, { at: id, body: bytes, headers: OCTETS, expect: [200] });
  return { bytes, id, tag };
}

async function publish(user: User, name: string, { id }: Stored): Promise<void> {
  await sendJson(user, ROUTES.namePut, { target: id }, { at: name, expect: [201] });
  const record = jsonOf(await user.send(ROUTES.nameGet, { at: name, expect: [200] })) as
    { record?: { target?: string; name?: string } } | undefined;
  user.check('resolve', {
    'the record points to the object': record?.record?.target === id && record.record.name === name,
  });
}

async function readByName(user: User, name: string, { bytes, id, tag }: Stored): Promise<void> {
  const get = await user.send(ROUTES.nameRead, { at: name, expect: [200] });
  user.check('GET by name', {
    'the bytes are the object': sameBytes(get.body, bytes),
    'the tag is the BLAKE3 of the body': get.header('ETag') === tag,
    'the location of the content is its id': get.header('Content-Location') === `/o/${id}`,
  });
  const head = await user.send(ROUTES.nameHead, { at: name, expect: [200] });
  user.check('HEAD by name', { 'the tag is the same': head.header('ETag') === tag });
}

async function readById(user: User, { bytes, id, tag }: Stored): Promise<void> {
  const get = await user.send(ROUTES.objectGet, { at: id, expect: [200] });
  user.check('GET', {
    'the bytes are the object': sameBytes(get.body, bytes),
    'the tag is the BLAKE3 of what came': get.header('ETag') === `"${contentIdOf(get.body)}"`,
    'it may be cached for good': get.header('Cache-Control').includes('immutable'),
  });
  const head = await user.send(ROUTES.objectHead, { at: id, expect: [200] });
  user.check('HEAD', {
    'there is no body': head.body.length === 0,
    'the length is told': head.header('Content-Length') === String(bytes.length),
    'the tag is the same': head.header('ETag') === tag,
  });
  const cached = await user.send(ROUTES.objectGet, { at: id, headers: { 'If-None-Match': tag }, expect: [304] });
  user.check('If-None-Match', {
    'there is no body': cached.body.length === 0,
    'the tag is the same': cached.header('ETag') === tag,
  });
}

async function readRanges(user: User, { bytes, id }: Stored): Promise<void> {
  const size = bytes.length;
  const parts: [kind: string, range: string, start: number, end: number][] = [
    ['first', 'bytes=0-99', 0, 100],
    ['across chunks', 'bytes=65530-65545', 65_530, 65_546],
    ['open', `bytes=${size - 50}-`, size - 50, size],
    ['suffix', 'bytes=-100', size - 100, size],
  ];
  for (const [kind, range, start, end] of parts) {
    const part = await user.send(ROUTES.objectGet, { at: id, headers: { Range: range }, expect: [206] });
    user.check(`range ${kind}`, {
      'the bytes are the ones asked for': sameBytes(part.body, bytes.subarray(start, end)),
      'their place is told': part.header('Content-Range') === `bytes ${start}-${end - 1}/${size}`,
    });
  }
  const none = await user.send(ROUTES.objectGet, { at: id, headers: { Range: `bytes=${size}-` }, expect: [416] });
  user.check('range beyond the end', { 'the size is told': none.header('Content-Range') === `bytes */${size}` });
}

interface Received {
  readonly messages?: readonly {
    readonly msg_id: string;
    readonly receipt: string;
    readonly attempt: number;
    readonly payload_b64: string;
  }[];
}

async function exchangeMessage(user: User, topic: string, { id }: Stored): Promise<void> {
  // Hex digits are base64 as they stand.
  const payload = id.slice('b3:'.length);
  const body = { topic, idem_key: id, payload_b64: payload };
  const sent = jsonOf(await sendJson(user, ROUTES.mailboxSend, body, { expect: [200] })) as
    { msg_id?: string } | undefined;
  const again = jsonOf(await sendJson(user, ROUTES.mailboxSend, body, { expect: [200] })) as
    { msg_id?: string; duplicate?: boolean } | undefined;
  user.check('mailbox send', {
    'a repeat makes no second message': again?.duplicate === true && again.msg_id === sent?.msg_id,
  });
  const ask = { topic, max_messages: 10, visibility_ms: VISIBILITY_MS, wait_ms: WAIT_MS };
  const answer = await sendJson(user, ROUTES.mailboxRecv, ask, { expect: [200] });
  const received = (jsonOf(answer) as Received | undefined)?.messages ?? [];
  const [message] = received;
  user.check('mailbox receive', {
    'exactly the message sent comes': received.length === 1 && message?.msg_id === sent?.msg_id,
    'its payload is what was sent': message?.payload_b64 === payload,
    'it is the first delivery': message?.attempt === 1,
  });
  const receipts = { receipts: [message?.receipt ?? 'none'] };
  const acked = jsonOf(await sendJson(user, ROUTES.mailboxAck, receipts, { expect: [200] })) as
    { results?: readonly string[] } | undefined;
  user.check('mailbox ack', { 'it is acknowledged': acked?.results?.[0] === 'ok' });
}
