/** Bounds of the console, on both sides. Imports nothing: the page reads it too. */
export const CONSOLE_LIMITS = Object.freeze({
  /** Ops ports one console asks: a viewer costs a bounded number of connections. A longer `OPS_PEERS` stops the start. */
  peers: 64,
  /** Longest wait for the answers of one process, in ms: below the pause between two looks. Then it is shown as unreachable. */
  peerTimeoutMs: 1_500,
  /** Bytes read of one answer. A scrape of a whole micronode is about 120 kB; what is longer is not one of ours. */
  answerBytes: 4 * 1024 * 1024,
  /** One collection serves everybody who looks within this time, in ms: n viewers cost what one does. */
  stateAgeMs: 1_000,
  /** Pause between two looks of a page, in ms: short enough to be called live, long enough that looking costs little. */
  lookIntervalMs: 2_000,
  /** A node that takes longer to answer a page, in ms, is shown as one that does not. */
  lookTimeoutMs: 5_000,
  /** What a page remembers, in ms; nothing of it is kept anywhere else. */
  historyMs: 15 * 60_000,
  /** The same as a number of states: it holds even when a clock stands still. */
  historyStates: 451,
});
