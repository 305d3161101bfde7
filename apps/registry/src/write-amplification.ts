/** A block of `ru_oublock` (getrusage(2)): 512 bytes, whatever the disk has. */
const BLOCK_BYTES = 512;

/** Bytes this process had written to disk for each byte it was given to keep. */
export class WriteAmplification {
  readonly #written: () => number;
  readonly #before: number;
  #kept = 0;

  /** `written`: blocks of this process so far. */
  constructor(written: () => number = () => process.resourceUsage().fsWrite) {
    this.#written = written;
    this.#before = written();
  }

  committed(bytes: number): void {
    this.#kept += bytes;
  }

  /** 0 before anything was kept. */
  ratio(): number {
    if (this.#kept === 0) return 0;
    return ((this.#written() - this.#before) * BLOCK_BYTES) / this.#kept;
  }
}
