import { setTimeout as delay } from 'node:timers/promises';
import { descriptors, type RegistryDriver, type Round } from '../../rig/registry-driver.ts';

const MS_PER_SECOND = 1_000;
const PAYLOAD_BYTES = 1_024;

/** A round, and when its commit was answered: ms since the epoch, with fractions. */
export interface TimedRound extends Round {
  readonly answeredAt: number;
}

/** Rounds at a fixed rate until it is over, which is asked with how many are done; one that is late begins at once, and none overlaps the one before: there is one head. */
export async function commitsAt(
  driver: RegistryDriver,
  perSecond: number,
  over: (done: number) => boolean,
): Promise<readonly TimedRound[]> {
  const rounds: TimedRound[] = [];
  const startedAt = performance.now();
  while (!over(rounds.length)) {
    const dueMs = (rounds.length * MS_PER_SECOND) / perSecond;
    const waitMs = startedAt + dueMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    if (over(rounds.length)) break;
    rounds.push(await oneRound(driver));
  }
  return rounds;
}

/** So many, one after another, as fast as they are answered. */
export async function commitsInARow(driver: RegistryDriver, count: number): Promise<readonly TimedRound[]> {
  const rounds: TimedRound[] = [];
  while (rounds.length < count) rounds.push(await oneRound(driver));
  return rounds;
}

/** Something nobody has committed before. */
export async function oneRound(driver: RegistryDriver): Promise<TimedRound> {
  const label = `node-${process.pid}-${(performance.timeOrigin + performance.now()).toFixed(3)}`;
  const round = await driver.commitNext(descriptors(label, PAYLOAD_BYTES));
  return { ...round, answeredAt: performance.timeOrigin + performance.now() };
}
