/** One series the page reads, of every service that has it. The server adds it up over every label but one. */
export interface Reading {
  readonly metric: string;
  /** The label that is kept apart. */
  readonly by?: string;
  /** Series with one of these label values are left out. */
  readonly except?: Readonly<Record<string, string>>;
}

/** What a reading is filed under. */
export function keyOf({ metric, by, except = {} }: Reading): string {
  const left = Object.entries(except).map(([label, value]) => ` without ${label} ${value}`);
  return `${metric}${by === undefined ? '' : ` by ${by}`}${left.join('')}`;
}

/** The buckets of a histogram, for quantiles. */
export function bucketsOf(histogram: string, except?: Reading['except']): Reading {
  return { metric: `${histogram}_bucket`, by: 'le', ...(except !== undefined && { except }) };
}
