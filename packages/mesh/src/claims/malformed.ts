export type MalformedField =
  'length' | 'magic' | 'version' | 'kind' | 'flags' | 'reason' | 'seq' | 'made_at' | 'ttl' | 'score' | 'subject';

/** Thrown for bytes that are not exactly one envelope, and for a claim that would not make one. */
export class ClaimMalformed extends Error {
  override readonly name = 'ClaimMalformed';
  readonly field: MalformedField;

  constructor(field: MalformedField) {
    super(`not a claim: its ${field} is none an envelope may have`);
    this.field = field;
  }
}
