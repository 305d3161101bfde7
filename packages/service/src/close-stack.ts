import type { Logger } from './logging.ts';

type Close = () => Promise<unknown> | unknown;

/** What must be closed, in the order it was opened; closed in reverse, each once, all under one deadline. */
export class CloseStack {
  readonly #entries: { readonly name: string; readonly close: Close }[] = [];
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  add(name: string, close: Close): void {
    this.#entries.push({ name, close });
  }

  /**
   * Closes everything, the last opened first. What throws or is over the time is logged and left behind:
   * the rest is still closed. Answers the names of those.
   */
  async close(deadlineAt: number): Promise<readonly string[]> {
    const failed: string[] = [];
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      const { name, close } = entry;
      // Even past the deadline each gets a moment: most need no more.
      const left = Math.max(250, deadlineAt - performance.now());
      try {
        if (!(await within(left, close))) {
          failed.push(name);
          this.#log.warn({ closing: name, left_ms: Math.round(left) }, 'did not close in time');
        }
      } catch (err) {
        failed.push(name);
        this.#log.error({ closing: name, err }, 'failed to close');
      }
    }
    return failed;
  }
}

/** True when `run` finished within `ms`. */
export async function within(ms: number, run: Close): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([Promise.resolve(run()).then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
