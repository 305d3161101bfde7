import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { GovernedLog, headOf, signerSetVersion } from './governed-log.ts';
import { jsonOf, type User } from './user.ts';

/** Versions a log has at least before it is read, where its signers are at hand. */
const SEEDED = 8;
const PAGE = 20;
/** The last reads of a turn, in parts of all turns: the rest reads one more version. */
const PAGE_SHARE = 0.1;
const PROOF_SHARE = 0.1;

interface World {
  /** Versions there were when the run began; 0 for a log that is empty and nobody may write. */
  readonly versions: number;
}

/** What readers of a log do: look at the head, look again with its tag, and fetch versions, a page or a proof. */
export const registry: Flow<World> = {
  summary: 'the head, the head again with If-None-Match, a version, then another one, or a page of the log, or a proof',
  requestsPerTurn: 4,
  prepare: async (user) => ({ versions: await seeded(user) }),
  turn: async (user, { versions }) => {
    await readHead(user);
    if (versions === 0) return;
    await readVersion(user, versions);
    const kind = user.random();
    if (kind < PAGE_SHARE) await readPage(user, versions);
    else if (kind < PAGE_SHARE + PROOF_SHARE) await readProof(user, versions);
    else await readVersion(user, versions);
  },
};

async function seeded(user: User): Promise<number> {
  let { head } = await headOf(user);
  if (user.signers === undefined) return head.version;
  const log = new GovernedLog(user, user.signers);
  const setVersion = await signerSetVersion(user);
  while (head.version < SEEDED) {
    await log.round(head, setVersion);
    head = (await headOf(user)).head;
  }
  return head.version;
}

const anyOf = (user: User, versions: number): number => 1 + Math.floor(user.random() * versions);

async function readHead(user: User): Promise<void> {
  const { tag } = await headOf(user);
  // It may have moved on meanwhile: then the new one comes.
  const again = await user.send(ROUTES.registryHead, { headers: { 'If-None-Match': tag }, expect: [200, 304] });
  user.check('head, with its tag', {
    'a tag is told with both': again.header('ETag') !== '',
    'an old tag brings a new head': again.status === 304 || again.header('ETag') !== tag,
  });
}

async function readVersion(user: User, versions: number): Promise<void> {
  const version = anyOf(user, versions);
  const answer = await user.send(ROUTES.registryEntry, { at: String(version), expect: [200] });
  const { entry_b3: entry, leaf } = (jsonOf(answer) ?? {}) as { entry_b3?: string; leaf?: { version?: number } };
  user.check('version', {
    'it is the one asked for': leaf?.version === version,
    'its tag is its hash': answer.header('ETag') === `"${entry}"`,
    'it may be cached for good': answer.header('Cache-Control').includes('immutable'),
  });
}

async function readPage(user: User, versions: number): Promise<void> {
  const after = anyOf(user, versions) - 1;
  const query = `after=${after}&limit=${PAGE}`;
  const { body } = await user.send(ROUTES.registryLog, { query, expect: [200] });
  const lines = String.fromCharCode(...body)
    .split('\n')
    .filter((line) => line !== '');
  const versionsOf = lines.map((line) => (JSON.parse(line) as { leaf?: { version?: number } }).leaf?.version);
  user.check('log', {
    'it begins after the one asked for': versionsOf[0] === after + 1,
    'no version is missing': versionsOf.every((version, at) => version === after + 1 + at),
  });
}

async function readProof(user: User, versions: number): Promise<void> {
  const { body } = await user.send(ROUTES.registryProof, { at: String(anyOf(user, versions)), expect: [200] });
  user.check('proof', { 'it is a C2SP tlog-proof': String.fromCharCode(...body.slice(0, 11)) === 'c2sp.org/tl' });
}
