/** Waits `ms`, or until the signal says so. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Lets what this turn of the event loop wants to send leave first. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
