// Claims that gateways make in a scenario, and how long they take to be known.
import type { MeshClaim } from '@macronode/contracts';
import { comesTrue } from '../../../poll.ts';
import type { MeshedGateway } from '../../meshed-node.ts';
import type { Surroundings } from '../../scenario.ts';

/** Holds longer than a run of all scenarios of the mesh. */
const TTL_S = 3_600;
const POLL_MS = 20;
let subjects = 0;

/** An address nobody speaks of yet (RFC 3849). */
export const freshSubject = (): string => `2001:db8::c:${(subjects += 1).toString(16)}`;

/** Has a gateway say something of an address; one nobody speaks of by default. Answers the address. */
export async function tell({ desk }: MeshedGateway, subject = freshSubject(), score = 0.5): Promise<string> {
  await desk.publish({ kind: 'waf_reputation', subject, score, ttl_s: TTL_S });
  return subject;
}

type Holds = (claims: readonly MeshClaim[]) => boolean;
const isSaid: Holds = (claims) => claims.length > 0;

/** Whether a gateway holds a claim about this address, one of this source if it is named. */
export async function knows({ desk }: MeshedGateway, subject: string, source?: string): Promise<boolean> {
  const claims = await desk.claims(subject);
  return claims.some((claim) => source === undefined || claim.source === source);
}

/** Ms until what these gateways hold of an address is so; undefined when that did not come to be in time. */
export async function told(
  gateways: readonly MeshedGateway[],
  subject: string,
  timeoutMs: number,
  holds: Holds = isSaid,
): Promise<number | undefined> {
  const from = performance.now();
  const all = async (): Promise<boolean> =>
    (await Promise.all(gateways.map(({ desk }) => desk.claims(subject)))).every(holds);
  return (await comesTrue(timeoutMs, all, POLL_MS)) ? Math.round(performance.now() - from) : undefined;
}

/**
 * Has some gateways say something of somebody each, and waits until requests at all of the others meet it; says who is late, and how
 * long it took at most.
 */
export async function eachTold(
  speakers: readonly MeshedGateway[],
  hearers: readonly MeshedGateway[],
  timeoutMs: number,
  { find, note }: Pick<Surroundings, 'find' | 'note'>,
): Promise<void> {
  const times = await Promise.all(
    speakers.map(async (speaker) => {
      const subject = await tell(speaker);
      const from = performance.now();
      const isMet = async (): Promise<boolean> =>
        (await Promise.all(hearers.map(({ desk }) => desk.standing(subject)))).every(
          ({ standing }) => standing !== null,
        );
      if (!(await comesTrue(timeoutMs, isMet, POLL_MS)))
        find(`a claim of ${speaker.name} is not known to all others after ${timeoutMs / 1_000} s`);
      return Math.round(performance.now() - from);
    }),
  );
  note(`claims of ${speakers.map(({ name }) => name).join(', ')} known after at most ${Math.max(...times)} ms`);
}
