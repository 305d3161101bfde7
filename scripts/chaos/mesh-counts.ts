/** How long a gateway may take to render its metrics. */
const ANSWER_TIMEOUT_MS = 10_000;

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly labels: string;
  readonly value: number;
}

/** What one gateway has counted, series by series. */
export class MeshCounts {
  readonly #series: ReadonlyMap<string, readonly Series[]>;

  private constructor(series: ReadonlyMap<string, readonly Series[]>) {
    this.#series = series;
  }

  /** Throws when it does not answer. */
  static async of({ opsUrl }: { readonly opsUrl: string }): Promise<MeshCounts> {
    const response = await fetch(`${opsUrl}/metrics`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`${opsUrl}/metrics answered ${response.status}`);
    return MeshCounts.in(await response.text());
  }

  /** Of the text format of Prometheus. */
  static in(text: string): MeshCounts {
    const series = new Map<string, Series[]>();
    for (const [, name = '', labels = '', value = ''] of text.matchAll(/^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)/gm)) {
      const known = series.get(name) ?? [];
      known.push({ labels, value: Number(value) });
      series.set(name, known);
    }
    return new MeshCounts(series);
  }

  /** The sum of all series of a name that have these labels. Throws where it has none: a misspelt name is not nought. */
  of(name: string, labels: Labels = {}): number {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const found = this.#series.get(name)?.filter((one) => wanted.every((pair) => one.labels.includes(pair))) ?? [];
    if (found.length === 0) throw new Error(`no series ${name} ${wanted.join(' ')}`);
    return found.reduce((sum, { value }) => sum + value, 0);
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
