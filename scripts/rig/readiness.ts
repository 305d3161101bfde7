import { Readiness } from '@macronode/contracts';

/** A process that is stopped takes connections and answers nothing. */
const ANSWER_TIMEOUT_MS = 2_000;

/** What a process says of itself; undefined when it does not answer, or no such thing: it is starting, paused or gone. */
export async function readinessOf(ops: string): Promise<Readiness | undefined> {
  try {
    const answer = await fetch(`${ops}/readyz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return Readiness.parse(await answer.json());
  } catch {
    return undefined;
  }
}
