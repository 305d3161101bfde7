import { BOUNDS } from '../../bounds.ts';
import type { BoardRow } from '../../panel.ts';
import { top } from '../../series.ts';
import { SANE } from '../sane.ts';
import { lines } from '../sizes.ts';
import { fleet, OF_PROCESS, own } from './faces.ts';

/** Memory and descriptors, and their limits. */
export const memory: BoardRow = {
  title: 'Memory and descriptors',
  about: 'use',
  collapsed: true,
  panels: [
    lines({
      title: 'Memory of the limit',
      what: 'Resident memory over the memory the process may have: its container, or the machine.',
      good: 'flat, below the line.',
      bad: 'a steady slope is a leak; compare heap and external memory.',
      runbook: 'MemoryNearLimit',
      unit: 'percentunit',
      targets: [{ expr: fleet.recorded('memoryShare'), legend: OF_PROCESS }],
      limit: BOUNDS.memory_share,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Resident memory',
      what: 'Resident set size per process; dashed the smallest limit among them.',
      good: 'flat.',
      bad: 'a steady slope is a leak.',
      runbook: 'MemoryNearLimit',
      unit: 'bytes',
      targets: [
        { expr: top(19, fleet.max(own.resident, 'service, instance')), legend: OF_PROCESS },
        { expr: fleet.min(own.memoryLimit, ''), legend: 'smallest limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.bytes },
    }),
    lines({
      title: 'Heap',
      what: 'V8 heap in use and reserved, the largest of each service; dashed what V8 lets it grow to.',
      good: 'a saw with a flat bottom.',
      bad: 'the bottom rises: objects are kept.',
      runbook: 'MemoryNearLimit',
      unit: 'bytes',
      targets: [
        { expr: fleet.max(own.heapUsed, 'service'), legend: '{{service}} used' },
        { expr: fleet.max(own.heapTotal, 'service'), legend: '{{service}} reserved' },
        { expr: fleet.min(own.heapLimit, ''), legend: 'smallest limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.bytes },
    }),
    lines({
      title: 'Live memory',
      what: 'Heap and buffers still in use after the last full collection, the largest of each service.',
      good: 'flat.',
      bad: 'rises from collection to collection: objects are kept.',
      runbook: 'MemoryNearLimit',
      unit: 'bytes',
      targets: [{ expr: fleet.max(own.liveMemory, 'service'), legend: '{{service}}' }],
      evidence: { sane: SANE.bytes },
    }),
    lines({
      title: 'External memory',
      what: 'Buffers and other objects outside the V8 heap, the largest of each service.',
      good: 'follows what is in flight.',
      bad: 'rises alone: buffers are kept.',
      runbook: 'MemoryNearLimit',
      unit: 'bytes',
      targets: [{ expr: fleet.max(own.external, 'service'), legend: '{{service}}' }],
      evidence: { sane: SANE.bytes },
    }),
    lines({
      title: 'Descriptors of the limit',
      what: 'Open file descriptors over their limit.',
      good: 'below the line.',
      bad: 'connections that never close, or a limit that is too low.',
      runbook: 'DescriptorsNearLimit',
      unit: 'percentunit',
      targets: [{ expr: fleet.recorded('fdShare'), legend: OF_PROCESS }],
      limit: BOUNDS.fd_share,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Descriptors',
      what: 'Open file descriptors, the most of each service; dashed the smallest limit.',
      good: 'follows the connections.',
      bad: 'rises alone: something is not closed.',
      runbook: 'DescriptorsNearLimit',
      unit: 'short',
      targets: [
        { expr: fleet.max(own.openFds, 'service'), legend: '{{service}}' },
        { expr: fleet.min(own.maxFds, ''), legend: 'smallest limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
  ],
};
