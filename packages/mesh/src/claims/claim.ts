/** What a claim says of its subject. The kind decides what a subject is. */
export const CLAIM_KINDS = Object.freeze([
  'waf_reputation',
  'rate_saturation',
  'upstream_unhealthy',
  'identity_revoked',
] as const);
export type ClaimKind = (typeof CLAIM_KINDS)[number];

/** Why a claim was made: a closed list, one byte on the wire. */
export const CLAIM_REASONS = Object.freeze([
  'unspecified',
  'quota_storm',
  'malformed_flood',
  'tarpit',
  'operator',
  'probe_failed',
  'key_leaked',
] as const);
export type ClaimReason = (typeof CLAIM_REASONS)[number];

/** What one node says of one subject, before it is signed. */
export interface Claim {
  readonly kind: ClaimKind;
  /**
   * `waf_reputation` and `rate_saturation`: an IP address as {@link canonicalAddress} writes it. `upstream_unhealthy`: the name of a
   * service. `identity_revoked`: a node id, 64 hex digits.
   */
  readonly subject: string;
  /** 0 to 1, three decimals; higher is worse. */
  readonly score: number;
  readonly reason: ClaimReason;
  /** How long it holds from when it was made, in s. */
  readonly ttlS: number;
}

/** A claim as it travels: who says so, when, and the bytes that were signed. */
export interface Envelope extends Claim {
  /** Node id of the source: its Ed25519 public key, 64 hex digits. */
  readonly source: string;
  /** Strictly increasing per source, also over restarts: ms since 1970 times 1,024, or one more than the last. */
  readonly seq: number;
  /** When it was made, in ms since 1970. */
  readonly madeAtMs: number;
  /** Takes back what the source said of this kind and subject before. */
  readonly revoked: boolean;
  /** The whole envelope, signature included: relayed as it is, never signed again by anybody else. */
  readonly bytes: Uint8Array;
}
