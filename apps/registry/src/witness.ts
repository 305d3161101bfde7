import {
  type AddCheckpointRequest,
  type Checkpoint,
  cosign,
  EMPTY_ROOT,
  formatKnownSize,
  formatSignatureLines,
  type NoteKey,
  type NoteSigner,
  parseAddCheckpoint,
  TlogMalformed,
  TREE_SIZE_MEDIA_TYPE,
  verifyCheckpoint,
  verifyConsistency,
} from '@macronode/log';
import type { Clock } from './clock.ts';
import type { LogStore } from './log.store.ts';

export interface WitnessAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const text = (status: number, body: string): WitnessAnswer => ({ status, type: 'text/plain; charset=utf-8', body });

/**
 * This node as a witness of other logs (C2SP tlog-witness): it cosigns a checkpoint when it continues the last one it
 * cosigned, and remembers that on disk before it answers.
 */
export class Witness {
  readonly #store: LogStore;
  readonly #logs: readonly NoteKey[];
  readonly #signer: NoteSigner;
  readonly #clock: Clock;

  constructor(store: LogStore, logs: readonly NoteKey[], signer: NoteSigner, clock: Clock) {
    this.#store = store;
    this.#logs = logs;
    this.#signer = signer;
    this.#clock = clock;
  }

  /** Statuses as the specification has them: 200, 400, 403, 404, 409 with the size known here, 422. */
  async addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    const request = this.#parse(body);
    if (request === undefined) return text(400, 'malformed request\n');
    const { oldSize, consistency, checkpoint: signed } = request;
    const { checkpoint } = signed;
    const key = this.#logs.find(({ name }) => name === checkpoint.origin);
    if (key === undefined) return text(404, 'unknown log\n');
    if (!verifyCheckpoint(signed, [key]).ok) return text(403, 'no signature of a key known for this log\n');
    if (oldSize > checkpoint.size) return text(400, 'the old size is larger than the checkpoint\n');
    const known = this.#store.witnessed(checkpoint.origin);
    if ((known?.size ?? 0) !== oldSize) return sizeConflict(known?.size ?? 0);
    const sameSize = known !== undefined && oldSize === checkpoint.size;
    // The same size with another root is a fork shown to this witness: a conflict, not a proof that fails.
    if (sameSize && !checkpoint.root.every((byte, at) => byte === known.root[at])) return sizeConflict(oldSize);
    const claim = {
      from: oldSize,
      fromRoot: known?.root ?? EMPTY_ROOT,
      to: checkpoint.size,
      toRoot: checkpoint.root,
    };
    if (!verifyConsistency(claim, consistency))
      return text(422, 'the checkpoint does not continue the one known here\n');
    // On disk already: whoever sends a public checkpoint over and over costs this node no write.
    if (sameSize) return this.#cosigned(checkpoint);
    const outcome = await this.#store.witness({
      origin: checkpoint.origin,
      oldSize,
      size: checkpoint.size,
      root: checkpoint.root,
    });
    if (!outcome.ok) return sizeConflict(outcome.known);
    return this.#cosigned(checkpoint);
  }

  #cosigned(checkpoint: Checkpoint): WitnessAnswer {
    const timestamp = Math.floor(this.#clock.wallMs() / 1_000);
    return text(200, formatSignatureLines([cosign(checkpoint, timestamp, this.#signer)]));
  }

  #parse(body: Uint8Array): AddCheckpointRequest | undefined {
    try {
      return parseAddCheckpoint(body);
    } catch (error) {
      if (error instanceof TlogMalformed) return undefined;
      throw error;
    }
  }
}

const sizeConflict = (size: number): WitnessAnswer => ({
  status: 409,
  type: TREE_SIZE_MEDIA_TYPE,
  body: formatKnownSize(size),
});
