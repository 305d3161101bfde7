export interface PollOptions {
  /** What is waited for, for the message of a failure. */
  readonly what: string;
  readonly deadlineMs?: number;
  readonly everyMs?: number;
}

/**
 * Asks until the answer is not undefined, and fails with the last error when the deadline passes.
 * The only place of these tests where time passes without a request.
 */
export async function poll<T>(ask: () => Promise<T | undefined>, options: PollOptions): Promise<T> {
  const deadline = performance.now() + (options.deadlineMs ?? 15_000);
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) throw new Error(`gave up waiting for ${options.what}`, { cause: last });
    await nextTurn(options.everyMs ?? 25);
  }
}

/** Polls until `holds` answers true. */
export async function until(holds: () => Promise<boolean>, options: PollOptions): Promise<void> {
  await poll(async () => ((await holds()) ? true : undefined), options);
}

function nextTurn(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}
