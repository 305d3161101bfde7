/** Time, injected: the order of a log is its versions, so the wall clock only dates and expires. */
export interface Clock {
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

export const systemClock: Clock = Object.freeze({ wallMs: () => Date.now() });
