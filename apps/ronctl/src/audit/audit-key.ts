import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

const GENESIS_TAG = 'macronode-audit-genesis-v1';
const KEY_ID_TAG = 'macronode-audit-key-id-v1';
const KEY_ID_DIGITS = 16;

/** A key a log may be sealed with. */
export class AuditKey {
  /** What the markers call it, unless the node gave it a name. */
  readonly id: string;
  /** What the first record of a chain follows. */
  readonly genesis: string;
  readonly #secret: KeyObject;

  constructor(key: Uint8Array) {
    this.#secret = createSecretKey(key);
    this.id = this.#hmac(Buffer.from(KEY_ID_TAG)).toString('hex').slice(0, KEY_ID_DIGITS);
    this.genesis = this.#hmac(Buffer.from(GENESIS_TAG)).toString('hex');
  }

  /** Whether the event was sealed with this key, behind the record that `prevHash` names. */
  sealed(event: Buffer, prevHash: string, hmac: string): boolean {
    return timingSafeEqual(this.#hmac(event, Buffer.from(`}|${prevHash}`)), Buffer.from(hmac, 'hex'));
  }

  #hmac(...parts: readonly Buffer[]): Buffer {
    const hmac = createHmac('sha256', this.#secret);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  }
}
