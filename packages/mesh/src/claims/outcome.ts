/** Why an envelope changed nothing, in the order of the gates that say so. */
export const DROP_REASONS = Object.freeze([
  'connection_rate',
  'size',
  'malformed',
  'untrusted',
  'replay',
  'signature',
  'clock',
  'rate',
  'stale',
  'full',
] as const);
export type DropReason = (typeof DROP_REASONS)[number];

/** What became of one envelope. Every one that comes in has exactly one: in = merged + dropped by reason. */
export type Outcome = 'merged' | DropReason;
