import type { BoardRow } from '../../panel.ts';
import { top } from '../../series.ts';
import { bucketsOf } from '../latency.ts';
import { SANE } from '../sane.ts';
import { heatmap, lines } from '../sizes.ts';
import { gateway } from './faces.ts';
import { gaugeOf, histogramOf, mirrored, perSecond, perSecondBy } from './gossip-metrics.ts';

const INCLUSIONS = ['fanout', 'random', 'subscribed', 'outbound', 'not_enough', 'opportunistic', 'unknown'] as const;
const CHURN = ['disconnected', 'bad_score', 'prune', 'excess', 'unknown'] as const;
/** A score is a number of either sign. */
const SCORE = [-1e6, 1e6] as const;
const MIRROR = [-1e6, 1e6] as const;
const TABLES_SHOWN = 15;

/** Who is in the mesh of which topic; a topic is the kind of its claims. */
export const topics: BoardRow = {
  title: 'Gossip: topics and their meshes',
  about: 'dependencies',
  collapsed: true,
  panels: [
    lines({
      title: 'Subscribers and mesh peers',
      what: 'Peers that subscribe to each topic, and those in its mesh, at the gateway that has the fewest.',
      good: 'mesh peers are all subscribers, or four and more.',
      bad: 'subscribers without mesh peers: bad scores, or backoffs after many restarts.',
      runbook: 'MeshWithoutPeers',
      unit: 'short',
      targets: [
        { expr: gateway.min(gaugeOf('topic_peer_count'), 'topic'), legend: '{{topic}} subscribers' },
        { expr: gateway.min(gaugeOf('mesh_peer_count'), 'topic'), legend: '{{topic}} mesh' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Peers taken in and let go',
      what: 'Peers per second that entered the mesh of a topic, above the axis, and that left one, below it, by reason.',
      good: 'zero but for restarts.',
      bad: 'both, steadily: meshes that do not settle. bad_score: gossip punishes somebody.',
      runbook: 'MeshWithoutPeers',
      unit: 'ops',
      targets: [
        ...INCLUSIONS.map((reason) => perSecond(`mesh_peer_inclusion_events_${reason}_total`, `in: ${reason}`)),
        ...CHURN.map((reason) => mirrored(`peer_churn_events_${reason}_total`, `out: ${reason}`)),
      ],
      evidence: { sane: MIRROR },
    }),
    lines({
      title: 'Topics subscribed',
      what: 'Whether every gateway subscribes to each topic: 1.',
      good: 'one for each kind of claim; 0 where the mesh is off.',
      bad: 'zero while it runs: claims of that kind do not arrive.',
      runbook: 'MeshWithoutPeers',
      unit: 'short',
      targets: [{ expr: gateway.min(gaugeOf('topic_subscription_status'), 'topic'), legend: '{{topic}}' }],
      evidence: { sane: [0, 1] },
    }),
    lines({
      title: 'Protocols',
      what: 'Peers by the version of gossip they speak, and the versions a gateway speaks.',
      good: 'the newest, all of them.',
      bad: 'other: a peer that is no gateway of ours.',
      runbook: 'MeshWithoutPeers',
      unit: 'short',
      targets: [
        { expr: gateway.sum(gaugeOf('peers_per_protocol_count'), 'protocol'), legend: 'peers: {{protocol}}' },
        { expr: gateway.max(gaugeOf('protocol'), 'protocol'), legend: 'spoken: {{protocol}}' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Connections seen by gossip',
      what: 'Connections per second gossip was told of, by their status.',
      good: 'zero once all have met.',
      bad: 'closed, reset: they end before gossip begins.',
      runbook: 'MeshWithoutPeers',
      unit: 'ops',
      targets: [perSecondBy('new_connection_total', 'status')],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

/** What gossip thinks of its peers, and how it keeps its time. */
export const scores: BoardRow = {
  title: 'Gossip: scores and heartbeat',
  about: 'dependencies',
  collapsed: true,
  panels: [
    lines({
      title: 'Peers by score',
      what: 'Peers whose score is at or above each threshold.',
      good: 'all of them at the highest.',
      bad: 'below mesh: not grafted. below graylist: not heard at all.',
      runbook: 'MeshClaimsForged',
      unit: 'short',
      targets: [{ expr: gateway.sum(gaugeOf('peers_by_score_threshold_count'), 'threshold'), legend: '{{threshold}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Scores',
      what: 'Lowest, mean and highest score a gateway gives its peers.',
      good: 'zero or above.',
      bad: 'the lowest falls: a peer sends what is invalid, or breaks promises.',
      runbook: 'MeshClaimsForged',
      unit: 'short',
      targets: [
        { expr: gateway.min(gaugeOf('score_min'), ''), legend: 'lowest' },
        { expr: gateway.min(gaugeOf('score_avg'), ''), legend: 'mean' },
        { expr: gateway.max(gaugeOf('score_max'), ''), legend: 'highest' },
      ],
      evidence: { sane: SCORE },
    }),
    lines({
      title: 'Scores in a mesh',
      what: 'The same of the peers in the mesh of each topic.',
      good: 'zero or above.',
      bad: 'below zero: such a peer is pruned at the next heartbeat.',
      runbook: 'MeshClaimsForged',
      unit: 'short',
      targets: [
        { expr: gateway.min(gaugeOf('score_per_mesh_min'), 'topic'), legend: '{{topic}} lowest' },
        { expr: gateway.min(gaugeOf('score_per_mesh_avg'), 'topic'), legend: '{{topic}} mean' },
        { expr: gateway.max(gaugeOf('score_per_mesh_max'), 'topic'), legend: '{{topic}} highest' },
      ],
      evidence: { sane: SCORE },
    }),
    lines({
      title: 'Penalties',
      what: 'Penalties given to peers per second, by what for.',
      good: 'zero.',
      bad: 'graft_backoff: a peer that does not wait. broken_promise: it has not what it offers.',
      runbook: 'MeshClaimsForged',
      unit: 'ops',
      targets: [perSecondBy('scoring_penalties_total', 'penalty')],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Scores computed',
      what: 'Times per second a score was asked for, and times it was computed.',
      good: 'far fewer computed than asked for.',
      bad: 'as many: the cache of scores does not hold.',
      runbook: 'MeshPeersStale',
      unit: 'ops',
      targets: [perSecond('score_fn_calls_total', 'asked for'), perSecond('score_fn_runs_total', 'computed')],
      evidence: { sane: SANE.perSecond },
    }),
    heatmap({
      title: 'Change of scores',
      what: 'How many scores changed by how much since they were computed last.',
      good: 'the lowest band.',
      bad: 'a higher one: scores jump, somebody is punished.',
      runbook: 'MeshClaimsForged',
      unit: 'short',
      targets: bucketsOf(gateway, histogramOf('score_cache_delta')),
      evidence: { sane: SANE.perSecond },
    }),
    heatmap({
      title: 'Heartbeat',
      what: 'How many heartbeats took how long.',
      good: 'below 10 ms.',
      bad: 'above 100 ms: too many peers or topics, or no core.',
      runbook: 'MeshPeersStale',
      unit: 's',
      targets: bucketsOf(gateway, histogramOf('heartbeat_duration_seconds')),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Heartbeat, mean',
      what: 'Mean time of a heartbeat, per gateway.',
      good: 'a few ms.',
      bad: 'near a second the next one is skipped.',
      runbook: 'MeshPeersStale',
      unit: 's',
      targets: [{ expr: gateway.mean(histogramOf('heartbeat_duration_seconds'), 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Heartbeats skipped',
      what: 'Heartbeats skipped since the start because the one before still ran.',
      good: 'zero.',
      bad: 'rises: meshes are mended late.',
      runbook: 'MeshPeersStale',
      unit: 'short',
      targets: [{ expr: gateway.max(gaugeOf('heartbeat_skipped'), 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Tables of gossip',
      what: 'Entries of the tables gossip keeps: the fifteen largest, each at the gateway where it is largest.',
      good: 'seenCache follows the claims of two minutes, the others the peers.',
      bad: 'one that only rises is a leak.',
      runbook: 'MeshClaimFlood',
      unit: 'short',
      targets: [{ expr: top(TABLES_SHOWN, gateway.max(gaugeOf('cache_size'), 'cache')), legend: '{{cache}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Messages kept',
      what: 'Messages kept for peers that ask for them, per gateway.',
      good: 'the claims of the last five seconds.',
      bad: 'rises without claims: a leak.',
      runbook: 'MeshClaimFlood',
      unit: 'short',
      targets: [{ expr: gateway.max(gaugeOf('mcache_size'), 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.count },
    }),
  ],
};
