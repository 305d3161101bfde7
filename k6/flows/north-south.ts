import encoding from 'k6/encoding';
import { ROUTES } from '../../packages/contracts/src/routes.ts';
import { bodyOf, contentIdOf, freshBytes, jsonOf, randomUuid, sameBytes } from '../lib/content.ts';
import { Gateway, expectAll, headerOf } from '../lib/gateway.ts';

/** Two chunks and a bit, so that ranges cross a chunk border. */
const OBJECT_BYTES = 2 * 64 * 1024 + 100;
const VISIBILITY_MS = 30_000;
const WAIT_MS = 2_000;

interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly id: string;
  readonly tag: string;
}

/** The whole path once: store, name, resolve, read in every way, then a message out and back. */
export function northSouth(gateway: Gateway): void {
  const stored = store(gateway);
  const name = `smoke-${randomUuid()}.example`;
  publish(gateway, name, stored);
  readByName(gateway, name, stored);
  readById(gateway, stored);
  readRanges(gateway, stored);
  exchangeMessage(gateway, name, stored);
}

function store(gateway: Gateway): Stored {
  const bytes = freshBytes(OBJECT_BYTES);
  const id = contentIdOf(bytes);
  const tag = `"${id}"`;
  const headers = { 'Content-Type': 'application/octet-stream' };
  const put = gateway.send(ROUTES.objectPut, { at: id, body: bytes.buffer, headers, expect: [201] });
  expectAll('PUT', { 'the tag is the BLAKE3 of the body': headerOf(put, 'ETag') === tag });
  gateway.send(ROUTES.objectPut, { at: id, body: bytes.buffer, headers, expect: [200] });
  return { bytes, id, tag };
}

function publish(gateway: Gateway, name: string, { id }: Stored): void {
  gateway.json(ROUTES.namePut, { target: id }, { at: name, expect: [201] });
  const record = jsonOf(gateway.send(ROUTES.nameGet, { at: name, expect: [200] })) as
    { record?: { target?: string; name?: string } } | undefined;
  expectAll('resolve', {
    'the record points to the object': record?.record?.target === id && record.record.name === name,
  });
}

function readByName(gateway: Gateway, name: string, { bytes, id, tag }: Stored): void {
  const get = gateway.send(ROUTES.nameRead, { at: name, expect: [200] });
  expectAll('GET by name', {
    'the bytes are the object': sameBytes(bodyOf(get), bytes),
    'the tag is the BLAKE3 of the body': headerOf(get, 'ETag') === tag,
    'the location of the content is its id': headerOf(get, 'Content-Location') === `/o/${id}`,
  });
  const head = gateway.send(ROUTES.nameHead, { at: name, expect: [200] });
  expectAll('HEAD by name', { 'the tag is the same': headerOf(head, 'ETag') === tag });
}

function readById(gateway: Gateway, { bytes, id, tag }: Stored): void {
  const get = gateway.send(ROUTES.objectGet, { at: id, expect: [200] });
  const body = bodyOf(get);
  expectAll('GET', {
    'the bytes are the object': sameBytes(body, bytes),
    'the tag is the BLAKE3 of what came': headerOf(get, 'ETag') === `"${contentIdOf(body)}"`,
    'it may be cached for good': headerOf(get, 'Cache-Control').includes('immutable'),
  });
  const head = gateway.send(ROUTES.objectHead, { at: id, expect: [200] });
  expectAll('HEAD', {
    'there is no body': bodyOf(head).length === 0,
    'the length is told': headerOf(head, 'Content-Length') === String(OBJECT_BYTES),
    'the tag is the same': headerOf(head, 'ETag') === tag,
  });
  const cached = gateway.send(ROUTES.objectGet, { at: id, headers: { 'If-None-Match': tag }, expect: [304] });
  expectAll('If-None-Match', {
    'there is no body': bodyOf(cached).length === 0,
    'the tag is the same': headerOf(cached, 'ETag') === tag,
  });
}

function readRanges(gateway: Gateway, { bytes, id }: Stored): void {
  const size = OBJECT_BYTES;
  const parts: [kind: string, range: string, start: number, end: number][] = [
    ['first', 'bytes=0-99', 0, 100],
    ['across chunks', 'bytes=65530-65545', 65_530, 65_546],
    ['open', `bytes=${size - 50}-`, size - 50, size],
    ['suffix', 'bytes=-100', size - 100, size],
  ];
  for (const [kind, range, start, end] of parts) {
    const part = gateway.send(ROUTES.objectGet, { at: id, headers: { Range: range }, expect: [206] });
    expectAll(`range ${kind}`, {
      'the bytes are the ones asked for': sameBytes(bodyOf(part), bytes.subarray(start, end)),
      'their place is told': headerOf(part, 'Content-Range') === `bytes ${start}-${end - 1}/${size}`,
    });
  }
  const none = gateway.send(ROUTES.objectGet, { at: id, headers: { Range: `bytes=${size}-` }, expect: [416] });
  expectAll('range beyond the end', { 'the size is told': headerOf(none, 'Content-Range') === `bytes */${size}` });
}

interface Received {
  readonly messages?: readonly {
    msg_id: string;
    receipt: string;
    attempt: number;
    payload_b64: string;
    payload_hash: string;
  }[];
}

function exchangeMessage(gateway: Gateway, topic: string, { id }: Stored): void {
  const payload = encoding.b64encode(id);
  const body = { topic, idem_key: id, payload_b64: payload };
  const sent = jsonOf(gateway.json(ROUTES.mailboxSend, body, { expect: [200] })) as { msg_id?: string } | undefined;
  const again = jsonOf(gateway.json(ROUTES.mailboxSend, body, { expect: [200] })) as typeof sent & {
    duplicate?: boolean;
  };
  expectAll('mailbox send', {
    'a repeat makes no second message': again.duplicate === true && again.msg_id === sent?.msg_id,
  });
  const ask = { topic, max_messages: 10, visibility_ms: VISIBILITY_MS, wait_ms: WAIT_MS };
  const received =
    (jsonOf(gateway.json(ROUTES.mailboxRecv, ask, { expect: [200] })) as Received | undefined)?.messages ?? [];
  const [message] = received;
  expectAll('mailbox receive', {
    'exactly the message sent comes': received.length === 1 && message?.msg_id === sent?.msg_id,
    'its payload is what was sent': message?.payload_b64 === payload,
    'it is the first delivery': message?.attempt === 1,
  });
  const receipts = { receipts: [message?.receipt ?? 'none'] };
  const acked = jsonOf(gateway.json(ROUTES.mailboxAck, receipts, { expect: [200] })) as
    { results?: readonly string[] } | undefined;
  expectAll('mailbox ack', { 'it is acknowledged': acked?.results?.[0] === 'ok' });
}
