import {
  formatAddCheckpoint,
  type NoteKey,
  parseKnownSize,
  parseSignatureLines,
  TREE_SIZE_MEDIA_TYPE,
  verifyCosignature,
} from '@macronode/log';
import type { Checkpointer } from './checkpointer.ts';
import type { LogService } from './log.service.ts';
import type { RegistryMetrics } from './metrics.ts';

const TIMEOUT_MS = 5_000;
/** A cosignature line of each kind, with room. */
const ANSWER_BYTES_MAX = 16_384;

export interface WitnessAddress {
  readonly key: NoteKey;
  /** Submission prefix; `/add-checkpoint` is added. */
  readonly url: string;
}

/**
 * Sends each checkpoint to one witness and embeds its cosignature: the newest one only, one at a time, behind the reply
 * to whoever committed. A witness that is away costs nothing but its signature.
 */
export class WitnessClient {
  readonly #address: WitnessAddress;
  readonly #log: LogService;
  readonly #checkpointer: Checkpointer;
  readonly #metrics: RegistryMetrics;
  readonly #stop = new AbortController();
  #knownSize = 0;
  #cosigned = -1;
  #running: Promise<void> | undefined;

  constructor(address: WitnessAddress, log: LogService, checkpointer: Checkpointer, metrics: RegistryMetrics) {
    this.#address = address;
    this.#log = log;
    this.#checkpointer = checkpointer;
    this.#metrics = metrics;
  }

  /** Something was committed, or time has passed. */
  poke(): void {
    if (this.#running !== undefined || this.#stop.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted && this.#checkpointer.signed?.checkpoint.size !== this.#cosigned) {
      if (!(await this.#submit())) return;
    }
  }

  /** One submission; true when another may follow at once. */
  async #submit(): Promise<boolean> {
    const { signed } = this.#checkpointer;
    if (signed === undefined) return false;
    const { checkpoint } = signed;
    try {
      const consistency =
        this.#knownSize === 0 ? [] : this.#log.tree.consistencyProof(this.#knownSize, checkpoint.size);
      const answer = await fetch(`${this.#address.url}/add-checkpoint`, {
        method: 'POST',
        body: formatAddCheckpoint({ oldSize: this.#knownSize, consistency, checkpoint: signed }),
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const body = (await answer.text()).slice(0, ANSWER_BYTES_MAX);
      if (answer.status === 409 && answer.headers.get('content-type')?.startsWith(TREE_SIZE_MEDIA_TYPE) === true) {
        return this.#conflict(parseKnownSize(body));
      }
      if (!answer.ok) return this.#end('refused');
      const { key } = this.#address;
      const lines = parseSignatureLines(body).filter((line) => verifyCosignature(checkpoint, line, key) !== undefined);
      if (lines.length === 0) return this.#end('refused');
      this.#checkpointer.embed(checkpoint.size, lines);
      this.#knownSize = checkpoint.size;
      this.#cosigned = checkpoint.size;
      this.#metrics.cosignatures.inc({ result: 'cosigned' });
      return true;
    } catch {
      return this.#end('failed');
    }
  }

  /** The witness knows another size than this process remembers: the next proof begins there. */
  #conflict(size: number): boolean {
    this.#metrics.cosignatures.inc({ result: 'conflict' });
    const again = size !== this.#knownSize && size <= this.#log.tree.size;
    this.#knownSize = size;
    return again;
  }

  #end(result: 'refused' | 'failed'): false {
    this.#metrics.cosignatures.inc({ result });
    return false;
  }
}
