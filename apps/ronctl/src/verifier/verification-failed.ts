/** What a verification looks at. */
export type Check =
  | 'shape'
  | 'canonical'
  | 'chain'
  | 'payload'
  | 'signers'
  | 'approvals'
  | 'expiry'
  | 'tree'
  | 'checkpoint'
  | 'tiles'
  | 'entries'
  | 'proof'
  | 'head';

/** Thrown for the first thing that is not as it must be. */
export class VerificationFailed extends Error {
  override readonly name = 'VerificationFailed';
  readonly check: Check;
  /** The first version it is about; undefined for what is about no version. */
  readonly version: number | undefined;

  constructor(check: Check, problem: string, version?: number, options?: ErrorOptions) {
    super(version === undefined ? problem : `version ${version}: ${problem}`, options);
    this.check = check;
    this.version = version;
  }
}
