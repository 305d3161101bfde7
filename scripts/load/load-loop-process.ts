// The users of one node, in a process of their own, so that what drives the load does not wait on who watches it.
import { FLOWS, type LoadName } from '../../k6/flows/flows.ts';
import { OtherAnswer } from '../../k6/flows/user.ts';
import { openLoop } from '../measure/open-loop.ts';
import { LoadTally } from './load-tally.ts';
import type { LoadOrder, LoopMessage, LoopSetting } from './load-loop.ts';
import { nodeSigners } from './node-signers.ts';
import { NodeUser, openPool } from './node-user.ts';

/** A message to the parent is sent before the loop goes on; there is nobody to tell when the parent is gone. */
const tell = (message: LoopMessage): void => void process.send?.(message);
process.on('disconnect', () => process.exit());

const setting = JSON.parse(process.argv[2] ?? '{}') as LoopSetting;
const tally = new LoadTally();
const pool = openPool(setting.url, setting.users);
const signers = setting.signers === undefined ? undefined : nodeSigners(setting.signers);
const users = Array.from(
  { length: setting.users },
  (_, at) => new NodeUser(pool, tally, { number: at + 1, run: setting.run, seed: setting.seed, signers }),
);
const worlds = new Map<LoadName, unknown>();

async function turn(flow: LoadName, user: NodeUser): Promise<void> {
  try {
    await FLOWS[flow].turn(user, worlds.get(flow));
    tally.turned();
  } catch (error) {
    if (error instanceof OtherAnswer) return;
    tally.failed(`a turn threw: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Every user goes round again as soon as it is done. */
async function closedLoop({ flow, ...order }: LoadOrder, over: () => boolean): Promise<void> {
  let left = order.turns ?? Infinity;
  const walk = async (user: NodeUser): Promise<void> => {
    while (left-- > 0 && !over()) await turn(flow, user);
  };
  await Promise.all(users.slice(0, order.users ?? users.length).map(walk));
}

/** Turns begin when they are due, whether or not earlier ones are done; one that finds every user busy is dropped and counted. */
async function arrivals(flow: LoadName, perSecond: number, over: () => boolean): Promise<void> {
  const free = [...users];
  const underWay = new Set<Promise<void>>();
  await openLoop(perSecond, over, () => {
    const user = free.pop();
    if (user === undefined) return tally.dropped();
    const one = turn(flow, user).then(() => {
      free.push(user);
      underWay.delete(one);
    });
    underWay.add(one);
  });
  await Promise.all(underWay);
}

async function prepare(flow: LoadName): Promise<void> {
  const [first] = users;
  if (first === undefined) throw new Error('a load without users');
  worlds.set(flow, await FLOWS[flow].prepare(first));
}

/** One order after another: the answer to an order comes when its last request was answered. */
async function carryOut(order: LoadOrder): Promise<LoopMessage> {
  if (!worlds.has(order.flow)) await prepare(order.flow);
  tally.take(0);
  const startedAt = performance.now();
  const over = (): boolean => performance.now() - startedAt >= order.ms;
  if (order.turnsPerSecond === undefined) await closedLoop(order, over);
  else await arrivals(order.flow, order.turnsPerSecond, over);
  return { type: 'done', report: tally.take(performance.now() - startedAt) };
}

process.on('message', (order: LoadOrder) => {
  carryOut(order).then(tell, (error: unknown) => tell({ type: 'done', error: String(error) }));
});
tell({ type: 'ready' });
