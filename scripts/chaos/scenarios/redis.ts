import { ACCOUNTED, always, sound } from '../expectation.ts';
import { onProcesses, onSentinel, type Scenario } from '../scenario.ts';

/** Redis gone, asleep, or another one than before. */
export const redisScenarios: readonly Scenario[] = [
  onProcesses({
    name: 'redis_killed',
    what: 'SIGKILL to Redis; it is started again with its append-only file',
    seconds: 8,
    expects: [...always({ recovery: 15 }), ...sound('outside'), { claim: 'bites', of: 'all', share: 0.5 }, ACCOUNTED],
    make: async ({ medium }) => {
      process.kill(medium.pid(), 'SIGKILL');
      return async () => medium.startAgain();
    },
  }),
  onProcesses({
    name: 'redis_paused',
    what: 'SIGSTOP to Redis',
    seconds: 8,
    expects: [...always({ recovery: 15 }), ...sound('outside'), { claim: 'bites', of: 'all', share: 0.5 }, ACCOUNTED],
    make: async ({ medium }) => {
      const pid = medium.pid();
      process.kill(pid, 'SIGSTOP');
      return async () => process.kill(pid, 'SIGCONT');
    },
  }),
  onSentinel({
    name: 'redis_failed_over',
    what: 'SIGKILL to the primary of a Sentinel set; Sentinel makes the replica the primary',
    seconds: 0,
    spoils: true,
    expects: [...always({ recovery: 15 }), ...sound('outside'), ACCOUNTED],
    make: async ({ group }) => {
      const before = await group.primary();
      await before?.stop('SIGKILL');
      return () => group.replaced(before);
    },
  }),
];
