/** Undoes a fault. */
export type Mend = () => Promise<unknown>;

/** Repeats something until it is told to stop; resolves then when the last of it is done. */
export function repeating(work: () => Promise<unknown>): Mend {
  let over = false;
  const loop = (async () => {
    while (!over) await work();
  })();
  return async () => {
    over = true;
    await loop;
  };
}
