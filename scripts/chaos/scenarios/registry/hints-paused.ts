// Nobody listens: the streams of the registry are full, and the bus it tells of its commits stands still.
import { askedSum } from '../../../measure/metrics.ts';
import { comesTrue } from '../../../poll.ts';
import { CommitListener } from '../../../rig/commit-listener.ts';
import type { Mend } from '../../../rig/mend.ts';
import { ROUND_MS } from '../../log-load.ts';
import type { ProcessesNode } from '../../nodes.ts';
import type { LogSurroundings } from '../../scenario.ts';
import { StalledListeners } from '../../stalled-listeners.ts';

export const STALLED_CLIENTS = 200;
/** For the commits it takes until a client has lost its queue: what the kernel keeps for it, and 256 more. */
const LAG_TIMEOUT_MS = 20_000;
const TOLD_TIMEOUT_MS = 5_000;
/** The link notices that Redis is back, and what waits is announced one after another. */
const SETTLE_TIMEOUT_MS = 20_000;
const DROPPED = 'bus_overflow_dropped_total';
const LAGGED = 'registry_sse_lagged_total';

/** The newest version there is, when the listener was told of it: commits are announced in turn, so none before it waits. */
async function toldHead({ load, find }: LogSurroundings, { heard }: CommitListener): Promise<number> {
  const { version } = await load.driver.head();
  if (!(await comesTrue(TOLD_TIMEOUT_MS, () => heard.has(version)))) find(`the bus was not told of version ${version}`);
  return version;
}

/** Stalls every client of the stream and stops Redis; ending it counts what was missed against what was counted. */
export async function hintsPaused(node: ProcessesNode, seen: LogSurroundings): Promise<Mend> {
  const { load, find } = seen;
  const [ops = ''] = node.ops('registry');
  await using stack = new AsyncDisposableStack();
  const listener = stack.use(await CommitListener.on(node.medium.redis.url));
  if (!(await comesTrue(TOLD_TIMEOUT_MS, () => listener.heard.size > 0))) find('the bus tells of no commit');
  const laggedBefore = await askedSum(ops, LAGGED);
  const listeners = await StalledListeners.open(node.registryUrl, STALLED_CLIENTS);
  stack.defer(() => listeners.close());
  const redis = node.medium.pid();
  let [versionBefore, droppedBefore] = [0, 0];
  await load.holding(async () => {
    [versionBefore, droppedBefore] = [await toldHead(seen, listener), await askedSum(ops, DROPPED)];
    process.kill(redis, 'SIGSTOP');
  });
  stack.defer(() => void process.kill(redis, 'SIGCONT'));
  load.everyMs = 0;
  const held = stack.move();

  const settle = async (): Promise<void> => {
    const { version: last } = await load.driver.head();
    process.kill(redis, 'SIGCONT');
    const newer = (): boolean => Math.max(...listener.heard) > last;
    if (!(await comesTrue(SETTLE_TIMEOUT_MS, newer))) find('the bus tells of no commit after Redis went on');
    await load.holding(async () => {
      const commits = (await toldHead(seen, listener)) - versionBefore;
      // The first was on its way as Redis stood still: nobody confirmed it, so it counts, though Redis may have it after all.
      const first = versionBefore + 1;
      const told = [...listener.heard].filter((version) => version > first).length;
      const dropped = (await askedSum(ops, DROPPED)) - droppedBefore;
      if (dropped === 0) find('no commit that could not be announced was counted');
      if (dropped !== commits - told)
        find(
          `${dropped} hints were counted as dropped, and ${commits - told} of ${commits} were never confirmed or told`,
        );
    });
  };
  return async () => {
    await using _held = held;
    const lagged = async (): Promise<number> => (await askedSum(ops, LAGGED)) - laggedBefore;
    if (!(await comesTrue(LAG_TIMEOUT_MS, async () => (await lagged()) >= STALLED_CLIENTS)))
      find(`${await lagged()} of ${STALLED_CLIENTS} stalled clients lost their queue`);
    load.everyMs = ROUND_MS;
    await settle();
  };
}
