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
  omnigate_inflight: limit(1_024, 'count', 'Requests judged at once by one omnigate.'),
  upload_slots: limit(64, 'count', 'Uploads open at once in one storage: 64 windows of 1 MiB are its buffer budget.'),
  read_slots: limit(
    64,
    'count',
    'Object reads streamed at once by one storage: 64 windows of 1 MiB are its buffer budget.',
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
} satisfies Record<string, Limit>);

export type LimitName = keyof typeof LIMITS;
