import { decodeEntry, encodeEntry, frameFault } from './codec.ts';
import { FrameError } from '../errors.ts';
import { ACCEPTS, CODEC, type Frame, FRAME_LIMITS, frame, KIND } from './frame.ts';
import { decodeMetadata, decodePayload, encodeMetadata, encodePayload } from './payload.ts';

const CALLER = 'gateway.0f8fad5b';
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** Every shape of frame the bus writes, each as the frames of one entry. */
export const SAMPLES: Readonly<Record<string, readonly Frame[]>> = Object.freeze({
  'plain request': [
    frame(KIND.REQ, {
      ...encodePayload({ id: 7 }),
      call: 1,
      replyTo: CALLER,
      route: 'b.echo',
      ttlMs: 5_000,
      corrId: '01J',
    }),
  ],
  'full request': [
    frame(KIND.REQ, {
      ...encodePayload('ü'),
      call: 0xffffffff,
      replyTo: CALLER,
      route: 'storage.object.read',
      ttlMs: 80,
      traceparent: TRACE,
      tracestate: 'vendor=1',
      principal: 'alice',
      metadata: encodeMetadata({ tenant: 'x' }),
      corrId: '01JAAAAAAAAAAAAAAAAAAAAAAA',
      credit: 65_536,
      accepts: ACCEPTS.BYTES,
    }),
  ],
  reply: [frame(KIND.REP, { ...encodePayload(Buffer.from('bytes')), call: 2 })],
  'head of a stream': [frame(KIND.REP, { call: 3, from: 'storage.1' })],
  error: [frame(KIND.ERR, { ...encodePayload({ code: 'busy', message: 'm', retryable: true }), call: 4 })],
  event: [frame(KIND.EVT, { ...encodePayload([1, null]), route: 'orders.placed', corrId: 'c', attempt: 2 })],
  data: [frame(KIND.DATA, { call: 5, replyTo: CALLER, seq: 9, codec: CODEC.BYTES, body: Buffer.alloc(20, 7) })],
  notices: [
    frame(KIND.END, { call: 5, replyTo: CALLER, seq: 10 }),
    frame(KIND.CREDIT, { call: 6, credit: 32_768 }),
    frame(KIND.CANCEL, { call: 7, replyTo: CALLER }),
  ],
});

/** Frames with bodies as plain arrays, so that Buffers and Uint8Arrays compare by content. */
export const plain = (frames: readonly Frame[]): unknown[] =>
  frames.map((each) => ({ ...each, body: [...each.body], metadata: each.metadata && [...each.metadata] }));

const within = (view: Uint8Array, entry: Uint8Array): boolean =>
  view.length === 0 ||
  (view.buffer === entry.buffer &&
    view.byteOffset >= entry.byteOffset &&
    view.byteOffset + view.length <= entry.byteOffset + entry.length);

/**
 * What must hold of any bytes at all: they are read or refused and nothing is thrown; what was read keeps every limit,
 * holds no memory but views of the entry, and reads back the same when it is written again. Answers what is broken, or
 * undefined; `read` tells which of the two it was.
 */
export function verdict(entry: Uint8Array): { readonly read: boolean; readonly broken: string | undefined } {
  const frames = decodeEntry(entry);
  if (frames instanceof FrameError) return { read: false, broken: undefined };
  const broken = (what: string): { read: boolean; broken: string } => ({ read: true, broken: what });
  if (frames.length === 0 || frames.length > FRAME_LIMITS.entryFrames) return broken(`${frames.length} frames`);
  for (const each of frames) {
    const fault = frameFault(each);
    if (fault !== undefined) return broken(fault.message);
    if (!within(each.body, entry)) return broken('a body outside of its entry');
    if (each.metadata !== undefined && !within(each.metadata, entry)) return broken('metadata outside of its entry');
    decodePayload(each.codec, each.body);
    decodeMetadata(each.metadata);
  }
  const written = encodeEntry(frames);
  if (written.length > entry.length) return broken('longer when written again');
  const again = decodeEntry(written);
  if (again instanceof FrameError) return broken(`not readable again: ${again.message}`);
  return encodeEntry(again).equals(written) ? { read: true, broken: undefined } : broken('not the same again');
}
