import { BOUNDS } from '../../bounds.ts';
import type { BoardRow } from '../../panel.ts';
import { SANE } from '../sane.ts';
import { lines } from '../sizes.ts';
import { faces, own, registry, state, streams } from './faces.ts';

/** Who follows the log: clients of its stream, replicas, and witnesses. */
export const followers: BoardRow = {
  title: 'Streams, replicas, witnesses',
  about: 'dependencies',
  collapsed: true,
  panels: [
    lines({
      title: 'Stream clients',
      what: 'Event streams that are open, at the gateways and at the registry; dashed how many one process opens.',
      good: 'as many as followers.',
      bad: 'at the line the next one is refused with 429.',
      runbook: 'saturated',
      unit: 'short',
      targets: [
        { expr: faces.max(streams.clients, 'service, instance'), legend: '{{service}} {{instance}}' },
        { expr: faces.max(state.config, '', 'key="streamClients"'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Streams lagging',
      what: 'How often per second a client was too slow for its queue: it lost the queue, was told, and reads the head.',
      good: 'zero.',
      bad: 'one instance: its network or its processor. All: clients do not keep up with the commits.',
      runbook: 'RegistryStreamsLagging',
      unit: 'ops',
      targets: [{ expr: faces.rate(streams.lagged, 'service, instance'), legend: '{{service}} {{instance}}' }],
      limit: BOUNDS.registry_streams_lagged,
      breach: 'saturation',
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Streams cut',
      what: 'Event streams per second that were cut because their client took nothing for half a minute.',
      good: 'near zero: laptops that were closed.',
      bad: 'many at once: a proxy that holds back what it is sent.',
      runbook: 'RegistryStreamsLagging',
      unit: 'ops',
      targets: [{ expr: faces.rate(streams.stalled, 'service, instance'), legend: '{{service}} {{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Announcements dropped',
      what: 'Commits per second that could not be announced on the bus.',
      good: 'zero.',
      bad: 'the bus is full or gone; readers find the version at the head.',
      runbook: 'BusOverflowing',
      unit: 'ops',
      targets: [{ expr: registry.rate(own.eventsDropped, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Replica lag',
      what: 'Versions the log a replica follows has and the replica has not; 0 where nothing is followed.',
      good: 'zero or one.',
      bad: 'grows: the replica cannot reach its log, or does not believe it.',
      runbook: 'RegistryReplicaBehind',
      unit: 'short',
      targets: [{ expr: registry.max(own.replicaLag, 'instance'), legend: '{{instance}}' }],
      limit: BOUNDS.registry_replica_lag,
      breach: 'saturation',
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Witnesses by answer',
      what: 'Checkpoints sent to witnesses per second, by what came back.',
      good: 'cosigned.',
      bad: 'conflict: it has seen another size. refused: it does not know this log. failed: it does not answer.',
      runbook: 'RegistryWitnessFailing',
      unit: 'ops',
      targets: [{ expr: registry.rate(own.cosignatures, 'result'), legend: '{{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Witnesses failing',
      what: 'Share of the checkpoints sent to witnesses that came back without a cosignature.',
      good: 'zero.',
      bad: 'above the line checkpoints carry the signature of this log alone.',
      runbook: 'RegistryWitnessFailing',
      unit: 'percentunit',
      targets: [{ expr: registry.recorded('registryWitnessFailed'), legend: '{{instance}}' }],
      limit: BOUNDS.registry_witness_failed,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
  ],
};
