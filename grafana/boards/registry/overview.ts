import { ROUTES } from '@macronode/contracts';
import { BOUNDS } from '../../bounds.ts';
import { TAKES_NO_WRITES } from '../../declared.ts';
import { ALLOWED } from '../../objectives.ts';
import type { BoardRow } from '../../panel.ts';
import { top } from '../../series.ts';
import { ofRoute } from '../edge.ts';
import { bucketsOf, percentiles } from '../latency.ts';
import { SANE } from '../sane.ts';
import { heatmap, lines, number } from '../sizes.ts';
import { failedTraces, slowTraces, TRACES_OF_ROUTE, tracesOf } from '../traces.ts';
import { faces, golden, own, registry, ROUTED } from './faces.ts';

const HEAD = ofRoute(ROUTES.registryHead);
const ENTRY = ofRoute(ROUTES.registryEntry);
const SLOW_HEADS = slowTraces(ALLOWED.registry_head_latency.value);
const SLOW_ENTRIES = slowTraces(ALLOWED.registry_entry_latency.value);

export const promises: BoardRow = {
  title: 'Is the log read and written in time',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Head, p95',
      what: 'Time to answer the head, at the gateway and at the port of the registry, 95th percentile.',
      good: 'under the objective: it is answered from memory.',
      bad: 'the bus on its way, or the event loop of the registry.',
      runbook: 'RegistryHeadLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: faces.quantile(0.95, golden.requestLatency, '', HEAD), legend: 'p95', exemplar: true }],
      limit: ALLOWED.registry_head_latency,
      breach: 'failure',
      traces: SLOW_HEADS,
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Version, p95',
      what: 'Time to answer one version, 95th percentile.',
      good: 'under the objective: one indexed read.',
      bad: 'large payloads, or a store that is behind.',
      runbook: 'RegistryEntryLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: faces.quantile(0.95, golden.requestLatency, '', ENTRY), legend: 'p95', exemplar: true }],
      limit: ALLOWED.registry_entry_latency,
      breach: 'failure',
      traces: SLOW_ENTRIES,
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Commit, p95',
      what: 'From a request to commit to its answer, inside the registry, 95th percentile.',
      good: 'tens of milliseconds.',
      bad: 'the stages of a commit say which step it waits for.',
      runbook: 'RegistryCommitSlow',
      unit: 's',
      targets: [{ expr: `max (${registry.recorded('registryCommit')})`, legend: 'p95' }],
      limit: BOUNDS.registry_commit_p95,
      breach: 'failure',
      traces: tracesOf('registry'),
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Checkpoint, age',
      what: 'Time since the published checkpoint was signed.',
      good: 'below half a minute, also of an idle log.',
      bad: 'readers that check its time trust nothing newer.',
      runbook: 'RegistryCheckpointStale',
      unit: 's',
      targets: [{ expr: registry.max(own.checkpointAge, ''), legend: 'age' }],
      limit: BOUNDS.registry_checkpoint_age,
      breach: 'failure',
      evidence: { sane: SANE.age },
    }),
    number({
      title: 'Not verified',
      what: 'Entries and audit records of this log that did not verify when they were read again.',
      good: 'zero, always.',
      bad: 'somebody or something changed the log: stop the writes, keep the disk.',
      runbook: 'RegistryAuditFailure',
      unit: 'short',
      targets: [{ expr: `max (${registry.recorded('registryAuditFailures')})`, legend: 'not verified' }],
      evidence: { sane: SANE.count },
    }),
    number({
      title: 'Version',
      what: 'The newest version.',
      good: 'rises with each commit.',
      bad: 'falls: another log is mounted, or none.',
      runbook: 'chain_mismatch',
      unit: 'short',
      targets: [{ expr: `max (${registry.max(own.headVersion, 'instance')})`, legend: 'version' }],
      evidence: { sane: SANE.count },
    }),
  ],
};

export const overview: BoardRow = {
  title: 'Service overview: rate, errors, duration, places taken',
  about: 'red',
  collapsed: true,
  panels: [
    lines({
      title: 'Requests',
      what: 'Answers per second by route and by who answers, the busiest fifteen.',
      good: 'reads follow the readers, writes are rare.',
      bad: 'a route that falls to zero has lost its callers or its service.',
      runbook: 'no_responders',
      unit: 'reqps',
      targets: [
        {
          expr: top(15, faces.rate(golden.httpRequests, 'service, method, route', ROUTED)),
          legend: '{{service}} {{method}} {{route}}',
        },
      ],
      traces: TRACES_OF_ROUTE,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Answers by code',
      what: 'Answers per second by status code and by who answers.',
      good: '2xx and 304.',
      bad: '409 and 422 are signers that disagree, 429 a bound, 503 a log that takes no writes.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'reqps',
      targets: [
        { expr: top(20, faces.rate(golden.httpRequests, 'service, code', ROUTED)), legend: '{{service}} {{code}}' },
      ],
      traces: failedTraces('registry'),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Refusals by reason',
      what: 'Requests the registry refused per second, the fifteen most frequent reasons.',
      good: 'zero, but for what signers get wrong.',
      bad: 'route_soft and route_hard: too many at once. Anything of signatures: look at who signs.',
      runbook: 'saturated',
      unit: 'ops',
      targets: [{ expr: top(15, registry.rate(golden.rejected, 'reason')), legend: '{{reason}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    heatmap({
      title: 'Time to answer',
      what: 'How many requests of its routes took how long; a stream counts until it is open. Dots are traces.',
      good: 'one band of a few ms; commits above it.',
      bad: 'a second band among the reads: they wait for something.',
      runbook: 'RegistryHeadLatencyBudgetBurn',
      unit: 's',
      targets: bucketsOf(faces, golden.requestLatency, ROUTED),
      traces: SLOW_HEADS,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Head, percentiles',
      what: 'Time to answer the head.',
      good: 'p95 far under the line.',
      bad: 'p99 alone: a commit or a compaction holds the event loop.',
      runbook: 'RegistryHeadLatencyBudgetBurn',
      unit: 's',
      targets: percentiles(faces, golden.requestLatency, HEAD),
      limit: ALLOWED.registry_head_latency,
      breach: 'failure',
      traces: SLOW_HEADS,
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Version, percentiles',
      what: 'Time to answer one version.',
      good: 'p95 under the line.',
      bad: 'all three: the store, or payloads of hundreds of KiB.',
      runbook: 'RegistryEntryLatencyBudgetBurn',
      unit: 's',
      targets: percentiles(faces, golden.requestLatency, ENTRY),
      limit: ALLOWED.registry_entry_latency,
      breach: 'failure',
      traces: SLOW_ENTRIES,
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'In flight by class of routes',
      what: 'Requests being answered, by class of routes; dashed what may be for ten seconds. Four times as many are refused at once.',
      good: 'far below the dashed lines.',
      bad: 'at a line: 429 after ten seconds. write: commits wait for one another.',
      runbook: 'saturated',
      unit: 'short',
      targets: [
        { expr: registry.max(own.routeInflight, 'route'), legend: '{{route}}' },
        { expr: registry.max(own.routeBound, 'route'), legend: '{{route}} bound', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Writes refused',
      what: 'Writes refused per second because the log takes none: frozen, without signers, or a replica.',
      good: 'zero.',
      bad: 'somebody froze it and went away, or writers ask a replica.',
      runbook: 'RegistryWritesRefused',
      unit: 'ops',
      targets: [{ expr: registry.rate(golden.rejected, 'instance', TAKES_NO_WRITES), legend: '{{instance}}' }],
      limit: BOUNDS.registry_refusing,
      breach: 'saturation',
      evidence: { sane: SANE.perSecond },
    }),
  ],
};
