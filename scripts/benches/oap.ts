import { decodeEntry, encodeEntry } from '../../packages/bus/dist/wire/codec.js';
import { CODEC, frame, KIND, type Frame } from '../../packages/bus/dist/wire/frame.js';
import { perOperation, type Bench, type BenchCase } from '../bench-harness.ts';

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

function timed(name: string, frames: number, work: () => unknown): BenchCase {
  return {
    name,
    unit: 'ns/frame',
    work: (count) => {
      for (let i = 0; i < count; i += 1) work();
    },
    measure: (count, elapsedMs) => perOperation(count * frames, elapsedMs),
  };
}

/** One case each way for a frame alone, frames that travel together, and a chunk of an object. */
function bothWays(name: string, frames: readonly Frame[]): readonly BenchCase[] {
  const entry = encodeEntry(frames);
  return [
    timed(`encode ${name}`, frames.length, () => encodeEntry(frames)),
    timed(`decode ${name}`, frames.length, () => decodeEntry(entry)),
  ];
}

export const oap: Bench = {
  summary: 'OAP/1 frames: encode and decode, alone, together, and as a 64 KiB chunk',
  prepare: async () => ({
    cases: [
      ...bothWays('1 request of 256 B', [request(SMALL_BYTES)]),
      ...bothWays(
        '16 requests of 256 B',
        Array.from({ length: FRAMES }, () => request(SMALL_BYTES)),
      ),
      ...bothWays('1 chunk of 64 KiB', [request(CHUNK_BYTES)]),
    ],
    ratios: [
      { name: 'encode: alone over together', of: 'encode 1 request of 256 B', to: 'encode 16 requests of 256 B' },
    ],
  }),
};
