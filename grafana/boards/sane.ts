/** Values a panel may show; anything else is a defect of the query, not a bad day. */
export const SANE = Object.freeze({
  share: [0, 1],
  /** Per second: more than one machine can do. */
  perSecond: [0, 1e6],
  bytesPerSecond: [0, 1e11],
  count: [0, 1e9],
  bytes: [0, 2 ** 50],
  /** A latency, up to the longest poll with its deadline. */
  latency: [0, 60],
  /** An age, up to the longest retention. */
  age: [0, 30 * 24 * 3_600],
  state: [0, 2],
} as const satisfies Record<string, readonly [number, number]>);
