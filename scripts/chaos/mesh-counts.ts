import { readMetrics, scrape, type Scrape } from '../measure/metrics.ts';

/** What one gateway has counted, series by series. */
export class MeshCounts {
  readonly #scrape: Scrape;

  private constructor(scraped: Scrape) {
    this.#scrape = scraped;
  }

  /** Throws when it does not answer. */
  static async of({ opsUrl }: { readonly opsUrl: string }): Promise<MeshCounts> {
    return new MeshCounts(await scrape([opsUrl]));
  }

  /** Of the text format of Prometheus. */
  static in(text: string): MeshCounts {
    return new MeshCounts(readMetrics(text));
  }

  /** The sum of all series of a name that have these labels. Throws where it has none: a misspelt name is not nought. */
  of(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const found = this.#scrape.series(name, labels);
    if (found.length === 0) throw new Error(`no series ${name} ${JSON.stringify(labels)}`);
    return found.reduce((sum, value) => sum + value, 0);
  }

  /** Envelopes that were judged, as the gates counted them: what changed the table, and what did not. */
  get judged(): number {
    return this.of('mesh_claims_received_total') + this.of('mesh_claims_dropped_total');
  }

  /** Envelopes that came in, as the network counted them: by gossip, and in comparisons that came to their end. */
  get cameIn(): number {
    const [valid, invalid] = ['valid', 'invalid'].map((how) => this.of(`gossipsub_pre_validation_${how}_total`));
    return (valid ?? 0) + (invalid ?? 0) + this.of('mesh_sync_envelopes_total', { direction: 'in' });
  }
}
