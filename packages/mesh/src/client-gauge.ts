import type { LabelledGauge } from '@macronode/metrics';
import { CLIENTS_MAX } from './metrics.ts';

type Counts = Readonly<Record<string, number>>;
type Gauge = Pick<LabelledGauge<{ readonly client: { readonly max: number; readonly reason: string } }>, 'set'>;

/** The name of whoever has none in the trust list, or none that is shown. */
const UNKNOWN = 'unknown';

/**
 * A gauge of peers by their names. Known names are shown as 0, those that vanished are taken out, and however many names an
 * operator goes through, the sum over all is that of the peers: names beyond the first 64 are `unknown`.
 */
export class ClientGauge {
  readonly #gauge: Gauge;
  readonly #named = new Set<string>();
  #shown: ReadonlySet<string> = new Set();

  constructor(gauge: Gauge) {
    this.#gauge = gauge;
    this.show([], []);
  }

  show(counts: readonly Counts[], clients: readonly string[]): void {
    const totals = new Map<string, number>([[UNKNOWN, 0]]);
    for (const client of clients) totals.set(this.#nameOf(client), 0);
    for (const [client, peers] of counts.flatMap((each) => Object.entries(each))) {
      const name = this.#nameOf(client);
      totals.set(name, (totals.get(name) ?? 0) + peers);
    }
    for (const [client, peers] of totals) this.#gauge.set(peers, { client });
    for (const client of this.#shown) if (!totals.has(client)) this.#gauge.set(NaN, { client });
    this.#shown = new Set(totals.keys());
  }

  #nameOf(client: string): string {
    if (client === UNKNOWN || this.#named.has(client)) return client;
    if (this.#named.size >= CLIENTS_MAX) return UNKNOWN;
    this.#named.add(client);
    return client;
  }
}
