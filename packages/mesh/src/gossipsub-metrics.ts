import type { CounterDeclaration, Declaration, GaugeDeclaration, HistogramDeclaration, Unit } from '@macronode/metrics';
import { CLAIM_KINDS } from './claims/claim.ts';

type Labels = Readonly<Record<string, readonly string[]>>;

/** What gossipsub names beyond these lists: should never be counted. */
export const OTHER = 'other';

const TOPIC: Labels = { topic: [...CLAIM_KINDS, OTHER] };
const PROTOCOL: Labels = { protocol: ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0', OTHER] };
const ERROR: Labels = {
  error: [
    'ignore',
    'reject',
    'blacklisted',
    'invalid_signature',
    'invalid_seqno',
    'invalid_peerid',
    'signature_present',
    'seqno_present',
    'from_present',
    'transform_failed',
    OTHER,
  ],
};
const THRESHOLD: Labels = { threshold: ['graylist', 'publish', 'gossip', 'mesh', OTHER] };
const PENALTY: Labels = {
  penalty: ['graft_backoff', 'broken_promise', 'message_deficit', 'IP_colocation', OTHER],
};
const IGNORED: Labels = { reason: ['low_score', 'max_ihave', 'max_iasked', OTHER] };
const STATUS: Labels = { status: ['open', 'closing', 'closed', 'aborted', 'reset', OTHER] };
const CACHE: Labels = {
  cache: [
    'acceptFromWhitelist',
    'backoff',
    'control',
    'direct',
    'fanout',
    'fastMsgIdCache',
    'gossip',
    'gossipTracer.promises',
    'gossipTracer.requests',
    'iasked',
    'idontwants',
    'mcache',
    'mesh',
    'outbound',
    'peerhave',
    'peers',
    'publishedMessageIds',
    'score',
    'seenCache',
    'streamsInbound',
    'streamsOutbound',
    'subscriptions',
    'topics',
    OTHER,
  ],
};

function unitOf(name: string): Unit {
  if (name.includes('_seconds')) return 'seconds';
  return name.includes('_bytes') ? 'bytes' : 'count';
}

/** The names are gossipsub's own, so that its documentation and others' boards apply: our rules for names do not. */
function named(name: string, help: string, labels: Labels) {
  return { name, help, unit: unitOf(name), labels: Object.freeze(labels), zeroFill: true };
}

const counter = (name: string, help: string, labels: Labels = {}): CounterDeclaration =>
  Object.freeze({ type: 'counter', ...named(name, help, labels) });

const gauge = (name: string, help: string, labels: Labels = {}): GaugeDeclaration =>
  Object.freeze({ type: 'gauge', ...named(name, help, labels) });

const histogram = (name: string, help: string, buckets: readonly number[], labels: Labels = {}): HistogramDeclaration =>
  Object.freeze({
    type: 'histogram',
    ...named(name, help, labels),
    buckets: Object.freeze([...buckets]),
    bucketsReason: "gossipsub's own, which are those of its published boards",
  });

/** Three gauges in place of what gossipsub calls an avg-min-max. */
const avgMinMax = (name: string, help: string, labels: Labels = {}): readonly GaugeDeclaration[] =>
  AVG_MIN_MAX.map((part) => gauge(`${name}_${part}`, `${help}: ${part}.`, labels));

export const AVG_MIN_MAX = Object.freeze(['avg', 'min', 'max'] as const);

const MESH: readonly Declaration[] = [
  gauge('gossipsub_protocol', 'Protocols this node speaks: 1.', PROTOCOL),
  gauge('gossipsub_topic_subscription_status', 'Whether this node subscribes to the topic.', TOPIC),
  gauge('gossipsub_topic_peer_count', 'Peers that subscribe to the topic.', TOPIC),
  gauge('gossipsub_mesh_peer_count', 'Peers in the mesh of the topic.', TOPIC),
  ...['fanout', 'random', 'subscribed', 'outbound', 'not_enough', 'opportunistic', 'unknown'].map((reason) =>
    counter(
      `gossipsub_mesh_peer_inclusion_events_${reason}_total`,
      `Peers taken into the mesh of the topic, reason ${reason}.`,
      TOPIC,
    ),
  ),
  ...['disconnected', 'bad_score', 'prune', 'excess', 'unknown'].map((reason) =>
    counter(
      `gossipsub_peer_churn_events_${reason}_total`,
      `Peers that left the mesh of the topic, reason ${reason}.`,
      TOPIC,
    ),
  ),
  gauge('gossipsub_peers_per_protocol_count', 'Peers by the protocol they speak.', PROTOCOL),
  counter('gossipsub_new_connection_total', 'Connections gossipsub was told of, by their status.', STATUS),
];

const HEARTBEAT: readonly Declaration[] = [
  histogram('gossipsub_heartbeat_duration_seconds', 'Time one heartbeat takes.', [0.01, 0.1, 1]),
  gauge('gossipsub_heartbeat_skipped', 'Heartbeats skipped because the one before still ran, since the start.'),
];

const kindsOfRpc = ['subscription', 'message', 'control', 'ihave', 'iwant', 'graft', 'prune'];
const RPC: readonly Declaration[] = [
  counter('gossipsub_peer_read_stream_err_count_total', 'Streams of peers that failed while they were read.'),
  ...['recv', 'sent'].flatMap((direction) => [
    counter(`gossipsub_rpc_${direction}_bytes_total`, `Bytes of RPCs, ${direction}.`),
    counter(`gossipsub_rpc_${direction}_count_total`, `RPCs, ${direction}.`),
    ...kindsOfRpc.map((kind) =>
      counter(`gossipsub_rpc_${direction}_${kind}_total`, `Parts of RPCs of kind ${kind}, ${direction}.`),
    ),
  ]),
  counter('gossipsub_rpc_data_err_count_total', 'RPCs that could not be decoded.'),
  counter('gossipsub_rpc_recv_err_count_total', 'RPCs whose handling failed.'),
  counter('gossipsub_rpc_rcv_not_accepted_total', 'RPCs dropped unread because the score of the peer is too low.'),
];

const MESSAGES: readonly Declaration[] = [
  counter('gossipsub_msg_publish_count_total', 'Messages published.', TOPIC),
  counter('gossipsub_msg_publish_peers_total', 'Peers that published messages were sent to.', TOPIC),
  counter('gossipsub_mesh_peers_published_total', 'Peers of the mesh that published messages were sent to.', TOPIC),
  counter('gossipsub_fanout_peers_published_total', 'Peers of the fanout that published messages were sent to.', TOPIC),
  counter('gossipsub_msg_publish_bytes_total', 'Bytes of published messages, times the peers.', TOPIC),
  histogram(
    'gossipsub_msg_publish_seconds',
    'Time to publish a message.',
    [0.001, 0.002, 0.005, 0.01, 0.1, 0.5, 1],
    TOPIC,
  ),
  counter('gossipsub_msg_forward_count_total', 'Messages forwarded.', TOPIC),
  counter('gossipsub_msg_forward_peers_total', 'Peers that messages were forwarded to.', TOPIC),
  counter('gossipsub_msg_received_prevalidation_total', 'Messages received, before anything is looked at.', TOPIC),
  counter('gossipsub_msg_received_error_total', 'Messages whose handling failed.', TOPIC),
  counter('gossipsub_pre_validation_invalid_total', 'Messages the gates did not take.', TOPIC),
  counter('gossipsub_pre_validation_valid_total', 'Messages the gates took.', TOPIC),
  counter('gossipsub_pre_validation_duplicate_total', 'Messages that had come in before.', TOPIC),
  counter('gossipsub_pre_validation_unknown_status_total', 'Messages without a known result.', TOPIC),
  counter('gossipsub_msg_received_invalid_total', 'Messages not taken, by reason.', ERROR),
  counter('gossipsub_msg_received_invalid_by_topic_total', 'Messages not taken, by topic.', TOPIC),
  histogram(
    'gossisub_duplicate_msg_delivery_delay_seconds',
    'Time from a message to its duplicate.',
    [0.25, 0.5, 1, 2, 4],
    TOPIC,
  ),
  counter('gossisub_duplicate_msg_late_delivery_total', 'Duplicates that came too late to count for the peer.', TOPIC),
  counter('gossisub_ignored_published_duplicate_msgs_total', 'Messages not published a second time.', TOPIC),
];

const SCORES: readonly Declaration[] = [
  counter('gossipsub_score_fn_calls_total', 'Times the score of a peer was asked for.'),
  counter('gossipsub_score_fn_runs_total', 'Times the score of a peer was computed.'),
  histogram('gossipsub_score_cache_delta', 'Change of a score since it was computed last.', [10, 100, 1_000]),
  gauge('gossipsub_peers_by_score_threshold_count', 'Peers whose score is at or above the threshold.', THRESHOLD),
  ...avgMinMax('gossipsub_score', 'Scores of the peers'),
  ...avgMinMax('gossipsub_score_per_mesh', 'Scores of the peers in the mesh of the topic', TOPIC),
  counter('gossipsub_scoring_penalties_total', 'Penalties given to peers.', PENALTY),
];

const GOSSIP: readonly Declaration[] = [
  counter('gossipsub_ihave_rcv_ignored_total', 'IHAVE messages ignored, by reason.', IGNORED),
  counter('gossipsub_ihave_rcv_msgids_total', 'Message ids in IHAVE messages.', TOPIC),
  counter('gossipsub_ihave_rcv_not_seen_msgids_total', 'Message ids in IHAVE messages this node lacked.', TOPIC),
  counter('gossipsub_iwant_rcv_msgids_total', 'Message ids in IWANT messages.', TOPIC),
  counter('gossipsub_iwant_rcv_dont_have_msgids_total', 'Message ids in IWANT messages this node had no more.'),
  counter('gossipsub_iwant_promise_sent_total', 'Messages asked for with IWANT.'),
  counter('gossipsub_iwant_promise_resolved_total', 'Messages asked for that came.'),
  counter('gossipsub_iwant_promise_resolved_from_duplicate_total', 'Messages asked for that came from another peer.'),
  gauge('gossipsub_iwant_promise_resolved_peers', 'Peers asked for messages that came, since the start.'),
  gauge('gossipsub_iwant_promise_broken', 'Messages asked for that did not come, since the start.'),
  gauge('gossipsub_iwant_message_pruned', 'Messages asked for that are no longer waited for, since the start.'),
  histogram('gossipsub_iwant_promise_delivery_seconds', 'Time until a message asked for came.', [1.5, 3, 6, 12]),
  gauge('gossip_iwant_promise_untracked', 'IWANT messages that could not be sent, since the start.'),
];

const CACHES: readonly Declaration[] = [
  gauge('gossipsub_cache_size', "Entries of gossipsub's tables.", CACHE),
  gauge('gossipsub_mcache_size', 'Messages kept for peers that ask for them.'),
];

/**
 * gossipsub's own metrics, by name: what it counts while the mesh is on, in cells. Its counters are gauges that end in
 * `_total`; here they are counters. Its label `topicStr` is `topic`, and a topic is the kind of its claims.
 */
export const gossipsubMetrics: Readonly<Record<string, Declaration>> = Object.freeze(
  Object.fromEntries(
    [...MESH, ...HEARTBEAT, ...RPC, ...MESSAGES, ...SCORES, ...GOSSIP, ...CACHES].map((declaration) => [
      declaration.name,
      declaration,
    ]),
  ),
);

const WITHOUT_ASYNC = 'written only with asynchronous validation, which the gates do not need';
const WITHOUT_IDONTWANT = 'claims are smaller than what IDONTWANT is sent for';

/** What gossipsub registers and this node does not show, and why. With {@link gossipsubMetrics} that is all there is. */
export const GOSSIPSUB_LEFT_OUT: Readonly<Record<string, string>> = Object.freeze({
  gossipsub_accepted_messages_total: WITHOUT_ASYNC,
  gossipsub_ignored_messages_total: WITHOUT_ASYNC,
  gossipsub_rejected_messages_total: WITHOUT_ASYNC,
  gossipsub_unknown_validation_results_total: WITHOUT_ASYNC,
  gossipsub_async_validation_mcache_hit_total: WITHOUT_ASYNC,
  gossipsub_async_validation_delay_from_first_seen: WITHOUT_ASYNC,
  gossipsub_async_validation_unknown_first_seen_count_total: WITHOUT_ASYNC,
  gossipsub_mcache_not_validated_count: WITHOUT_ASYNC,
  gossipsub_rpc_sent_idontwant_total: WITHOUT_IDONTWANT,
  gossipsub_idontwant_rcv_msgids_total: WITHOUT_IDONTWANT,
  gossipsub_idontwant_rcv_dont_have_msgids_total: WITHOUT_IDONTWANT,
  gossipsub_idontwant_skipped_sends_total: WITHOUT_IDONTWANT,
  gossipsub_direct_peers_published_total: 'there are no direct peers: every peer is in the trust list',
  gossipsub_floodsub_peers_published_total: 'floodsub is off',
  gossipsub_fastmsgid_cache_collision_total: 'there are no fast message ids: an id is the hash of the whole claim',
  gossipsub_score_weights: 'two labels for debugging scores; their sum is shown as gossipsub_score',
  gossipsub_peer_stat_behaviour_penalty: 'emptied at each reading: no histogram a rate can be taken of',
  gossipsub_connected_peers_backoff_seconds: 'emptied at each reading: no histogram a rate can be taken of',
});
