import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../poll.ts';
import { replaceProcesses, startProcesses, stopProcesses } from '../../processes.ts';
import { signal } from '../../run-state.ts';
import type { SupervisorOrder } from '../../supervisor.ts';
import { always, type Expectation, sound } from '../expectation.ts';
import { supervisedState } from '../nodes.ts';
import { onSupervised, type Scenario } from '../scenario.ts';

const QUARANTINE_TIMEOUT_MS = 40_000;
/** What the sources ask of a restart under load. */
const BLIP: Expectation = [
  { claim: 'p95', of: 'reads', ms: 500, during: 'fault' },
  { claim: 'failures', of: 'all', share: 0.01, during: 'fault' },
];

/** A node that the supervisor keeps running: two gateways, two omnigates, one of each other service. */
export const supervisedScenarios: readonly Scenario[] = [
  onSupervised({
    name: 'rolling_restart',
    what: 'every process replaced, one after another, as npm run up -- --restart does it',
    seconds: 0,
    expects: [...always({ recovery: 5, unanswered: true }), ...sound('outside'), ...BLIP],
    make: async ({ runDir }) => {
      await replaceProcesses(runDir);
      return () => Promise.resolve();
    },
  }),
  onSupervised({
    name: 'sigterm_under_load',
    what: 'SIGTERM to one gateway and one omnigate of two, which end what they have begun; the supervisor starts them again',
    seconds: 4,
    expects: [...always({ recovery: 5, unanswered: true }), ...sound('outside'), ...BLIP],
    make: async (node) => {
      for (const { service, index, pid } of supervisedState(node).processes)
        if (index === 1 && pid !== undefined && (service === 'gateway' || service === 'omnigate'))
          signal(pid, 'SIGTERM');
      return () => Promise.resolve();
    },
  }),
  onSupervised({
    name: 'crash_loop',
    what: 'the index killed whenever the supervisor has started it, until the supervisor leaves it alone; then the node is stopped and started',
    seconds: 4,
    spoils: true,
    expects: [
      ...always({ recovery: 15, unanswered: true }),
      ...sound('outside'),
      // Only its quarantine is looked at: stopping the node is how a quarantine is ended.
      { claim: 'bites', of: ['name_read', 'publish'], share: 0.5 },
    ],
    make: async (node) => {
      await poll('the index to be quarantined', QUARANTINE_TIMEOUT_MS, () => {
        const index = supervisedState(node).processes.find(({ service }) => service === 'index');
        if (index?.pid !== undefined) signal(index.pid, 'SIGKILL');
        return index?.status === 'quarantined';
      });
      return async () => {
        const order = JSON.parse(readFileSync(join(node.runDir, 'order.json'), 'utf8')) as SupervisorOrder;
        await stopProcesses(node.runDir);
        // Its Redis is stopped with it; whoever takes the node down ends this one too.
        const { redis } = order;
        if (redis !== undefined) spawn(redis.argv[0], redis.argv.slice(1), { cwd: redis.dir, stdio: 'ignore' });
        await startProcesses(order);
      };
    },
    during: async (node, { load, find }) => {
      const others = load.samples.filter(({ kind, at }) => kind === 'get' && at > load.now - 3_000);
      const failed = others.filter(({ status }) => status !== 200).length;
      if (failed > 0) find(`${failed} of ${others.length} reads of objects failed while the index was quarantined`);
      const down = supervisedState(node).processes.filter(({ status }) => status !== 'ready');
      if (down.some(({ service }) => service !== 'index'))
        find(`not only the index was down: ${down.map(({ service }) => service).join(', ')}`);
    },
  }),
];
