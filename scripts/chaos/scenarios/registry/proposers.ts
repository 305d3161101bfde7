import { setTimeout as delay } from 'node:timers/promises';
import { type Mend, repeating } from '../../../rig/mend.ts';
import { descriptors, type RegistryDriver, RegistryRefused } from '../../../rig/registry-driver.ts';
import type { HeldSigner } from '../../../rig/registry-signers.ts';
import type { LogLoad } from '../../log-load.ts';
import type { LogSurroundings } from '../../scenario.ts';

export const PROPOSAL_BYTES = 512;
/** What somebody waits who is told to wait longer, and does not. */
const REFUSED_PAUSE_MS = 50;

/** How a step of governance ended: its status and code; `200` when it was taken. Never rejects: it runs where nobody waits for it. */
export async function ended(
  work: () => Promise<unknown>,
): Promise<{ status: number; code: string; retryAfter: string }> {
  try {
    await work();
    return { status: 200, code: 'ok', retryAfter: '' };
  } catch (error) {
    if (error instanceof RegistryRefused) return error;
    return { status: 0, code: String(error), retryAfter: '' };
  }
}

let proposed = 0;
/** A proposal nobody will approve. */
async function propose(driver: RegistryDriver, by: HeldSigner): ReturnType<typeof ended> {
  const outcome = await ended(async () => {
    const label = `storm-${process.pid}-${(proposed += 1)}`;
    const payload = await driver.payload({ kind: 'set', items: [...descriptors(label, PROPOSAL_BYTES)] });
    await driver.propose(payload, by);
  });
  if (outcome.code === 'chain_mismatch') driver.forget();
  return outcome;
}

/**
 * So many who propose again once they are answered: the first of them at once, each of the others so many ms later than
 * the one before it. Ending it answers how often each came out.
 */
export function proposers(
  count: number,
  { driver }: LogLoad,
  apartMs = 0,
): { readonly seen: Map<string, number>; end: Mend } {
  const seen = new Map<string, number>();
  const loops = Array.from({ length: count }, (_, at) =>
    repeating(async () => {
      const by = driver.group.members[at % driver.group.members.length];
      if (by === undefined) throw new Error('a log without signers');
      const { status, code, retryAfter } = await propose(driver, by);
      const waits = status === 429 || status === 503;
      const how = waits && !/^[1-9]\d*$/.test(retryAfter) ? `${code} without Retry-After` : code;
      seen.set(how, (seen.get(how) ?? 0) + 1);
      await delay(waits ? REFUSED_PAUSE_MS : at * apartMs);
    }),
  );
  return { seen, end: () => Promise.all(loops.map((end) => end())) };
}

/** Somebody was told to come again later, and nobody without being told when. */
export function toldToWait(
  seen: ReadonlyMap<string, number>,
  codes: readonly string[],
  find: LogSurroundings['find'],
): void {
  const counts = [...seen].map(([code, count]) => `${count} ${code}`).join(', ');
  if (!codes.some((code) => seen.has(code))) find(`nobody was refused with ${codes.join(' or ')}: ${counts}`);
  const wrong = [...seen.keys()].filter((code) => code.endsWith('without Retry-After') || code.includes('Error'));
  for (const how of wrong) find(`${seen.get(how) ?? 0} x ${how}`);
}
