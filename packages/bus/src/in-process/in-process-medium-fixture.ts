import type { OpenMedium } from '../conformance/conformance-world.ts';
import type { InProcessFaults } from './in-process-faults.ts';
import { InProcessLink } from './in-process-link.ts';

/** The medium of the suites in one process: one link for all buses. */
export const inProcessMedium =
  (faults?: InProcessFaults): OpenMedium =>
  ({ streamFrames, minIdleMs, pendingEntries }, metrics) => {
    const link = new InProcessLink({
      faults,
      metrics: metrics(),
      ...(pendingEntries === undefined ? {} : { groupPendingEntries: pendingEntries }),
      ...(minIdleMs === undefined ? {} : { minIdleMs }),
      ...(streamFrames === undefined ? {} : { bounds: { maxFrames: streamFrames, maxBytes: 64 * 1024 * 1024 } }),
    });
    return {
      link: async () => {
        await link.start();
        return link;
      },
      kill: (bus) => bus.close(),
      leftovers: async (living) =>
        (await link.readings())
          .filter(({ stream }) => stream !== 'dead_letter')
          .filter(({ stream, name, depthEntries, pendingEntries }) =>
            stream === 'inbox' ? !living.includes(name) : depthEntries + pendingEntries > 0,
          )
          .map((reading) => JSON.stringify(reading)),
      close: () => link.close(),
    };
  };
