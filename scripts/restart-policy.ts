/** First and longest pause before a restart: 100 ms hides a blip, 30 s spares a machine that cannot recover. */
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** More restarts than this inside the window and the process is left down: it fails on its own, not by accident. */
const RESTARTS_MAX = 5;
const WINDOW_MS = 60_000;

/** When a process that ended is started again; pure, so that it is tested without waiting. */
export class RestartPolicy {
  #recent: number[] = [];
  #total = 0;

  /** Restarts so far. */
  get total(): number {
    return this.#total;
  }

  /**
   * What to do about a process that ended at `nowMs`: the pause in ms before its next start (full jitter over an
   * exponential bound), or 'quarantine'. `random` is in [0, 1).
   */
  next(nowMs: number, random: number): number | 'quarantine' {
    this.#recent = this.#recent.filter((at) => nowMs - at < WINDOW_MS);
    if (this.#recent.length >= RESTARTS_MAX) return 'quarantine';
    const bound = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.#recent.length);
    this.#recent.push(nowMs);
    this.#total += 1;
    return Math.round(random * bound);
  }
}
