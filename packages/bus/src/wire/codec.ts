import { isUtf8 } from 'node:buffer';
import { FrameError } from '../errors.ts';
import {
  bareFrame,
  type Codec,
  CODEC_MAX,
  type Draft,
  type Frame,
  FRAME_LIMITS,
  HEADER,
  type Kind,
  KIND_MAX,
} from './frame.ts';

/*
 * OAP/1, little-endian:
 *   entry = version u8 | flags u8 | frames u16 | [strings] | frame*
 *   strings (flag 1) = count u8 | (length u8 | UTF-8)*        inboxes and subjects, once per entry
 *   frame = length u32 | kind u8 | codec u8 | seq u32 | headers length u16 | headers | body
 *   header = id u8 | length u16 | value                       a string is its index in the table, u16
 */
const VERSION = 1;
const FLAG_STRINGS = 1;
const ENTRY_HEAD = 4;
/** After the length field: kind, codec, seq, headers length. */
const FRAME_HEAD = 8;
const LENGTH_FIELD = 4;
const SLOT_HEAD = 3;
const TRACE_BYTES = 25;
const MAX_U32 = 0xffffffff;

/** Bytes the frame takes in an entry of its own, for the gates. Strings count once. */
export function frameBytes(frame: Frame): number {
  return ENTRY_HEAD + LENGTH_FIELD + FRAME_HEAD + headerBytes(frame) + frame.body.length + stringBytes(frame);
}

function stringBytes(frame: Frame): number {
  return 4 + (frame.replyTo?.length ?? 0) + (frame.route?.length ?? 0) + (frame.from?.length ?? 0);
}

function headerBytes(frame: Frame): number {
  let bytes = 0;
  if (frame.call !== undefined) bytes += SLOT_HEAD + 4;
  if (frame.replyTo !== undefined) bytes += SLOT_HEAD + 2;
  if (frame.route !== undefined) bytes += SLOT_HEAD + 2;
  if (frame.ttlMs !== undefined) bytes += SLOT_HEAD + 4;
  if (frame.traceparent !== undefined) bytes += SLOT_HEAD + TRACE_BYTES;
  if (frame.tracestate !== undefined) bytes += SLOT_HEAD + Buffer.byteLength(frame.tracestate);
  if (frame.principal !== undefined) bytes += SLOT_HEAD + Buffer.byteLength(frame.principal);
  if (frame.attempt !== undefined) bytes += SLOT_HEAD + 1;
  if (frame.metadata !== undefined) bytes += SLOT_HEAD + frame.metadata.length;
  if (frame.credit !== undefined) bytes += SLOT_HEAD + 4;
  if (frame.corrId !== undefined) bytes += SLOT_HEAD + Buffer.byteLength(frame.corrId);
  if (frame.from !== undefined) bytes += SLOT_HEAD + 2;
  if (frame.accepts !== undefined) bytes += SLOT_HEAD + 1;
  if (frame.orderKey !== undefined) bytes += SLOT_HEAD + Buffer.byteLength(frame.orderKey);
  return bytes;
}

/** Which limit of the format a frame breaks, if any. To be asked before a frame is handed to a writer. */
export function frameFault(frame: Frame): FrameError | undefined {
  const headers = headerBytes(frame);
  if (FRAME_HEAD + headers + frame.body.length > FRAME_LIMITS.frameBytes)
    return new FrameError('length', `a frame is at most ${FRAME_LIMITS.frameBytes} bytes`);
  if (headers > FRAME_LIMITS.headerBytes)
    return new FrameError('headers', `headers are at most ${FRAME_LIMITS.headerBytes} bytes`);
  if (frame.tracestate !== undefined && Buffer.byteLength(frame.tracestate) > FRAME_LIMITS.traceStateBytes)
    return new FrameError('headers', `a tracestate is at most ${FRAME_LIMITS.traceStateBytes} bytes`);
  if (frame.principal !== undefined && Buffer.byteLength(frame.principal) > FRAME_LIMITS.principalBytes)
    return new FrameError('headers', `a principal is at most ${FRAME_LIMITS.principalBytes} bytes`);
  if (frame.corrId !== undefined && Buffer.byteLength(frame.corrId) > FRAME_LIMITS.corrIdBytes)
    return new FrameError('headers', `a correlation id is at most ${FRAME_LIMITS.corrIdBytes} bytes`);
  if (frame.orderKey !== undefined && Buffer.byteLength(frame.orderKey) > FRAME_LIMITS.orderKeyBytes)
    return new FrameError('headers', `an order key is at most ${FRAME_LIMITS.orderKeyBytes} bytes`);
  if (frame.metadata !== undefined && frame.metadata.length > FRAME_LIMITS.metadataBytes)
    return new FrameError('headers', `metadata is at most ${FRAME_LIMITS.metadataBytes} bytes`);
  for (const text of [frame.replyTo, frame.route, frame.from]) {
    if (text !== undefined && Buffer.byteLength(text) > FRAME_LIMITS.stringBytes)
      return new FrameError('strings', `an address is at most ${FRAME_LIMITS.stringBytes} bytes`);
  }
  return undefined;
}

class StringTable {
  readonly #index = new Map<string, number>();
  readonly texts: Buffer[] = [];
  bytes = 0;

  add(text: string | undefined): void {
    if (text === undefined || this.#index.has(text)) return;
    const encoded = Buffer.from(text);
    this.#index.set(text, this.texts.length);
    this.texts.push(encoded);
    this.bytes += 1 + encoded.length;
  }

  indexOf(text: string): number {
    return this.#index.get(text) ?? 0;
  }
}

/** Writes frames that were checked by `frameFault` into one entry. The entry shares no memory with the frames. */
export function encodeEntry(frames: readonly Frame[]): Buffer {
  const table = new StringTable();
  const headers: number[] = [];
  let total = ENTRY_HEAD;
  for (const each of frames) {
    table.add(each.replyTo);
    table.add(each.route);
    table.add(each.from);
    const bytes = headerBytes(each);
    headers.push(bytes);
    total += LENGTH_FIELD + FRAME_HEAD + bytes + each.body.length;
  }
  if (frames.length > FRAME_LIMITS.entryFrames || table.texts.length > FRAME_LIMITS.strings)
    throw new FrameError('frames', 'too many frames or addresses for one entry');
  if (table.texts.length > 0) total += 1 + table.bytes;
  const out = Buffer.allocUnsafe(total);
  let at = writeEntryHead(out, frames.length, table);
  frames.forEach((each, i) => {
    at = writeFrame(out, at, each, headers[i] ?? 0, table);
  });
  return out;
}

function writeEntryHead(out: Buffer, frames: number, table: StringTable): number {
  out[0] = VERSION;
  out[1] = table.texts.length > 0 ? FLAG_STRINGS : 0;
  let at = out.writeUInt16LE(frames, 2);
  if (table.texts.length === 0) return at;
  at = out.writeUInt8(table.texts.length, at);
  for (const text of table.texts) {
    at = out.writeUInt8(text.length, at);
    at += text.copy(out, at);
  }
  return at;
}

function writeFrame(out: Buffer, start: number, frame: Frame, headers: number, table: StringTable): number {
  let at = out.writeUInt32LE(FRAME_HEAD + headers + frame.body.length, start);
  at = out.writeUInt8(frame.kind, at);
  at = out.writeUInt8(frame.codec, at);
  at = out.writeUInt32LE(frame.seq, at);
  at = out.writeUInt16LE(headers, at);
  at = writeHeaders(out, at, frame, table);
  out.set(frame.body, at);
  return at + frame.body.length;
}

function writeHeaders(out: Buffer, start: number, frame: Frame, table: StringTable): number {
  let at = start;
  if (frame.call !== undefined) at = out.writeUInt32LE(frame.call, slot(out, at, HEADER.CALL, 4));
  if (frame.replyTo !== undefined)
    at = out.writeUInt16LE(table.indexOf(frame.replyTo), slot(out, at, HEADER.REPLY_TO, 2));
  if (frame.route !== undefined) at = out.writeUInt16LE(table.indexOf(frame.route), slot(out, at, HEADER.ROUTE, 2));
  if (frame.ttlMs !== undefined) at = out.writeUInt32LE(u32(frame.ttlMs), slot(out, at, HEADER.TTL, 4));
  if (frame.traceparent !== undefined) at = writeTrace(out, at, frame.traceparent);
  if (frame.tracestate !== undefined) at = writeText(out, at, HEADER.TRACE_STATE, frame.tracestate);
  if (frame.principal !== undefined) at = writeText(out, at, HEADER.PRINCIPAL, frame.principal);
  if (frame.attempt !== undefined) at = out.writeUInt8(Math.min(frame.attempt, 255), slot(out, at, HEADER.ATTEMPT, 1));
  if (frame.metadata !== undefined) {
    at = slot(out, at, HEADER.METADATA, frame.metadata.length);
    out.set(frame.metadata, at);
    at += frame.metadata.length;
  }
  if (frame.credit !== undefined) at = out.writeUInt32LE(u32(frame.credit), slot(out, at, HEADER.CREDIT, 4));
  if (frame.corrId !== undefined) at = writeText(out, at, HEADER.CORR_ID, frame.corrId);
  if (frame.from !== undefined) at = out.writeUInt16LE(table.indexOf(frame.from), slot(out, at, HEADER.FROM, 2));
  if (frame.accepts !== undefined) at = out.writeUInt8(frame.accepts, slot(out, at, HEADER.ACCEPTS, 1));
  if (frame.orderKey !== undefined) at = writeText(out, at, HEADER.ORDER_KEY, frame.orderKey);
  return at;
}

/** A time or a credit that is out of range says the most it can: one such frame must not fail those that share its entry. */
const u32 = (value: number): number => Math.min(MAX_U32, Math.max(0, Math.ceil(value)));

function slot(out: Buffer, at: number, id: number, length: number): number {
  out[at] = id;
  return out.writeUInt16LE(length, at + 1);
}

function writeText(out: Buffer, at: number, id: number, text: string): number {
  const written = out.write(text, at + SLOT_HEAD);
  return slot(out, at, id, written) + written;
}

function writeTrace(out: Buffer, at: number, traceparent: string): number {
  const start = slot(out, at, HEADER.TRACE, TRACE_BYTES);
  out.write(traceparent.slice(3, 35), start, 'hex');
  out.write(traceparent.slice(36, 52), start + 16, 'hex');
  out.write(traceparent.slice(53, 55), start + 24, 'hex');
  return start + TRACE_BYTES;
}

/** Frames of an entry, their bodies views of it; or what is wrong with it. Never throws. */
export function decodeEntry(entry: Uint8Array): Frame[] | FrameError {
  const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength);
  if (bytes.length < ENTRY_HEAD) return new FrameError('truncated', 'shorter than an entry head');
  if (bytes.length > FRAME_LIMITS.entryBytes) return new FrameError('length', 'over the limit of an entry');
  if (bytes[0] !== VERSION) return new FrameError('version', `version ${bytes[0]} is not known`);
  const flags = bytes[1] ?? 0;
  if ((flags & ~FLAG_STRINGS) !== 0) return new FrameError('version', `flags ${flags} are not known`);
  const count = bytes.readUInt16LE(2);
  if (count === 0 || count > FRAME_LIMITS.entryFrames) return new FrameError('frames', `${count} frames in one entry`);
  const strings: string[] = [];
  let at: number | FrameError = ENTRY_HEAD;
  if ((flags & FLAG_STRINGS) !== 0) at = readStrings(bytes, strings);
  if (at instanceof FrameError) return at;
  return readFrames(bytes, at, count, strings);
}

function readStrings(bytes: Buffer, strings: string[]): number | FrameError {
  if (bytes.length <= ENTRY_HEAD) return new FrameError('truncated', 'ends before the string table');
  const count = bytes.readUInt8(ENTRY_HEAD);
  let at = ENTRY_HEAD + 1;
  for (let i = 0; i < count; i += 1) {
    if (at >= bytes.length) return new FrameError('truncated', 'ends inside the string table');
    const length = bytes.readUInt8(at);
    at += 1;
    if (at + length > bytes.length) return new FrameError('truncated', 'ends inside a string');
    const text = readText(bytes, at, length);
    if (text === undefined) return new FrameError('strings', 'an address is not UTF-8');
    strings.push(text);
    at += length;
  }
  return at;
}

/**
 * Text as it was written, or undefined when it is not UTF-8: what a reader replaces would grow beyond its limit when it
 * is written again. Only a text with a replacement character needs the second look.
 */
function readText(bytes: Buffer, at: number, length: number): string | undefined {
  const text = bytes.toString('utf8', at, at + length);
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(at, at + length)) ? undefined : text;
}

function readFrames(bytes: Buffer, start: number, count: number, strings: readonly string[]): Frame[] | FrameError {
  const frames: Frame[] = [];
  let at = start;
  let bodies = 0;
  for (let i = 0; i < count; i += 1) {
    if (at + LENGTH_FIELD > bytes.length) return new FrameError('truncated', 'ends before a frame');
    const length = bytes.readUInt32LE(at);
    if (length > FRAME_LIMITS.frameBytes) return new FrameError('length', `a frame of ${length} bytes`);
    if (length < FRAME_HEAD) return new FrameError('length', 'a frame shorter than its head');
    at += LENGTH_FIELD;
    if (at + length > bytes.length) return new FrameError('truncated', 'ends inside a frame');
    const frame = readFrame(bytes, at, at + length, strings);
    if (frame instanceof FrameError) return frame;
    bodies += frame.body.length;
    if (bodies > FRAME_LIMITS.entryBodyBytes) return new FrameError('length', 'bodies over the limit of an entry');
    frames.push(frame);
    at += length;
  }
  if (at !== bytes.length) return new FrameError('trailing', `${bytes.length - at} bytes behind the last frame`);
  return frames;
}

function readFrame(bytes: Buffer, start: number, end: number, strings: readonly string[]): Frame | FrameError {
  const kind = bytes.readUInt8(start);
  const codec = bytes.readUInt8(start + 1);
  if (kind < 1 || kind > KIND_MAX) return new FrameError('kind', `kind ${kind} is not known`);
  if (codec > CODEC_MAX) return new FrameError('codec', `codec ${codec} is not known`);
  const headers = bytes.readUInt16LE(start + 6);
  const bodyAt = start + FRAME_HEAD + headers;
  if (headers > FRAME_LIMITS.headerBytes) return new FrameError('headers', `${headers} bytes of headers`);
  if (bodyAt > end) return new FrameError('headers', 'headers reach beyond their frame');
  // Kind and codec were compared with the last id of their closed lists.
  const draft = bareFrame(kind as Kind, codec as Codec, bytes.readUInt32LE(start + 2), bytes.subarray(bodyAt, end));
  return readHeaders(bytes, start + FRAME_HEAD, bodyAt, draft, strings) ?? draft;
}

function readHeaders(
  bytes: Buffer,
  start: number,
  end: number,
  draft: Draft,
  strings: readonly string[],
): FrameError | undefined {
  let at = start;
  while (at < end) {
    if (at + SLOT_HEAD > end) return new FrameError('headers', 'a header without its head');
    const id = bytes.readUInt8(at);
    const length = bytes.readUInt16LE(at + 1);
    at += SLOT_HEAD;
    if (at + length > end) return new FrameError('headers', 'a header reaches beyond its frame');
    if (!readHeader(bytes, id, at, length, draft, strings))
      return new FrameError('headers', `header ${id} is not of its form`);
    at += length;
  }
  return undefined;
}

/** False when the value is not of the slot's form. Unknown ids are skipped. */
function readHeader(
  bytes: Buffer,
  id: number,
  at: number,
  length: number,
  draft: Draft,
  strings: readonly string[],
): boolean {
  switch (id) {
    case HEADER.CALL:
      if (length === 4) draft.call = bytes.readUInt32LE(at);
      return length === 4;
    case HEADER.TTL:
      if (length === 4) draft.ttlMs = bytes.readUInt32LE(at);
      return length === 4;
    case HEADER.CREDIT:
      if (length === 4) draft.credit = bytes.readUInt32LE(at);
      return length === 4;
    case HEADER.ATTEMPT:
      if (length === 1) draft.attempt = bytes.readUInt8(at);
      return length === 1;
    case HEADER.ACCEPTS:
      if (length === 1) draft.accepts = bytes.readUInt8(at);
      return length === 1;
    case HEADER.REPLY_TO:
      draft.replyTo = length === 2 ? strings[bytes.readUInt16LE(at)] : undefined;
      return draft.replyTo !== undefined;
    case HEADER.ROUTE:
      draft.route = length === 2 ? strings[bytes.readUInt16LE(at)] : undefined;
      return draft.route !== undefined;
    case HEADER.FROM:
      draft.from = length === 2 ? strings[bytes.readUInt16LE(at)] : undefined;
      return draft.from !== undefined;
    case HEADER.TRACE:
      if (length === TRACE_BYTES) draft.traceparent = readTrace(bytes, at);
      return length === TRACE_BYTES;
    case HEADER.TRACE_STATE:
      draft.tracestate = length <= FRAME_LIMITS.traceStateBytes ? readText(bytes, at, length) : undefined;
      return draft.tracestate !== undefined;
    case HEADER.PRINCIPAL:
      draft.principal = length <= FRAME_LIMITS.principalBytes ? readText(bytes, at, length) : undefined;
      return draft.principal !== undefined;
    case HEADER.CORR_ID:
      draft.corrId = length <= FRAME_LIMITS.corrIdBytes ? readText(bytes, at, length) : undefined;
      return draft.corrId !== undefined;
    case HEADER.ORDER_KEY:
      draft.orderKey = length <= FRAME_LIMITS.orderKeyBytes ? readText(bytes, at, length) : undefined;
      return draft.orderKey !== undefined;
    case HEADER.METADATA:
      draft.metadata = bytes.subarray(at, at + length);
      return length <= FRAME_LIMITS.metadataBytes;
    default:
      return true;
  }
}

function readTrace(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + TRACE_BYTES);
  return `00-${hex.slice(0, 32)}-${hex.slice(32, 48)}-${hex.slice(48)}`;
}
