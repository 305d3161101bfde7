import { timingSafeEqual } from 'node:crypto';
import { keyedHash } from '@macronode/content';

/** One delivery of one message: what a receipt stands for. */
export interface Delivery {
  /** Place of the message in the order of acceptance. */
  readonly lsn: number;
  /** 1 on the first delivery. */
  readonly attempt: number;
}

const LSN_BYTES = 6;
const ATTEMPT_BYTES = 2;
const MAC_BYTES = 8;
const BODY_BYTES = LSN_BYTES + ATTEMPT_BYTES;

function mac(key: Uint8Array, body: Uint8Array): Uint8Array {
  return keyedHash(key, body).subarray(0, MAC_BYTES);
}

/** base64url of the place, the attempt and a MAC: valid for that delivery only, and not to be guessed. */
export function writeReceipt(key: Uint8Array, { lsn, attempt }: Delivery): string {
  const bytes = Buffer.alloc(BODY_BYTES + MAC_BYTES);
  bytes.writeUIntBE(lsn, 0, LSN_BYTES);
  bytes.writeUIntBE(attempt, LSN_BYTES, ATTEMPT_BYTES);
  bytes.set(mac(key, bytes.subarray(0, BODY_BYTES)), BODY_BYTES);
  return bytes.toString('base64url');
}

/** The delivery a receipt stands for; undefined when it was not written with this key. */
export function readReceipt(key: Uint8Array, receipt: string): Delivery | undefined {
  const bytes = Buffer.from(receipt, 'base64url');
  // A receipt has one spelling: digits that decode to nothing, or to bits that are dropped, make it another text.
  if (bytes.length !== BODY_BYTES + MAC_BYTES || bytes.toString('base64url') !== receipt) return undefined;
  if (!timingSafeEqual(mac(key, bytes.subarray(0, BODY_BYTES)), bytes.subarray(BODY_BYTES))) return undefined;
  return { lsn: bytes.readUIntBE(0, LSN_BYTES), attempt: bytes.readUIntBE(LSN_BYTES, ATTEMPT_BYTES) };
}
