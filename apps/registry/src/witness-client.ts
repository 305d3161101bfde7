import {
  formatAddCheckpoint,
  type NoteKey,
  type NoteSignature,
  parseKnownSize,
  parseSignatureLines,
  type SignedCheckpoint,
  TlogMalformed,
  TREE_SIZE_MEDIA_TYPE,
  verifyCosignature,
} from '@macronode/log';
import type { Checkpointer } from './checkpointer.ts';
import type { LogService } from './log.service.ts';
import { COSIGN_RESULTS, type CosignResult, type RegistryMetrics } from './metrics.ts';
import { textOf, AnswerFailed } from './bounded-answer.ts';

const TIMEOUT_MS = 5_000;
/** A cosignature line of each kind, with room. */
const ANSWER_BYTES_MAX = 16_384;
/**
 * A cosignature older than this is asked for again, so that of an idle log too it is never two minutes old: a verifier
 * that wants one of the last five minutes has it, even when the witness is missed twice.
 */
const RENEW_AFTER_MS = 60_000;
/** As many failures in a row cost no time: a witness that restarts is asked again at the next commit. */
const FAILURES_AT_ONCE = 3;
/** From there on attempts lie this far apart, doubled with each. */
const BACKOFF_MS = 2_000;
/** Shorter than the 30 s after which a checkpoint is signed again: on an idle log each of those asks. */
const BACKOFF_MAX_MS = 20_000;

export interface WitnessAddress {
  readonly key: NoteKey;
  /** Submission prefix; `/add-checkpoint` is added. */
  readonly url: string;
}

/**
 * Sends each checkpoint to one witness and embeds its cosignature: the newest one only, one at a time, behind the reply
 * to whoever committed. The witness is not trusted: one that is away or lies costs its signature, and a few requests.
 */
export class WitnessClient {
  readonly #address: WitnessAddress;
  readonly #log: LogService;
  readonly #checkpointer: Checkpointer;
  readonly #metrics: RegistryMetrics;
  /** Milliseconds of a clock nobody sets. */
  readonly #now: () => number;
  readonly #stop = new AbortController();
  /** What the next proof begins at. Never over a size that was signed, so that there is such a proof. */
  #knownSize = 0;
  #cosigned = { size: -1, at: 0 };
  #failures = 0;
  #last: CosignResult = 'failed';
  #notBefore = -Infinity;
  #running: Promise<void> | undefined;

  constructor(
    address: WitnessAddress,
    log: LogService,
    checkpointer: Checkpointer,
    metrics: RegistryMetrics,
    now: () => number = () => performance.now(),
  ) {
    this.#address = address;
    this.#log = log;
    this.#checkpointer = checkpointer;
    this.#metrics = metrics;
    // From zero on, so that the first of each is seen.
    for (const result of COSIGN_RESULTS) metrics.cosignatures.cell({ witness: address.key.name, result });
    this.#now = now;
  }

  /** Something was committed, or the checkpoint was signed again. */
  poke(): void {
    if (this.#running !== undefined || this.#stop.signal.aborted || !this.#due()) return;
    if (this.#now() < this.#notBefore) {
      // Not asked is not cosigned either: else a witness that is gone would hardly show beside one that answers.
      this.#count(this.#last);
      return;
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #due(): boolean {
    const { signed } = this.#checkpointer;
    if (signed === undefined) return false;
    return signed.checkpoint.size !== this.#cosigned.size || this.#now() - this.#cosigned.at >= RENEW_AFTER_MS;
  }

  /** Goes on while the log does; after a conflict once, for a witness could answer with one for ever. */
  async #run(): Promise<void> {
    let again = true;
    while (this.#due()) {
      const from = this.#knownSize;
      const result = await this.#submit();
      if (this.#stop.signal.aborted) return;
      this.#count(result);
      if (result === 'cosigned') {
        this.#failures = 0;
      } else if (result === 'conflict' && again && this.#knownSize !== from) {
        again = false;
      } else {
        this.#failed(result);
        return;
      }
    }
  }

  #count(result: CosignResult): void {
    this.#metrics.cosignatures.inc({ witness: this.#address.key.name, result });
  }

  #failed(result: CosignResult): void {
    this.#last = result;
    this.#failures += 1;
    const doublings = this.#failures - FAILURES_AT_ONCE;
    if (doublings >= 0) this.#notBefore = this.#now() + Math.min(BACKOFF_MS * 2 ** doublings, BACKOFF_MAX_MS);
  }

  async #submit(): Promise<CosignResult> {
    const { signed } = this.#checkpointer;
    if (signed === undefined) return 'failed';
    try {
      const answer = await this.#post(signed);
      if (answer.status === 409 && answer.headers.get('content-type')?.startsWith(TREE_SIZE_MEDIA_TYPE) === true) {
        return this.#conflict(parseKnownSize(await textOf(answer, ANSWER_BYTES_MAX)));
      }
      if (answer.status === 200) return this.#embed(signed, await textOf(answer, ANSWER_BYTES_MAX));
      await answer.body?.cancel();
      return 'refused';
    } catch (error) {
      return error instanceof TlogMalformed || error instanceof AnswerFailed ? 'refused' : 'failed';
    }
  }

  #post(checkpoint: SignedCheckpoint): Promise<Response> {
    const oldSize = this.#knownSize;
    const { size } = checkpoint.checkpoint;
    const consistency = oldSize === 0 ? [] : this.#log.tree.consistencyProof(oldSize, size);
    return fetch(`${this.#address.url}/add-checkpoint`, {
      method: 'POST',
      body: formatAddCheckpoint({ oldSize, consistency, checkpoint }),
      headers: { 'content-type': 'text/plain; charset=utf-8', 'accept-encoding': 'identity' },
      redirect: 'error',
      signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  }

  /** The witness knows another size than this process remembers. One that was never signed it cannot know. */
  #conflict(size: number): CosignResult {
    if (size > (this.#checkpointer.signed?.checkpoint.size ?? 0)) return 'refused';
    this.#knownSize = size;
    return 'conflict';
  }

  #embed({ checkpoint }: SignedCheckpoint, body: string): CosignResult {
    const isCosignature = (line: NoteSignature): boolean =>
      verifyCosignature(checkpoint, line, this.#address.key) !== undefined;
    const lines = parseSignatureLines(body).filter(isCosignature);
    if (lines.length === 0) return 'refused';
    const { size } = checkpoint;
    this.#checkpointer.embed(size, lines);
    this.#knownSize = size;
    this.#cosigned = { size, at: this.#now() };
    return 'cosigned';
  }
}
