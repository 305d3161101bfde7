import { hash } from 'node:crypto';
import { blake3 } from '@noble/hashes/blake3.js';

/** `b3:` and the BLAKE3 in lower-case hex: how the log names payloads and entries. */
export const b3 = (bytes: Uint8Array): string => `b3:${Buffer.from(blake3(bytes)).toString('hex')}`;

export const sha256 = (...parts: readonly Uint8Array[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer');

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** RFC 9162, 2.1.1. */
export const leafHash = (leaf: Uint8Array): Buffer => sha256(LEAF, leaf);
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(NODE, left, right);
