import type { RegistryPayload } from '@macronode/contracts';
import { readinessOf } from '../../../rig/readiness.ts';
import { descriptors } from '../../../rig/registry-driver.ts';
import { type HeldSigner, SignerGroup } from '../../../rig/registry-signers.ts';
import { ACCOUNTED, readsGoOn } from '../../expectation.ts';
import type { LogLoad } from '../../log-load.ts';
import { type LogSurroundings, onLog, type Scenario } from '../../scenario.ts';
import { ended, PROPOSAL_BYTES, proposers, toldToWait } from './proposers.ts';

/** Together they come to more proposals than may be open. */
const STORM_PROPOSERS = 8;
const REVOCATIONS = 5;

const first = ({ driver }: LogLoad): HeldSigner => {
  const [one] = driver.group.members;
  if (one === undefined) throw new Error('a log without signers');
  return one;
};

/** Those who govern the log: too many of them, too few, gone, and at odds. */
export const governance: readonly Scenario[] = [
  onLog({
    name: 'governance_storm',
    what: `${STORM_PROPOSERS} clients propose as fast as they are answered, and nobody approves: more proposals than may be open; then one of them is approved and committed, which ends the others`,
    seconds: 8,
    expects: readsGoOn({ recovery: 5, codes: [409, 429, 503] }, ACCOUNTED),
    make: async (_node, { load, find }) => {
      // Versions of the load would end the proposals of the storm before there are enough of them.
      await load.hold();
      const { seen, end } = proposers(STORM_PROPOSERS, load);
      return async () => {
        await end();
        toldToWait(seen, ['saturated'], find);
        const [one] = await load.driver.open();
        if (one === undefined) find('no proposal is open after a storm of them');
        else await load.driver.settle(one.proposal_id);
        const left = await load.driver.open();
        if (left.length > 0) find(`${left.length} proposals are still open after a commit`);
        load.release();
      };
    },
  }),
  onLog({
    name: 'signer_loss',
    what: 'one signer fewer than a commit takes; then one comes back, and a new set is put in the place of the old one by both',
    seconds: 8,
    quickSeconds: 8,
    expects: readsGoOn(
      { recovery: 5, codes: [409, 429, 503] },
      { claim: 'bites', of: ['commit'], share: 0.9 },
      ACCOUNTED,
    ),
    make: async (node, { load, find }) => {
      await load.holding(() => void (load.approving = node.signers.m - 1));
      const { version: before } = await load.driver.head();
      return async () => {
        await load.holding(async () => {
          const { version } = await load.driver.head();
          if (version !== before) find(`${version - before} versions were committed without a quorum`);
          const next = SignerGroup.make({ log: node.signers.log, prefix: `org:next-${version}` });
          await load.driver.rotate(next);
          load.govern(next);
          load.approving = Number.POSITIVE_INFINITY;
        });
      };
    },
  }),
  onLog({
    name: 'key_revoked',
    what: `a proposal is approved by as many as it takes, a rotation removes one of them, and the proposal is committed; then the one who was removed approves a proposal to the new set; ${REVOCATIONS} times`,
    seconds: 0,
    expects: readsGoOn({ recovery: 5, codes: [403, 409, 429, 503] }, ACCOUNTED),
    make: async (_node, { load, find }) => {
      for (let i = 0; i < REVOCATIONS; i += 1) await load.holding(() => revokeBetween(load, find, i));
      return () => Promise.resolve();
    },
  }),
  onLog({
    name: 'freeze_thaw',
    what: 'the log is frozen, and thawed',
    seconds: 8,
    quickSeconds: 8,
    expects: readsGoOn({ recovery: 3, codes: [429, 503] }, { claim: 'bites', of: ['propose'], share: 0.9 }, ACCOUNTED),
    make: async (node, { load, find }) => {
      await load.driver.freeze('an exercise');
      const { state } = await load.driver.signers();
      if (state !== 'frozen') find(`a frozen log says it is ${state}`);
      const { version } = await load.driver.head();
      return async () => {
        const { version: after } = await load.driver.head();
        // One that was under way as the log froze may have come to its end.
        if (after > version + 1) find(`${after - version} versions were committed while the log was frozen`);
        await load.driver.thaw('the exercise is over', first(load));
        if ((await load.driver.signers()).state !== 'open') find('a thawed log is not open');
        if ((await readinessOf(node.ops('registry')[0] ?? ''))?.ready !== true) find('the registry is not ready');
      };
    },
  }),
];

/** One removed from the set between its approval and the commit: the version it approved must never be, nor one it approves now. */
async function revokeBetween(load: LogLoad, find: LogSurroundings['find'], round: number): Promise<void> {
  const { driver } = load;
  const payload = (label: string): Promise<RegistryPayload> =>
    driver.payload({ kind: 'set', items: [...descriptors(`${label}-${process.pid}-${round}`, PROPOSAL_BYTES)] });
  const quorum = driver.group.quorum(round);
  const [speaker, revoked] = quorum;
  if (speaker === undefined || revoked === undefined) throw new Error('a quorum of one cannot lose one');
  const { proposal_id: id } = await driver.propose(await payload('revoked'), speaker);
  for (const one of quorum) await driver.approve(id, one);
  const left = driver.group.members.filter(({ id: member }) => member !== revoked.id);
  const fresh = SignerGroup.make({ log: driver.group.log, n: 1, m: 1, prefix: `org:fresh-${Date.now()}-${round}` });
  const next = driver.group.with({ members: [...left, ...fresh.members] });
  const { committed: rotation } = await driver.rotate(next);
  load.govern(next);
  const late = await ended(() => driver.commit(id, speaker));
  if (late.code !== 'revoked_key') find(`a proposal with a revoked approval was answered ${late.status} ${late.code}`);
  // Nobody waits for this one: the next version of the load ends it.
  const { proposal_id: open } = await driver.propose(await payload('unheard'), speaker);
  for (const sender of [speaker, revoked]) {
    const again = await ended(() => driver.approve(open, revoked, sender));
    if (again.code !== 'unknown_signer')
      find(`an approval with a revoked key, sent by ${sender.id}, was answered ${again.status} ${again.code}`);
  }
  const { payload_b3: head } = await driver.head();
  if (head === id) find('the head is what a revoked key approved');
  const { version: inForce } = await driver.signers();
  if (inForce !== rotation.version) find(`the signers of version ${inForce} are in force, not of ${rotation.version}`);
}
