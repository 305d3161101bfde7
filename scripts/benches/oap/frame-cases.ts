import { decodeEntry, encodeEntry } from '../../../packages/bus/dist/wire/codec.js';
import { CODEC, frame, KIND, type Frame } from '../../../packages/bus/dist/wire/frame.js';
import { decodePayload, encodePayload } from '../../../packages/bus/dist/wire/payload.js';
import { makePayload } from '../bus/payloads.ts';

const SMALL_BYTES = 256;
const CHUNK_BYTES = 64 * 1024;
const FRAMES = 16;

const request = (body: number): Frame =>
  frame(KIND.REQ, {
    codec: CODEC.MSGPACK,
    body: new Uint8Array(body),
    call: 7,
    replyTo: 'gateway:01HZXW7Q3N6V8K4T2B9M5R1C0D',
    route: 'storage.object.read',
    ttlMs: 5_000,
    corrId: '01HZXW7Q3N6V8K4T2B9M5R1C0E',
  });

/** Work on one entry, which holds `frames` frames. */
export interface FrameCase {
  readonly name: string;
  readonly frames: number;
  readonly work: () => unknown;
}

/** One case each way for a frame alone, frames that travel together, and a chunk of an object. */
function bothWays(name: string, frames: readonly Frame[]): readonly FrameCase[] {
  const entry = encodeEntry(frames);
  return [
    { name: `encode ${name}`, frames: frames.length, work: () => encodeEntry(frames) },
    { name: `decode ${name}`, frames: frames.length, work: () => decodeEntry(entry) },
  ];
}

const text = makePayload('256');
const packed = encodePayload(text);

export const FRAME_CASES: readonly FrameCase[] = [
  ...bothWays('1 request of 256 B', [request(SMALL_BYTES)]),
  ...bothWays(
    '16 requests of 256 B',
    Array.from({ length: FRAMES }, () => request(SMALL_BYTES)),
  ),
  ...bothWays('1 chunk of 64 KiB', [request(CHUNK_BYTES)]),
  { name: 'pack 256 B of text', frames: 1, work: () => encodePayload(text) },
  { name: 'unpack 256 B of text', frames: 1, work: () => decodePayload(packed.codec, packed.body) },
];
