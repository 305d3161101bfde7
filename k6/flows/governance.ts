import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { type Committed, GovernedLog, headOf, signerSetVersion } from './governed-log.ts';
import { jsonOf, type User } from './user.ts';

interface World {
  readonly setVersion: number;
}

/** A log has one head: signers of one house agree who goes next instead of outrunning each other. */
let before: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = before.then(work);
  before = mine.catch(() => undefined);
  return mine;
}

/** A version proposed, approved by three signers and committed, with real signatures; then read back. */
export const governance: Flow<World> = {
  summary: 'a version proposed, approved by a quorum and committed, every request signed; then read back',
  requestsPerTurn: 7,
  prepare: async (user) => {
    if (user.signers === undefined)
      throw new Error('the flow governance signs: it takes the keys of the signers of the log (--signers FILE)');
    return { setVersion: await signerSetVersion(user) };
  },
  turn: (user, { setVersion }) => inTurn(() => oneRound(user, setVersion)),
};

async function oneRound(user: User, setVersion: number): Promise<void> {
  if (user.signers === undefined) return;
  const { head } = await headOf(user);
  const committed = await new GovernedLog(user, user.signers).round(head, setVersion);
  if (committed !== undefined) await readBack(user, committed, user.signers.m);
}

async function readBack(user: User, { version, payload_b3, prev_hash }: Committed, m: number): Promise<void> {
  const answer = await user.send(ROUTES.registryEntry, { at: String(version), expect: [200] });
  const { entry_b3: entry, leaf } = (jsonOf(answer) ?? {}) as {
    entry_b3?: string;
    leaf?: { payload_b3?: string; prev_hash?: string | null; approvals?: readonly unknown[] };
  };
  user.check('version', {
    'it is what was committed': leaf?.payload_b3 === payload_b3,
    'it continues the head': leaf?.prev_hash === prev_hash,
    'it has its quorum': (leaf?.approvals?.length ?? 0) >= m,
    'its tag is its hash': answer.header('ETag') === `"${entry}"`,
  });
}
