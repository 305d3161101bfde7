import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEntry, encodeEntry, frameBytes, frameFault } from './codec.ts';
import { FrameError } from '../errors.ts';
import { CODEC, type Frame, frame, FRAME_LIMITS, KIND, readableTracestate } from './frame.ts';
import { decodeMetadata, decodePayload, encodeMetadata, encodePayload } from './payload.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const address = fc.string({ minLength: 1, maxLength: 60 });
const hex = (length: number) =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length }).map((all) => all.join(''));
const traceparent = fc
  .tuple(hex(32), hex(16), hex(2))
  .map(([trace, parent, flags]) => `00-${trace}-${parent}-${flags}`);

const anyFrame: fc.Arbitrary<Frame> = fc
  .record({
    kind: fc.constantFrom(...Object.values(KIND)),
    codec: fc.constantFrom(...Object.values(CODEC)),
    seq: u32,
    body: fc.uint8Array({ maxLength: 300 }),
    call: maybe(u32),
    replyTo: maybe(address),
    route: maybe(address),
    ttlMs: maybe(u32),
    traceparent: maybe(traceparent),
    tracestate: maybe(fc.string({ maxLength: 100 })),
    principal: maybe(fc.string({ maxLength: 100 })),
    attempt: maybe(fc.integer({ min: 0, max: 255 })),
    metadata: maybe(fc.uint8Array({ maxLength: 100 })),
    credit: maybe(u32),
    corrId: maybe(fc.string({ maxLength: 20 })),
    from: maybe(address),
    accepts: maybe(fc.integer({ min: 0, max: 255 })),
    orderKey: maybe(fc.string({ maxLength: 60 })),
  })
  .map((fields) => frame(fields.kind, fields));
const anyEntry = fc.array(anyFrame, { minLength: 1, maxLength: 20 });

/** Frames with bodies as plain arrays, so that Buffers and Uint8Arrays compare by content. */
const plain = (frames: readonly Frame[]) =>
  frames.map((each) => ({ ...each, body: [...each.body], metadata: each.metadata && [...each.metadata] }));

function decoded(entry: Uint8Array): Frame[] {
  const frames = decodeEntry(entry);
  if (frames instanceof FrameError) throw frames;
  return frames;
}

test('an entry reads back as it was written', () => {
  fc.assert(
    fc.property(anyEntry, (frames) => {
      expect(plain(decoded(encodeEntry(frames)))).toEqual(plain(frames));
    }),
    { numRuns: 300 },
  );
});

test('an entry cut off at any byte is refused with a type', () => {
  fc.assert(
    fc.property(anyEntry, (frames) => {
      const entry = encodeEntry(frames);
      for (let cut = 0; cut < entry.length; cut += 1) {
        expect(decodeEntry(entry.subarray(0, cut)), `cut at ${cut}`).toBeInstanceOf(FrameError);
      }
    }),
    { numRuns: 10 },
  );
});

test('any bytes at all are read or refused, never thrown over', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      decodeEntry(bytes);
      decodeEntry(Uint8Array.of(1, 1, 2, 0, ...bytes));
    }),
    { numRuns: 2_000 },
  );
});

test('hostile lengths are refused before anything is allocated for them', () => {
  const entry = encodeEntry([frame(KIND.REQ, { body: Buffer.from('x'), call: 1 })]);
  const faultOf = (change: (copy: Buffer) => void) => {
    const copy = Buffer.from(entry);
    change(copy);
    const result = decodeEntry(copy);
    return result instanceof FrameError ? result.fault : 'read';
  };
  expect(faultOf((copy) => copy.writeUInt8(9, 0))).toBe('version');
  expect(faultOf((copy) => copy.writeUInt8(0x80, 1))).toBe('version');
  expect(faultOf((copy) => copy.writeUInt16LE(0xffff, 2))).toBe('frames');
  expect(faultOf((copy) => copy.writeUInt16LE(0, 2))).toBe('frames');
  expect(faultOf((copy) => copy.writeUInt32LE(0xffffffff, 4))).toBe('length');
  expect(faultOf((copy) => copy.writeUInt32LE(0, 4))).toBe('length');
  expect(faultOf((copy) => copy.writeUInt8(99, 8))).toBe('kind');
  expect(faultOf((copy) => copy.writeUInt8(99, 9))).toBe('codec');
  expect(faultOf((copy) => copy.writeUInt16LE(0xffff, 14))).toBe('headers');
  expect(faultOf((copy) => copy.writeUInt16LE(0xffff, 17))).toBe('headers');
  expect(decodeEntry(Buffer.concat([entry, Buffer.of(0)]))).toMatchObject({ fault: 'trailing' });
  expect(decodeEntry(Buffer.alloc(FRAME_LIMITS.entryBytes + 1, 1))).toMatchObject({ fault: 'length' });
});

test('an address that is not in the table, or a table that lies about itself, is refused', () => {
  const request = frame(KIND.REQ, { call: 1, replyTo: 'a', route: 'b' });
  const entry = encodeEntry([request]);
  // head 4 | count, (length, text) * 2 = 5 | frame: length 4, head 8, call 7, reply-to 3 + 2, route 3 + 2
  const faultOf = (at: number, value: number): string => {
    const copy = Buffer.from(entry);
    copy[at] = value;
    const result = decodeEntry(copy);
    return result instanceof FrameError ? result.fault : 'read';
  };
  const replyToAt = 9 + 4 + 8 + 7 + 3;
  expect(entry.readUInt16LE(replyToAt)).toBe(0);
  expect(faultOf(replyToAt, 2)).toBe('headers');
  expect(faultOf(replyToAt, 255)).toBe('headers');
  expect(faultOf(4, 255)).not.toBe('read');
  expect(faultOf(4, 1)).not.toBe('read');
  expect(faultOf(5, 255)).toBe('truncated');
  expect(faultOf(2, 2)).toBe('truncated');
  // A frame that overlaps the next: the second begins inside the first.
  const two = encodeEntry([frame(KIND.CREDIT, { call: 1 }), frame(KIND.CREDIT, { call: 2 })]);
  two.writeUInt32LE(two.readUInt32LE(4) + 4, 4);
  expect(decodeEntry(two)).toBeInstanceOf(FrameError);
});

test('text that is not UTF-8 is refused: replaced, it would grow beyond its limit', () => {
  const broken = (frames: readonly Frame[], find: string): unknown => {
    const entry = encodeEntry(frames);
    entry.fill(0xff, entry.indexOf(find), entry.indexOf(find) + find.length);
    return decodeEntry(entry);
  };
  expect(broken([frame(KIND.REQ, { replyTo: 'x'.repeat(255) })], 'x'.repeat(255))).toMatchObject({ fault: 'strings' });
  for (const field of ['principal', 'corrId', 'tracestate'] as const) {
    expect(broken([frame(KIND.REQ, { [field]: 'abc' })], 'abc')).toMatchObject({ fault: 'headers' });
  }
  expect(decoded(encodeEntry([frame(KIND.REQ, { principal: 'a\ufffdb' })]))[0]?.principal).toBe('a\ufffdb');
});

test('a time that is out of range does not fail the frames that share its entry', () => {
  const frames = [
    frame(KIND.REQ, { ttlMs: 1e12 }),
    frame(KIND.REQ, { ttlMs: -5 }),
    frame(KIND.CREDIT, { credit: 1e12 }),
  ];
  expect(decoded(encodeEntry(frames)).map((each) => each.ttlMs ?? each.credit)).toEqual([0xffffffff, 0, 0xffffffff]);
});

test('payloads with hostile lengths, references or cycles allocate nothing for what is not there', () => {
  const array32 = Buffer.from('dd01ffffff', 'hex');
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 100; i += 1) {
    expect(decodePayload(CODEC.MSGPACK, Buffer.concat(Array.from({ length: 50 }, () => array32)))).toBeInstanceOf(
      FrameError,
    );
    expect(decodePayload(CODEC.MSGPACK, Buffer.from('df01ffffff', 'hex'))).toBeInstanceOf(FrameError);
    expect(decodePayload(CODEC.MSGPACK, Buffer.from('c6ffffffff', 'hex'))).toBeInstanceOf(FrameError);
  }
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  // An array that holds a reference to itself.
  expect(decodePayload(CODEC.MSGPACK, Buffer.from('d6690000000191d67000000001', 'hex'))).toBeInstanceOf(FrameError);
});

test('headers of an id the reader does not know are skipped', () => {
  const entry = encodeEntry([frame(KIND.CREDIT, { call: 7, credit: 5 })]);
  const creditAt = 4 + 4 + 8 + 7;
  expect(entry[creditAt]).toBe(12);
  entry[creditAt] = 200;
  expect(decoded(entry)).toMatchObject([{ call: 7, credit: undefined }]);
});

test('an address is written once for all frames of an entry', () => {
  const replyTo = 'gateway.0f8fad5b-d9cb-469f-a165-70867728950e';
  const request = frame(KIND.REQ, { call: 1, replyTo, route: 'storage.object.read' });
  const one = encodeEntry([request]).length;
  const many = encodeEntry(Array.from({ length: 64 }, () => request)).length;
  expect(many).toBeLessThan(one + 64 * 40);
  expect(one).toBeLessThanOrEqual(frameBytes(request) + 8);
});

test('frames over a limit are named before they are written', () => {
  const whole = FRAME_LIMITS.frameBytes - 8;
  expect(frameFault(frame(KIND.REP, { body: new Uint8Array(whole) }))).toBeUndefined();
  expect(frameFault(frame(KIND.REP, { body: new Uint8Array(whole + 1) }))?.fault).toBe('length');
  expect(frameFault(frame(KIND.REQ, { principal: 'p'.repeat(513) }))?.fault).toBe('headers');
  expect(frameFault(frame(KIND.REQ, { corrId: 'c'.repeat(65) }))?.fault).toBe('headers');
  expect(frameFault(frame(KIND.REQ, { metadata: new Uint8Array(2049) }))?.fault).toBe('headers');
  expect(frameFault(frame(KIND.REQ, { route: 'r'.repeat(256) }))?.fault).toBe('strings');
});

test('payloads: bytes as they are, undefined as nothing, values by MessagePack', () => {
  const cases: unknown[] = [
    null,
    true,
    0,
    -1,
    1.5,
    2 ** 40,
    '',
    'ü',
    [],
    {},
    { a: [1, { b: null }] },
    { bytes: Buffer.from('xyz') },
  ];
  for (const value of cases) {
    const { codec, body } = encodePayload(value);
    expect(codec).toBe(CODEC.MSGPACK);
    expect(decodePayload(codec, body)).toEqual(value);
  }
  expect(encodePayload(undefined).codec).toBe(CODEC.NONE);
  const bytes = new Uint8Array(512 * 1024).fill(7);
  expect(encodePayload(bytes)).toEqual({ codec: CODEC.BYTES, body: bytes });
  expect(decodePayload(CODEC.MSGPACK, Buffer.of(0xd9, 9))).toBeInstanceOf(FrameError);
  expect(decodePayload(CODEC.MSGPACK, Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff))).toBeInstanceOf(FrameError);
  expect(decodePayload(CODEC.MSGPACK, new Uint8Array(50_000).fill(0x91))).toBeInstanceOf(FrameError);
});

test('metadata keeps strings only', () => {
  expect(decodeMetadata(encodeMetadata({ tenant: 'a' }))).toEqual({ tenant: 'a' });
  expect(encodeMetadata({})).toBeUndefined();
  expect(decodeMetadata(Buffer.of(0xd9, 9))).toEqual({});
  expect(decodeMetadata(Buffer.from(encodePayload({ a: 1, b: 'x' }).body))).toEqual({ b: 'x' });
});

test('a tracestate travels with its trace only, and only within its limit', () => {
  const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(readableTracestate('a=1', parent)).toBe('a=1');
  expect(readableTracestate('a=1', undefined)).toBeUndefined();
  expect(readableTracestate('a=1', 'garbage')).toBeUndefined();
  expect(readableTracestate('é'.repeat(256), parent)).toHaveLength(256);
  expect(readableTracestate('é'.repeat(257), parent)).toBeUndefined();
  expect(frameFault(frame(KIND.EVT, { tracestate: 'x'.repeat(513) }))).toBeInstanceOf(FrameError);
});
