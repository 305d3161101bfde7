import { open, readFile, rename } from 'node:fs/promises';

/**
 * The checkpoint a replica showed last, beside its entries: after a start it is shown again while the followed log is
 * away. Whoever reads it verifies it as if it had just come.
 */
export class KeptCheckpoint {
  readonly #file: string | undefined;

  /** Without a file nothing is kept. */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** Undefined before one was kept. */
  async read(): Promise<string | undefined> {
    if (this.#file === undefined) return undefined;
    try {
      return await readFile(this.#file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Whatever happens meanwhile, there is the old one or the new one afterwards. */
  async keep(text: string): Promise<void> {
    if (this.#file === undefined) return;
    const next = `${this.#file}.next`;
    const handle = await open(next, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, this.#file);
  }
}
