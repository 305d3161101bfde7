/** However a run ends, nothing of it stays: not a process, not a disk. What it was doing fails meanwhile, and may. */
export function whenInterrupted(clear: () => Promise<void>): void {
  let clearing = false;
  const stop = (): void => {
    if (clearing) return;
    clearing = true;
    for (const failure of ['uncaughtException', 'unhandledRejection'] as const) process.on(failure, () => undefined);
    void clear().finally(() => process.exit(1));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
}
