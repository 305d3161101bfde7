import { ALGORITHMS } from './algorithm.ts';
import type { Algorithm } from './algorithm.ts';

export type KeyRefusedReason = 'format' | 'length' | 'non_canonical' | 'small_order';

/** Thrown by {@link admitPublicKey}: the key must not enter a record, a signer set or an allowlist. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
  readonly reason: KeyRefusedReason;

  constructor(reason: KeyRefusedReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

const LOWER_HEX = /^(?:[0-9a-f]{2})+$/;

/**
 * The eight points of small order in their canonical encodings. Under such a key one signature verifies for many
 * messages, some for all: whoever admits it lets anyone sign. The aliases of these points (a sign bit on x = 0, or
 * y ≥ p) are refused as non-canonical.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]);

/** y = 1 and y = -1 have x = 0: with the sign bit set they are a second spelling of the same point. */
const NEGATIVE_ZERO_X: ReadonlySet<string> = new Set([`01${'00'.repeat(30)}80`, `ec${'ff'.repeat(31)}`]);

/** 2^255 - 19 - 1 in little-endian hex is `ec ff … ff 7f`: a y above it is not reduced. */
function isReduced(key: Buffer): boolean {
  if ((key[31] ?? 0) % 128 !== 0x7f) return true;
  for (let i = 30; i >= 1; i -= 1) if (key[i] !== 0xff) return true;
  return (key[0] ?? 0) <= 0xec;
}

/**
 * Lets a public key in, or throws {@link KeyRefused}. `hex` is the raw key in lower-case hex.
 * Do this where a key first arrives; {@link verify} also refuses such keys, by answering false.
 * Points of mixed order and encodings off the curve are not looked for: the first gain an attacker nothing under
 * single verification, the second never verify.
 */
export function admitPublicKey(algorithm: Algorithm, hex: string): void {
  if (!LOWER_HEX.test(hex)) throw new KeyRefused('format', 'a public key is lower-case hex');
  const { publicKeyBytes } = ALGORITHMS[algorithm];
  if (hex.length !== publicKeyBytes * 2) {
    throw new KeyRefused('length', `a public key of ${algorithm} has ${publicKeyBytes} bytes, not ${hex.length / 2}`);
  }
  if (algorithm !== 'ed25519') return;
  if (SMALL_ORDER.has(hex)) throw new KeyRefused('small_order', 'the public key is a point of small order');
  if (NEGATIVE_ZERO_X.has(hex) || !isReduced(Buffer.from(hex, 'hex'))) {
    throw new KeyRefused('non_canonical', 'the public key is not in its canonical encoding');
  }
}
