/** A bound: its value, its unit, and why it is what it is. Imports nothing, so that load scripts can read it. */
export interface Limit {
  readonly value: number;
  readonly unit: 'bytes' | 'ms' | 'count' | 'chars';
  readonly reason: string;
}

const limit = (value: number, unit: Limit['unit'], reason: string): Limit => Object.freeze({ value, unit, reason });

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Every bound of the public surface and the protocols behind it. `docs/limits.md` is generated from here. */
export const LIMITS = Object.freeze({
  max_object_bytes: limit(GIB, 'bytes', 'A manifest of 64 KiB chunks stays below one frame up to here.'),
  chunk_bytes: limit(64 * KIB, 'bytes', 'The unit of verification and of streaming: one chunk travels in one frame.'),
  inline_object_bytes: limit(16 * KIB, 'bytes', 'Below it a row is cheaper than a file with its own fsync.'),
  json_body_bytes: limit(MIB, 'bytes', 'A JSON body is parsed in memory; larger content is an object.'),
  echo_bytes: limit(
    64 * KIB,
    'bytes',
    'Body of an echo. It crosses the bus seven times in memory: as much as one chunk, and far below a frame.',
  ),
  compress_min_bytes: limit(
    KIB,
    'bytes',
    'JSON answers from here on are compressed. A smaller one is one packet either way, and the CPU is lost.',
  ),
  access_log_buffer_bytes: limit(
    MIB,
    'bytes',
    'Lines of the access log that wait to be written. A reader this far behind loses the next ones, which are counted.',
  ),
  header_bytes: limit(16 * KIB, 'bytes', 'Header of a request in all (RFC 6585: 431 above it).'),
  json_depth: limit(32, 'count', 'Nesting of a JSON body; deeper input is an attack on the parser.'),
  name_chars: limit(253, 'chars', 'As a DNS name, so that names can be mapped to hosts.'),
  name_label_chars: limit(128, 'chars', 'One label between dots.'),
  name_ttl_max_s: limit(172_800, 'count', 'Seconds a record may ask to be cached: 48 hours.'),
  request_timeout_ms: limit(5_000, 'ms', 'A request that is not a stream is answered or refused by then.'),
  stream_idle_timeout_ms: limit(
    15_000,
    'ms',
    'A stream that moves no byte for this long is ended, so that slow clients hold nothing.',
  ),
  client_idle_timeout_ms: limit(
    20_000,
    'ms',
    'A client that sends or takes no byte for this long is cut. Longer than a stream inside the node may stand still, so that a failure in there is answered, not cut.',
  ),
  stream_timeout_ms: limit(3_600_000, 'ms', 'One upload or download in all: 1 GiB at 300 KiB/s.'),
  drain_bytes: limit(MIB, 'bytes', 'Rest of a refused body that is read and thrown away, so that the answer arrives.'),
  drain_ms: limit(2_000, 'ms', 'How long that rest is waited for before the connection is cut.'),
  http_connections: limit(4_096, 'count', 'Open client connections of one gateway.'),
  gateway_inflight: limit(1_024, 'count', 'Requests in flight in one gateway; the next one is refused with 503.'),
  gateway_clients: limit(
    32_768,
    'count',
    'Addresses whose requests one gateway counts at a time: some 16 MB. The longest idle is forgotten for a new one.',
  ),
  gateway_cut_refusals: limit(
    64,
    'count',
    'Refusals of one address within the window below after which it is cut: a caller that waits as it was told meets one.',
  ),
  gateway_cut_window_ms: limit(10_000, 'ms', 'Window those refusals are counted in.'),
  gateway_claim_interval_ms: limit(
    60_000,
    'ms',
    'A gateway says one thing of an address to the mesh this often at most: a flood of requests is no flood of claims.',
  ),
  gateway_claim_ttl_s: limit(3_600, 'count', 'Seconds such a claim holds. It weighs half after ten minutes.'),
  gateway_tarpit_answers: limit(
    256,
    'count',
    'Refusals held back at once; the next one is sent at once. Each holds a connection, of which there are 4,096.',
  ),
  gateway_mesh_decisions: limit(
    4_096,
    'count',
    'Addresses whose decision is remembered, so that it is told once. The oldest is forgotten, and told again if it comes back.',
  ),
  mesh_peers: limit(64, 'count', 'Addresses of other gateways that one is told to begin with.'),
  omnigate_inflight: limit(1_024, 'count', 'Requests judged at once by one omnigate.'),
  upload_slots: limit(64, 'count', 'Uploads open at once in one storage: 64 windows of 1 MiB are its buffer budget.'),
  read_slots: limit(
    64,
    'count',
    'Object reads streamed at once by one storage: 64 windows of 1 MiB are its buffer budget.',
  ),
  condition_header_chars: limit(
    1_024,
    'chars',
    'If-Match, If-None-Match and If-Range name a handful of entity tags; a longer one is refused.',
  ),
  range_header_chars: limit(256, 'chars', 'A longer Range header is ignored, as a malformed one is (RFC 9110, 14.2).'),
  mailbox_topic_chars: limit(128, 'chars', 'A topic is a key, not a document.'),
  mailbox_payload_bytes: limit(
    256 * KIB,
    'bytes',
    'Payload of one message after base64; larger content is an object, its id the message.',
  ),
  mailbox_attrs: limit(16, 'count', 'Attributes of one message.'),
  mailbox_attr_chars: limit(256, 'chars', 'One attribute key or value.'),
  mailbox_idem_key_chars: limit(128, 'chars', 'An idempotency key is an id, not a document.'),
  mailbox_batch: limit(256, 'count', 'Messages or receipts in one request.'),
  mailbox_recv_bytes: limit(512 * KIB, 'bytes', 'Payload bytes one receive returns, so that the reply fits a frame.'),
  mailbox_visibility_min_ms: limit(250, 'ms', 'A shorter lease would end before its holder has read the message.'),
  mailbox_visibility_max_ms: limit(43_200_000, 'ms', 'A lease of 12 hours; longer work extends it.'),
  mailbox_wait_max_ms: limit(20_000, 'ms', 'One long poll, shorter than the idle timeout of common proxies.'),
  mailbox_topic_depth: limit(65_536, 'count', 'Messages one topic holds; the next send is refused with 429.'),
  mailbox_dedup_window_ms: limit(
    300_000,
    'ms',
    'A repeat of an idempotency key inside it answers the first message id.',
  ),
  mailbox_max_attempts: limit(5, 'count', 'Deliveries of one message before it is a dead letter.'),
  registry_body_bytes: limit(
    992 * KIB,
    'bytes',
    'Body of a write to the registry: with its header it fits one frame of the bus, on its way from the gateway.',
  ),
  registry_payload_bytes: limit(
    960 * KIB,
    'bytes',
    'Canonical payload of one entry: what is left of a body beside a post-quantum signature.',
  ),
  registry_leaf_bytes: limit(
    65_535,
    'bytes',
    'An entry bundle counts the bytes of a leaf in 16 bits (C2SP tlog-tiles).',
  ),
  registry_items: limit(4_096, 'count', 'Descriptors of one entry.'),
  registry_descriptor_id_chars: limit(256, 'chars', 'An id is a key, not a document.'),
  registry_attr_name_chars: limit(128, 'chars', 'The name of an attribute of a descriptor is a word or two.'),
  registry_parameter_chars: limit(256, 'chars', 'What a path of the registry names: an id, a version or a tile.'),
  registry_note_chars: limit(1_024, 'chars', 'A reason, a note or an address is a line or two.'),
  registry_log_name_chars: limit(128, 'chars', 'A host name and a path: the first line of every checkpoint.'),
  registry_signer_id_chars: limit(128, 'chars', 'An organisation and one of its keys.'),
  registry_signers: limit(
    16,
    'count',
    'Members of a signer set. Sixteen post-quantum approvals are 53 KiB: a leaf still fits its 64 KiB.',
  ),
  registry_root_keys: limit(16, 'count', 'Capability root keys in force at once: a rotation overlaps two.'),
  registry_pending_proposals: limit(
    64,
    'count',
    'Open proposals. One of them can be committed, so more than a handful is a storm; the next one is refused with 429.',
  ),
  registry_proposals_of_signer: limit(
    4,
    'count',
    'Open proposals of one signer, or its equal part of all, whichever is more: one of them must not stop the others.',
  ),
  registry_settled_proposals: limit(
    2_000,
    'count',
    'Proposals kept after they were settled. The oldest go with each new one, so that none can fill the disk.',
  ),
  registry_settled_payload_bytes: limit(
    4 * KIB,
    'bytes',
    'A longer payload goes when its proposal has expired or the log went on without it.',
  ),
  registry_proposal_max_ms: limit(259_200_000, 'ms', 'A proposal may stay open for 72 hours.'),
  registry_auth_max_ms: limit(
    300_000,
    'ms',
    'How far ahead a signed request may expire: its nonce is remembered until then, on disk.',
  ),
  registry_clock_skew_ms: limit(30_000, 'ms', 'How far the clock of a signer may be ahead.'),
  registry_log_page: limit(1_000, 'count', 'Entries or audit records of one answer.'),
  registry_log_page_bytes: limit(
    8 * MIB,
    'bytes',
    'An answer of the log ends after the entry that passes this: the reader goes on after it.',
  ),
  registry_stream_clients: limit(
    2_000,
    'count',
    'Event streams open at once in one process; the next one is refused with 429.',
  ),
  registry_stream_queue: limit(
    256,
    'count',
    'Events that wait for one client. A slower one loses them, is told with `lag`, and reads the head.',
  ),
  registry_stream_queue_bytes: limit(MIB, 'bytes', 'Bytes of those events, and of what the socket has not sent yet.'),
  registry_stream_backfill: limit(
    1_000,
    'count',
    'Versions sent again after `Last-Event-ID`; further behind is a `reset`.',
  ),
  registry_stream_heartbeat_ms: limit(15_000, 'ms', 'A comment in between, so that proxies keep a quiet stream.'),
  registry_stream_stall_ms: limit(30_000, 'ms', 'A client that takes no byte for this long is cut.'),
  registry_checkpoint_age_ms: limit(60_000, 'ms', 'A checkpoint is signed again well before it is this old.'),
  registry_witnesses: limit(8, 'count', 'Witnesses a checkpoint is sent to.'),
  registry_witness_body_bytes: limit(
    64 * KIB,
    'bytes',
    'A checkpoint with its proof: 63 hashes and some signatures (C2SP tlog-witness).',
  ),
  registry_route_hard_factor: limit(
    4,
    'count',
    'At this many times the soft bound of a route the next request is refused at once; above the soft one after ten seconds.',
  ),
  registry_route_soft_ms: limit(10_000, 'ms', 'How long a route may stay above its soft bound before it refuses.'),
} satisfies Record<string, Limit>);

export type LimitName = keyof typeof LIMITS;
