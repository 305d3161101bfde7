import { Packr } from 'msgpackr';
import { FrameError } from '../errors.ts';
import { type Codec, CODEC } from './frame.ts';

/**
 * Plain MessagePack: no shared structures, so that any reader can read it without having met the writer, and no
 * references, so that nothing from the wire is a cycle.
 */
const packr = new Packr({ useRecords: false, mapsAsObjects: true, structuredClone: false });
const EMPTY = new Uint8Array(0);

export interface Payload {
  readonly codec: Codec;
  readonly body: Uint8Array;
}

/** Bytes travel as they are, undefined as no body, everything else as MessagePack. Throws what the packer throws. */
export function encodePayload(value: unknown): Payload {
  if (value === undefined) return { codec: CODEC.NONE, body: EMPTY };
  if (value instanceof Uint8Array) return { codec: CODEC.BYTES, body: value };
  return { codec: CODEC.MSGPACK, body: packr.pack(value) };
}

/** The value of a body, bytes as a view of it; or a FrameError when it is not what its codec says. Never throws. */
export function decodePayload(codec: Codec, body: Uint8Array): unknown {
  switch (codec) {
    case CODEC.NONE:
      return undefined;
    case CODEC.BYTES:
      return body;
    case CODEC.MSGPACK:
      try {
        return packr.unpack(body);
      } catch (cause) {
        return new FrameError('body', `not MessagePack: ${String(cause)}`);
      }
  }
}

/** Metadata as a header carries it; absent when there is none. */
export const encodeMetadata = (metadata: Readonly<Record<string, string>> | undefined): Uint8Array | undefined =>
  metadata === undefined || Object.keys(metadata).length === 0 ? undefined : packr.pack(metadata);

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Metadata of a header; what is not a map of strings is left out. */
export function decodeMetadata(header: Uint8Array | undefined): Readonly<Record<string, string>> {
  if (header === undefined) return NONE;
  const value = decodePayload(CODEC.MSGPACK, header);
  if (typeof value !== 'object' || value === null || value instanceof FrameError) return NONE;
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
