import { BOUNDS } from '../bounds.ts';
import { METRICS } from '../declared.ts';
import { ALLOWED } from '../objectives.ts';
import type { Board, BoardRow } from '../panel.ts';
import { RECORDED } from '../rules/recorded.ts';
import { series } from '../series.ts';
import { buildRow } from './build-row.ts';
import { bucketsOf, percentiles, slowest } from './latency.ts';
import { processRow } from './process-row.ts';
import { SANE } from './sane.ts';
import { heatmap, lines, number } from './sizes.ts';
import { storeRow } from './store-row.ts';
import { failedTraces, tracesOf } from './traces.ts';
import { serviceVariables } from './variables.ts';

const storage = series('storage');
const { storage: own, state } = METRICS;

/** Of the index too: whoever finds one disk that corrupts looks at both. */
const EVERY_INTEGRITY_FAILURE = `${RECORDED.integrityFailures}{instance=~"$instance"}`;

const setting = (key: string): string => storage.max(state.config, '', `key="${key}"`);

const promises: BoardRow = {
  title: 'Are objects safe and fast',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Reads',
      what: 'Objects asked for per second.',
      good: 'follows the GETs of the gateway.',
      bad: 'zero while clients read: no storage reads its stream.',
      runbook: 'no_responders',
      unit: 'ops',
      targets: [{ expr: storage.observed(own.getLatency), legend: 'reads' }],
      traces: tracesOf('storage'),
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'First byte, p95',
      what: 'From a request to the first verified byte, 95th percentile.',
      good: 'far under the objective of the whole request.',
      bad: 'the disk, or the event loop.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: storage.quantile(0.95, own.getLatency), legend: 'p95' }],
      limit: ALLOWED.object_get_latency,
      breach: 'failure',
      traces: tracesOf('storage'),
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Durable write, p95',
      what: 'From the last byte received to the object being durable, 95th percentile.',
      good: 'far under the objective of the whole request.',
      bad: 'fsync: see the commits of the store.',
      runbook: 'ObjectPutLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: storage.quantile(0.95, own.putLatency), legend: 'p95' }],
      limit: ALLOWED.object_put_latency,
      breach: 'failure',
      traces: tracesOf('storage'),
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Objects stored',
      what: 'Uploads that ended well per second, new or present.',
      good: 'follows the PUTs of the gateway.',
      bad: 'zero while clients write: see refusals.',
      runbook: 'UploadsAborted',
      unit: 'ops',
      targets: [{ expr: storage.rate(own.objectsStored, ''), legend: 'stored' }],
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Free to write',
      what: 'Bytes this service may still write: the storage with the least.',
      good: 'well above the line.',
      bad: 'below: grow the disk or remove objects; uploads are refused with 507 at the floor.',
      runbook: 'DiskNearlyFull',
      unit: 'bytes',
      targets: [{ expr: `min (${storage.recorded('diskFree')})`, legend: 'least' }],
      limit: BOUNDS.disk_free,
      breach: 'saturation',
      floor: true,
      evidence: { sane: SANE.bytes },
    }),
    number({
      title: 'Integrity',
      what: 'Stored bytes per second that no longer hash to their id.',
      good: 'zero, always.',
      bad: 'a disk corrupts: take it out before you repair.',
      runbook: 'IntegrityFailure',
      unit: 'ops',
      targets: [{ expr: `sum (${storage.recorded('integrityFailures')})`, legend: 'failures' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

const objects: BoardRow = {
  title: 'Reads and writes',
  about: 'red',
  collapsed: true,
  panels: [
    heatmap({
      title: 'First byte',
      what: 'How many reads took how long to their first verified byte; dots are traces.',
      good: 'one band of a few ms.',
      bad: 'a second band: large objects, or a disk that waits.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: bucketsOf(storage, own.getLatency),
      traces: tracesOf('storage'),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'First byte by range, p95',
      what: 'From the request to the first verified byte, whole objects and ranges.',
      good: 'both alike.',
      bad: 'ranges slower: they verify a chunk they cut.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: [slowest(storage, own.getLatency, 'range', '{{range}}')],
      traces: failedTraces('storage'),
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Reads by range',
      what: 'Reads per second of whole objects and of ranges.',
      good: 'follows the load.',
      bad: 'ranges alone: a client seeks.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 'ops',
      targets: [{ expr: storage.observed(own.getLatency, 'range'), legend: '{{range}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    heatmap({
      title: 'Durable write',
      what: 'How many uploads took how long from their last byte to being durable; dots are traces.',
      good: 'one band of a few ms.',
      bad: 'moving up: fsync, or the queue before it.',
      runbook: 'ObjectPutLatencyBudgetBurn',
      unit: 's',
      targets: bucketsOf(storage, own.putLatency),
      traces: tracesOf('storage'),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Durable write, percentiles',
      what: 'From the last byte received to the object being durable.',
      good: 'p95 far under the line.',
      bad: 'the store of this service has the commit time.',
      runbook: 'ObjectPutLatencyBudgetBurn',
      unit: 's',
      targets: percentiles(storage, own.putLatency),
      limit: ALLOWED.object_put_latency,
      breach: 'failure',
      traces: failedTraces('storage'),
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Objects stored by result',
      what: 'Uploads that ended well per second, by whether the object was new.',
      good: 'created, and present where clients repeat.',
      bad: 'present alone: a client uploads the same again and again.',
      runbook: 'UploadsAborted',
      unit: 'ops',
      targets: [{ expr: storage.rate(own.objectsStored, 'result'), legend: '{{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Refused by reason',
      what: 'Objects and reads refused per second, by reason.',
      good: 'zero, but for what callers get wrong.',
      bad: 'no_space: the disk. slots: too many at once. integrity: a disk corrupts.',
      runbook: 'no_space',
      unit: 'ops',
      targets: [{ expr: storage.rate(own.refused, 'reason'), legend: '{{reason}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Bytes in and out',
      what: 'Object bytes per second received and sent.',
      good: 'follows the bodies at the gateway.',
      bad: 'far above them: uploads are refused late.',
      runbook: 'UploadsAborted',
      unit: 'Bps',
      targets: [
        { expr: storage.rate(own.bytesIn, ''), legend: 'in' },
        { expr: storage.rate(own.bytesOut, ''), legend: 'out' },
      ],
      evidence: { sane: SANE.bytesPerSecond },
    }),
    lines({
      title: 'Chunks',
      what: 'Chunks per second read and verified, and chunks of committed objects.',
      good: 'follows the bytes.',
      bad: 'reads without bytes out: clients leave early.',
      runbook: 'DownloadsAborted',
      unit: 'ops',
      targets: [
        { expr: storage.rate(own.chunksRead, ''), legend: 'read' },
        { expr: storage.rate(own.chunksWritten, ''), legend: 'written' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

const slots: BoardRow = {
  title: 'Slots',
  about: 'queues',
  collapsed: true,
  panels: [
    lines({
      title: 'Uploads open',
      what: 'Uploads open, from the ticket to the answer; dashed how many one storage takes.',
      good: 'far below the dashed line.',
      bad: 'at the line the next one is refused with 503: slow clients, or a slow disk.',
      runbook: 'busy',
      unit: 'short',
      targets: [
        { expr: storage.max(own.uploadsInflight, 'instance'), legend: '{{instance}}' },
        { expr: setting('uploadSlots'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Reads open',
      what: 'Objects being streamed; dashed how many one storage streams.',
      good: 'far below the dashed line.',
      bad: 'at the line the next one is refused with 503: slow clients hold them.',
      runbook: 'busy',
      unit: 'short',
      targets: [
        { expr: storage.max(own.readsInflight, 'instance'), legend: '{{instance}}' },
        { expr: setting('readSlots'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
  ],
};

const disk: BoardRow = {
  title: 'Disk and integrity',
  about: 'use',
  collapsed: true,
  panels: [
    lines({
      title: 'Disk free',
      what: 'Bytes each storage may still write, its reserve left out; at zero it refuses uploads.',
      good: 'well above the line.',
      bad: 'falling towards it: grow the disk or remove objects.',
      runbook: 'DiskNearlyFull',
      unit: 'bytes',
      targets: [{ expr: storage.recorded('diskFree'), legend: '{{instance}}' }],
      limit: BOUNDS.disk_free,
      breach: 'saturation',
      floor: true,
      evidence: { sane: SANE.bytes },
    }),
    lines({
      title: 'Integrity failures',
      what: 'Stored bytes or records per second that no longer match what they are named by, storage and index.',
      good: 'zero, always.',
      bad: 'they are never served; a disk corrupts: take it out before you repair.',
      runbook: 'IntegrityFailure',
      unit: 'ops',
      targets: [{ expr: EVERY_INTEGRITY_FAILURE, legend: '{{service}} {{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Integrity failures by place',
      what: 'Where bytes that no longer hash were found: on a read, in a small object, by absence, or at start-up.',
      good: 'zero, always.',
      bad: 'missing: a file is gone. startup: it was found before anybody asked.',
      runbook: 'integrity',
      unit: 'ops',
      targets: [{ expr: storage.rate(own.integrityFail, 'where'), legend: '{{where}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Start-up repairs',
      what: 'Files that got their row back, and rows dropped because their file is gone, per second.',
      good: 'zero, but after a crash.',
      bad: 'dropped: objects are lost on this disk.',
      runbook: 'IntegrityFailure',
      unit: 'ops',
      targets: [{ expr: storage.rate(own.reconciled, 'action'), legend: '{{action}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

/** Objects: how fast they are read and written, and whether they are safe. */
export const storageBoard: Board = {
  uid: 'macronode-storage',
  title: 'Macronode / Storage',
  description: 'First byte, durable writes, refusals, slots, disk, integrity and the store beneath.',
  variables: serviceVariables('storage'),
  rows: [promises, objects, slots, disk, storeRow('storage'), processRow('storage'), buildRow('storage')],
};
