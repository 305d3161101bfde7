import { MESH_ADMIN_ROUTES } from '@macronode/contracts';
import { comesTrue, poll } from '../../../poll.ts';
import { ADMIN_TOKEN, type Gateway } from './gateway.ts';

const TIMEOUT_MS = 60_000;
/** Claims given to a gateway at a time. */
const AT_ONCE = 16;
const TTL_S = 86_400;
const MS_PER_SECOND = 1_000;
const BUSY = 503;

/** Has a gateway say that it knows of an address; the status of the answer. */
async function tell(ops: string, subject: string): Promise<number> {
  const response = await fetch(`${ops}${MESH_ADMIN_ROUTES.claims}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'waf_reputation', subject, score: 1, ttl_s: TTL_S }),
  });
  await response.body?.cancel();
  return response.status;
}

/** Fills the table of a gateway with what it says itself, and waits until requests meet it. */
export async function tellAll(gateway: Gateway, addresses: readonly string[]): Promise<void> {
  const { ops, name } = gateway;
  let next = 0;
  const teller = async (): Promise<void> => {
    for (let address = addresses[next++]; address !== undefined; address = addresses[next++]) {
      const subject = address;
      let status = 0;
      const told = await comesTrue(TIMEOUT_MS, async () => (status = await tell(ops, subject)) !== BUSY);
      if (!told || status >= 300) throw new Error(`gateway ${name}: a claim was answered with ${status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, teller));
  await poll(`scores in gateway ${name}`, TIMEOUT_MS, async () => {
    return (await gateway.scrape()).total('mesh_table_subjects') >= addresses.length;
  });
}

/**
 * Posts claims of fresh addresses to a gateway, so many a second, until it is stopped. One that is in no mesh is asked as often
 * and answers that it is not: what the asking costs is in both.
 */
export function keepTelling({ ops }: Gateway, perSecond: number): () => Promise<number> {
  const under = new Set<Promise<unknown>>();
  let told = 0;
  const timer = setInterval(() => {
    const n = fresh++;
    const one = tell(ops, `11.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`).finally(() => under.delete(one));
    under.add(one);
    told += 1;
  }, MS_PER_SECOND / perSecond);
  return async () => {
    clearInterval(timer);
    await Promise.all(under);
    return told;
  };
}
let fresh = 0;
