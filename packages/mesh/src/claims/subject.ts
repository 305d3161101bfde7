import { ADDRESS_BYTES, addressBytes, addressText } from './address.ts';
import type { ClaimKind } from './claim.ts';
import { ClaimMalformed } from './malformed.ts';

const NODE_ID = /^[0-9a-f]{64}$/;
const NODE_ID_BYTES = 32;
/** Names end up in terminals and logs. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a subject; what one is depends on the kind. Throws {@link ClaimMalformed}. */
export function subjectBytes(kind: ClaimKind, subject: string, nameBytesMax: number): Uint8Array {
  switch (kind) {
    case 'waf_reputation':
    case 'rate_saturation': {
      const bytes = addressBytes(subject);
      if (bytes === undefined) throw new ClaimMalformed('subject');
      return bytes;
    }
    case 'identity_revoked':
      if (!NODE_ID.test(subject)) throw new ClaimMalformed('subject');
      return Buffer.from(subject, 'hex');
    case 'upstream_unhealthy': {
      // A lone surrogate would become another name.
      if (!subject.isWellFormed()) throw new ClaimMalformed('subject');
      const bytes = Buffer.from(subject);
      checkName(subject, bytes.length, nameBytesMax);
      return bytes;
    }
  }
}

/** The text of a subject: the other way of {@link subjectBytes}, one to one. Throws {@link ClaimMalformed}. */
export function subjectText(kind: ClaimKind, bytes: Uint8Array, nameBytesMax: number): string {
  switch (kind) {
    case 'waf_reputation':
    case 'rate_saturation':
      if (bytes.length !== ADDRESS_BYTES) throw new ClaimMalformed('subject');
      return addressText(bytes);
    case 'identity_revoked':
      if (bytes.length !== NODE_ID_BYTES) throw new ClaimMalformed('subject');
      return Buffer.from(bytes).toString('hex');
    case 'upstream_unhealthy': {
      if (bytes.length > nameBytesMax) throw new ClaimMalformed('subject');
      const name = decoded(bytes);
      checkName(name, bytes.length, nameBytesMax);
      return name;
    }
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ClaimMalformed('subject');
  }
}

function checkName(name: string, bytes: number, max: number): void {
  if (bytes === 0 || bytes > max || CONTROL.test(name)) throw new ClaimMalformed('subject');
}
