const DONE = -1;

/**
 * How often each event of one entry ran, and which are done. Written as a note beside the entry (`2,d,0`), so that
 * neither a killed process nor another instance forgets it.
 */
export class WorkProgress {
  readonly #runs: number[];
  #left: number;

  private constructor(runs: number[]) {
    this.#runs = runs;
    this.#left = runs.filter((each) => each !== DONE).length;
  }

  /** Without a note, an entry that was delivered before may have run: its events count one run each. */
  static read(note: string | undefined, events: number, deliveries: number): WorkProgress {
    const parts = note?.split(',') ?? [];
    if (parts.length === events) return new WorkProgress(parts.map(runsOf));
    return new WorkProgress(Array.from({ length: events }, () => (deliveries > 1 ? 1 : 0)));
  }

  /** Events that are not done. */
  get left(): number {
    return this.#left;
  }

  /** Whether anything ran at all. */
  get begun(): boolean {
    return this.#runs.some((each) => each !== 0);
  }

  isDone(event: number): boolean {
    return this.#runs[event] === DONE;
  }

  runs(event: number): number {
    return Math.max(0, this.#runs[event] ?? 0);
  }

  begin(event: number): void {
    if (!this.isDone(event)) this.#runs[event] = this.runs(event) + 1;
  }

  /** Takes back a run that did not happen. */
  unbegin(event: number): void {
    if (!this.isDone(event)) this.#runs[event] = Math.max(0, this.runs(event) - 1);
  }

  finish(event: number): void {
    if (this.isDone(event)) return;
    this.#runs[event] = DONE;
    this.#left -= 1;
  }

  /** The note; with `finished`, as it will be when that event is done. */
  write(finished?: number): string {
    return this.#runs.map((each, i) => (each === DONE || i === finished ? 'd' : String(each))).join(',');
  }
}

function runsOf(text: string): number {
  if (text === 'd') return DONE;
  const runs = Number(text);
  return Number.isInteger(runs) && runs >= 0 ? runs : 0;
}
