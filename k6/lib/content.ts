import { randomBytes } from 'k6/crypto';
import { blake3 } from '@noble/hashes/blake3.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** `b3:` and the BLAKE3 of the bytes, computed here and not by the node. */
export const contentIdOf = (bytes: Uint8Array): string => `b3:${bytesToHex(blake3(bytes))}`;

/** Bytes nobody has stored before. */
export const freshBytes = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(size));

export function randomUuid(): string {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytesToHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** ASCII bytes as text. */
const textOfBytes = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

export const bodyOf = (response: { body: ArrayBuffer | null }): Uint8Array =>
  response.body === null ? new Uint8Array(0) : new Uint8Array(response.body);

export const jsonOf = (response: { body: ArrayBuffer | null }): unknown => {
  try {
    return JSON.parse(textOfBytes(bodyOf(response)));
  } catch {
    return undefined;
  }
};
