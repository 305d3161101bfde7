import type { Terminal } from './terminal.ts';

const REDRAW_MS = 100;
const UNITS = ['B', 'KiB', 'MiB', 'GiB'] as const;

/** 1536 as `1.5 KiB`. */
function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${UNITS[unit] ?? 'B'}`;
}

/** Plain numbers, where what is counted are not bytes. */
export const formatCount = (count: number): string => String(Math.round(count));

/** One line on stderr, redrawn in place. Draws nothing where stderr is not a terminal. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #format: (amount: number) => string;
  readonly #startedMs = performance.now();
  #drawnMs = 0;
  #amount = 0;
  #drawn = false;

  constructor(terminal: Terminal, label: string, total?: number, format: (amount: number) => string = formatBytes) {
    this.#terminal = terminal;
    this.#format = format;
    this.#label = label;
    this.#total = total;
  }

  get amount(): number {
    return this.#amount;
  }

  add(amount: number): void {
    this.#amount += amount;
    if (!this.#terminal.stderrIsTty) return;
    const now = performance.now();
    if (now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    this.#draw(now);
  }

  /** Takes the line away, so that what follows starts at the left edge. */
  end(): void {
    if (this.#drawn) this.#terminal.stderr.write('\r\u001b[K');
    this.#drawn = false;
  }

  #draw(nowMs: number): void {
    const seconds = Math.max((nowMs - this.#startedMs) / 1000, 0.001);
    const rate = `${this.#format(this.#amount / seconds)}/s`;
    const share =
      this.#total === undefined || this.#total === 0 ? '' : `${Math.floor((this.#amount / this.#total) * 100)} %  `;
    const of = this.#total === undefined ? '' : ` of ${this.#format(this.#total)}`;
    this.#terminal.stderr.write(`\r\u001b[K${this.#label}  ${share}${this.#format(this.#amount)}${of}  ${rate}`);
    this.#drawn = true;
  }
}
