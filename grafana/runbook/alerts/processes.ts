import { METRICS } from '../../declared.ts';
import { ask, highest, p99, perSecond, recorded, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';

const { bus, connections, mailbox, process, counting, state, storage } = METRICS;

/** What one process runs out of. */
export const processEntries: Readonly<Record<string, RunbookEntry>> = {
  EventLoopLag: {
    meaning:
      'Something keeps the one thread of a process busy for 100 ms at a time. Everything it does is late by as much.',
    steps: [
      ask(
        'Which process, how late.',
        recorded('eventLoopLag'),
        'Above 0.1 for the process of the alert, below 0.02 for the others.',
      ),
      ask(
        'Whether it is load or one long turn.',
        highest(process.utilization, 'service, instance'),
        'Near 1: it is loaded all the time. Low with a high lag: single long turns.',
      ),
      ask('Whether garbage collection is what takes long.', recorded('gcShare'), 'Above 0.1: see `GcPressure`.'),
      ask(
        'Which handlers are slow in it.',
        p99(bus.handlerSeconds, 'service, subject'),
        'The subject that stands out runs too long between two awaits.',
      ),
    ],
    mend: [
      'All handlers of it are slow and utilization is near 1: see `CpuSaturated`.',
      'One subject: large JSON bodies or batches; the callers send smaller ones.',
      'The whole machine is slow: the lag shows in every process at once; look for a neighbour that takes its CPUs.',
    ],
  },
  CpuSaturated: {
    meaning:
      'A process used nine tenths of a core for ten minutes. Its JavaScript has one thread, so no more can come of it.',
    steps: [
      ask('Which process.', recorded('cpuCores'), 'Above 0.9.'),
      ask(
        'What it is given.',
        perSecond(bus.received, 'service, kind'),
        'Against last week at the same hour: more load, or the same load that costs more.',
      ),
      ask('Whether it goes into collecting garbage.', recorded('gcShare'), 'Below 0.1: it is work.'),
    ],
    mend: [
      'Gateway or omnigate: run more of them, `npm run up -- --replicas gateway=2,omnigate=2`.',
      'Storage, index or mailbox hold their data alone: refuse earlier (`GATEWAY_INFLIGHT`) until they have a faster core.',
      'The same load costs more since a release: compare `build_info` over time and go back.',
    ],
  },
  GcPressure: {
    meaning:
      'A tenth of the time of a process goes into collecting garbage: the heap is nearly full of what is still needed.',
    steps: [
      ask(
        'Which kind of collection.',
        perSecond(process.gcSeconds, 'service, instance, kind'),
        '`major` stands out when the heap is full; `minor` when much is made and thrown away.',
      ),
      ask(
        'How full the heap is.',
        `max by (service, instance) (${process.heapUsed.name} / ${process.heapLimit.name})`,
        'Above 0.8: it is full.',
      ),
      ask(
        'What it holds at once.',
        highest(bus.clientInflightBytes, 'service, instance'),
        'Near 64 MiB: many large calls without an answer.',
      ),
    ],
    mend: [
      'Full and level under load: give the container more memory, V8 takes its heap from it.',
      "Full and rising without load: a leak. `node inspect -p PID`, there `takeHeapSnapshot('FILE')`, keeps what it holds; then restart the process.",
      'Many minor ones: smaller batches from the callers.',
    ],
  },
  MemoryNearLimit: {
    meaning: 'A process holds nine tenths of what its control group gives it. Above all of it the kernel kills it.',
    steps: [
      ask('Which process, how close.', recorded('memoryShare'), 'Above 0.9.'),
      ask(
        'Buffers or heap.',
        highest(process.external, 'service, instance'),
        'Most of the resident size: buffers of streams. Little of it: the heap.',
      ),
      ask(
        'Whether streams hold the buffers.',
        highest(bus.streamCreditBytes, 'service'),
        'Up to 64 MiB for a bus: many uploads and downloads are open.',
      ),
      ask(
        'Whether it is garbage.',
        highest(process.liveMemory, 'service, instance'),
        'Far below the resident size and flat: garbage that V8 has no need to collect yet. Rising from hour to hour: a leak.',
      ),
      ask(
        'Whether the mailbox keeps its messages in memory.',
        highest(mailbox.storedBytes, 'service, instance'),
        'Without `DATA_DIR` all of it is memory.',
      ),
    ],
    mend: [
      'Streams: lower `STORAGE_UPLOAD_SLOTS` and `STORAGE_READ_SLOTS`.',
      'Data in memory: set `DATA_DIR`, or lower `STORAGE_MEMORY_BYTES` and `MAILBOX_STORE_MIB`; both count against the same limit in a micronode.',
      'Neither: a leak. Restart it in a quiet minute and see `GcPressure` when it has grown to half: a snapshot takes as much memory again as the heap.',
    ],
  },
  DescriptorsNearLimit: {
    meaning:
      'A process has four fifths of its file descriptors open. At the limit it accepts no connection and opens no file.',
    steps: [
      ask('Which process.', recorded('fdShare'), 'Above 0.8.'),
      ask(
        'Whether they are client connections.',
        highest(connections.connections, 'service, instance'),
        'About as many as open descriptors.',
      ),
      ask(
        'Whether they are objects being read.',
        highest(storage.readsInflight, 'service, instance'),
        'At most `STORAGE_READ_SLOTS`; more descriptors than that are a leak.',
      ),
      ask(
        'The limit itself.',
        highest(process.maxFds, 'service, instance'),
        '1024 is the default of many shells, too low for `GATEWAY_CONNECTIONS`.',
      ),
    ],
    mend: [
      'A low limit: `ulimit -n` of the shell or `nofile` of the container, above `GATEWAY_CONNECTIONS` plus 200.',
      'Clients that open and keep connections: lower `GATEWAY_CONNECTIONS`, so that they are dropped before files cannot be opened.',
    ],
  },
  MetricsMisused: {
    meaning:
      'Code counted with a label value that is not declared, or something that is not a number. The count is dropped.',
    steps: [
      ask(
        'Which process.',
        `sum by (service, instance) (increase(${counting.misuses.name}[3600s])) > 0`,
        'The service whose code is wrong.',
      ),
      ask(
        'Which build began it.',
        `count by (service, version, git_sha) (${state.build.name})`,
        'The version since which the count rises.',
      ),
    ],
    mend: [
      'A label that comes from input: find in that version what counts with it, and declare the value or count with `other`. Nothing is to be done in operation.',
    ],
  },
  MetricsCollectFailing: {
    meaning: 'A value that is read at the scrape cannot be read. Its series is missing; panels of it say "No data".',
    steps: [
      ask(
        'Which process, since when.',
        perSecond(counting.collectFailures, 'service, instance'),
        'Once per scrape: one value fails every time.',
      ),
      type(
        'Which series is missing.',
        'curl -s http://127.0.0.1:9083/metrics',
        'Compare with docs/metrics.md: one that is there on the other processes.',
      ),
    ],
    mend: [
      'The series of the disk: its folder in `DATA_DIR` was removed or unmounted; put it back and restart the process.',
      'The series of streams and groups: Redis refuses the command; see whether it was replaced by an older version.',
    ],
  },
};
