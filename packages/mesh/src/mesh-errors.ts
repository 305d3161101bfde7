/** A mesh could not start: its port is taken, a peer is named in no form it can dial, its thread ended. */
export class MeshStartError extends Error {
  override readonly name = 'MeshStartError';
  /** Name of the error in the mesh thread, where it was one. */
  readonly causeName: string | undefined;

  constructor(problem: string, causeName?: string) {
    super(`the mesh did not start: ${problem}`);
    this.causeName = causeName;
  }
}

/** A question to the mesh thread has no answer: it does not run, it is asked too much, or it did not answer in time. */
export class MeshUnavailable extends Error {
  override readonly name = 'MeshUnavailable';
  readonly reason: 'closed' | 'busy' | 'late' | 'failed';

  constructor(reason: MeshUnavailable['reason'], detail?: string) {
    super(`the mesh does not answer: ${detail ?? reason}`);
    this.reason = reason;
  }
}
