import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Outcome, SelfRunningBench } from '../bench-harness.ts';
import { startRedis } from '../redis.ts';
import { Child } from '../measure/child.ts';
import { watchCpu } from '../measure/cpu.ts';

const SECONDS = 60;
/** A link reads in longer blocks once it had nothing to do for 30 s; before that it is not idle. */
const UNTIL_IDLE_SECONDS = 35;
const COMMANDS_PER_MINUTE_MAX = 150;
const CPU_PERCENT_MAX = 0.5;
const MICROS_PER_SECOND = 1_000_000;
const SIGNIFICANT_DIGITS = 4;
const rounded = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS));

/** Calls by command so far. Those this process made to look are commands too: the caller leaves INFO out. */
async function commandCalls(redis: Redis): Promise<ReadonlyMap<string, number>> {
  const calls = new Map<string, number>();
  for (const [, command = '', count] of (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (command !== 'info') calls.set(command, Number(count));
  }
  return calls;
}

async function measure(seconds: number, untilIdleSeconds: number): Promise<Outcome> {
  await using redis = await startRedis({ appendOnly: false });
  const service = new Child<{ readonly type: 'ready' }>(new URL('idle/idle-service-process.ts', import.meta.url), [
    redis.url,
  ]);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => service.stop());
  await service.next('ready');
  const observer = new Redis(redis.url);
  stack.defer(() => observer.disconnect());
  process.stdout.write(`  waiting ${untilIdleSeconds} s until the service is idle, then ${seconds} s\n`);
  await delay(untilIdleSeconds * 1_000);
  const before = await commandCalls(observer);
  const startedAt = performance.now();
  const stop = watchCpu([
    { name: 'service', pid: service.pid },
    { name: 'redis', pid: redis.process.pid },
  ]);
  await delay(seconds * 1_000);
  const { micros } = stop();
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  const after = await commandCalls(observer);
  const figures: Record<string, number> = {};
  let commands = 0;
  for (const [command, calls] of after) {
    const grown = calls - (before.get(command) ?? 0);
    if (grown === 0) continue;
    figures[`${command}_per_minute`] = rounded((grown / elapsedSeconds) * 60);
    commands += grown;
  }
  // A script's own commands are counted beside the EVALSHA that ran it: the sum is what Redis did.
  const perMinute = rounded((commands / elapsedSeconds) * 60);
  const percentOf = (name: string): number => rounded(((micros[name] ?? 0) / MICROS_PER_SECOND / elapsedSeconds) * 100);
  for (const [command, rate] of Object.entries(figures)) process.stdout.write(`  ${command.padEnd(34)} ${rate}\n`);
  process.stdout.write(`  redis itself used ${percentOf('redis')} % of a core\n`);
  return {
    cases: [
      { case: 'commands', unit: 'commands/min', median: perMinute, min: perMinute, max: perMinute, runs: 1 },
      {
        ...{ case: 'service CPU', unit: '% of a core', runs: 1 },
        ...{ median: percentOf('service'), min: percentOf('service'), max: percentOf('service') },
      },
    ],
    ratios: {},
    figures: { ...figures, redis_cpu_percent: percentOf('redis') },
    goals: [
      { name: 'idle_commands_per_minute', measured: perMinute, is: 'at most', bound: COMMANDS_PER_MINUTE_MAX },
      { name: 'idle_cpu_percent', measured: percentOf('service'), is: 'at most', bound: CPU_PERCENT_MAX },
    ],
  };
}

/** What a service costs that nobody asks. */
export const busIdle: SelfRunningBench = {
  summary: 'an idle service: Redis commands a minute, and its CPU',
  flags: {
    seconds: { type: 'string', default: String(SECONDS) },
    'until-idle': { type: 'string', default: String(UNTIL_IDLE_SECONDS) },
  },
  run: (flags) => measure(Number(flags['seconds']), Number(flags['until-idle'])),
};
