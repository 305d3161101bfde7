import { Client, type ClientRates } from './client.ts';

/** The clients of one gateway by address, at most `bound` of them: for a new one the longest idle is forgotten. All in O(1). */
export class ClientTable {
  readonly #rates: ClientRates;
  readonly #bound: number;
  readonly #forgotten: () => void;
  readonly #clients = new Map<string, Client>();
  #oldest: Client | undefined;
  #newest: Client | undefined;

  /** `forgotten` is called for each one that has to go. */
  constructor(rates: ClientRates, bound: number, forgotten: () => void) {
    this.#rates = rates;
    this.#bound = bound;
    this.#forgotten = forgotten;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** One that is known, now the last one used. */
  find(address: string): Client | undefined {
    const client = this.#clients.get(address);
    if (client !== undefined && client !== this.#newest) {
      this.#unlink(client);
      this.#append(client);
    }
    return client;
  }

  /** The same; one that is not known is made. */
  of(address: string, nowMs: number): Client {
    const known = this.find(address);
    if (known !== undefined) return known;
    if (this.#clients.size >= this.#bound) this.#forgetOldest();
    const client = new Client(address, this.#rates, nowMs);
    this.#clients.set(address, client);
    this.#append(client);
    return client;
  }

  #forgetOldest(): void {
    const oldest = this.#oldest;
    if (oldest === undefined) return;
    this.#unlink(oldest);
    this.#clients.delete(oldest.address);
    this.#forgotten();
  }

  #append(client: Client): void {
    client.older = this.#newest;
    client.newer = undefined;
    if (this.#newest === undefined) this.#oldest = client;
    else this.#newest.newer = client;
    this.#newest = client;
  }

  #unlink(client: Client): void {
    const { older, newer } = client;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
