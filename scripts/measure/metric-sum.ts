/** How long a process may take to render its metrics, in ms. */
const ANSWER_TIMEOUT_MS = 10_000;

/** The sum of a metric over all its labels, in the text a process renders; 0 when it is not in there. */
export function sumOf(text: string, name: string): number {
  const lines = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The same of a running process, by its ops address. Throws when it does not answer. */
export async function askedSum(ops: string, name: string): Promise<number> {
  const answer = await fetch(`${ops}/metrics`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  if (!answer.ok) throw new Error(`${ops}/metrics answered ${answer.status}`);
  return sumOf(await answer.text(), name);
}
