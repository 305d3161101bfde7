import canonicalize from 'canonicalize';
import { VerificationFailed } from './verification-failed.ts';

/** The one spelling of a value (RFC 8785). A lone surrogate and a number out of range have none. */
export function canonical(value: unknown): string {
  try {
    return canonicalize(value) ?? '';
  } catch (cause) {
    // What has no canonical form is refused with a plain Error. Any other kind is a fault here, and no finding.
    if (!(cause instanceof Error) || cause.name !== 'Error') throw cause;
    throw new VerificationFailed('canonical', 'it has no canonical form', undefined, { cause });
  }
}
