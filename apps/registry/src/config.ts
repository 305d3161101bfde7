import { LIMITS } from '@macronode/contracts';
import { type ConfigOf, defineConfig, knob } from '@macronode/service';

const PER_ROUTE = 'Above it for ten seconds, or at four times as many at once: 429.';

/** `02:00-04:00`, UTC; a window may pass midnight. */
const WINDOW = /^(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d$/;

const routeKnob = (env: string, what: string, bound: number, reason: string) =>
  knob.int({
    env,
    default: bound,
    unit: 'count',
    min: 1,
    max: 65_535,
    help: `Requests for ${what} in flight. ${PER_ROUTE}`,
    reason,
  });

export const registryConfig = defineConfig('registry', {
  host: knob.string({
    env: 'REGISTRY_HTTP_HOST',
    default: '0.0.0.0',
    help: 'Address the port of the registry listens on.',
  }),
  port: knob.int({
    env: 'REGISTRY_PORT',
    default: 8085,
    unit: 'port',
    min: 0,
    max: 65_535,
    help: 'Port of the registry itself; 0 picks a free one. A micronode has none: its gateway answers.',
  }),
  maxConns: knob.int({
    env: 'REGISTRY_MAX_CONNS',
    default: LIMITS.http_connections.value,
    unit: 'count',
    min: 1,
    max: 65_535,
    help: 'Open connections of that port; the next one is closed at once.',
    reason: LIMITS.http_connections.reason,
  }),
  genesis: knob.path({
    env: 'REGISTRY_GENESIS',
    example: '/etc/macronode/genesis.json',
    help: 'The signer set a new log begins with, as `ronctl registry keygen` writes it. Without it the log takes no writes.',
  }),
  follow: knob.url({
    env: 'REGISTRY_FOLLOW',
    schemes: ['http', 'https'],
    example: 'http://registry:8085',
    help: 'Makes this a read replica of the registry there: it verifies and serves what that one commits, and takes no writes.',
  }),
  lockDir: knob.path({
    env: 'REGISTRY_LOCK_DIR',
    example: '/var/lib/macronode-lock',
    help: 'Folder of the lock that lets one writer run and remembers the last signed head; by default beside the data, in `lock`.',
    reason:
      'Keep it out of what is restored from backups: a log older than its lock refuses to start instead of forking.',
  }),
  leaseWaitS: knob.int({
    env: 'REGISTRY_LEASE_WAIT_S',
    default: 10,
    unit: 's',
    min: 0,
    max: 600,
    help: 'How long a start waits for another writer of the same log to leave; then it fails.',
    reason: 'A writer that drains is gone in a few seconds: a restart need not fail for that.',
  }),
  checkpointIntervalS: knob.int({
    env: 'REGISTRY_CHECKPOINT_INTERVAL_S',
    default: 30,
    unit: 's',
    min: 1,
    max: LIMITS.registry_checkpoint_age_ms.value / 1_000 - 1,
    help: 'How often the checkpoint of an idle log is signed again.',
    reason: 'A checkpoint must not be a minute old: half of that leaves a try to spare.',
  }),
  compactionWindow: knob.string({
    env: 'REGISTRY_COMPACTION_WINDOW',
    default: '02:00-04:00',
    pattern: WINDOW,
    accepts: 'hours of the day in UTC, HH:MM-HH:MM',
    help: 'When settled proposals, used nonces and old audit records are removed.',
    reason: 'Where most nodes are quiet; the steps are small, so that reads go on as ever.',
  }),
  proposalKeepHours: knob.int({
    env: 'REGISTRY_PROPOSAL_KEEP_H',
    default: 720,
    unit: 'h',
    min: 1,
    max: 87_600,
    help: 'How long a settled proposal is kept.',
    reason: 'Thirty days: an audit looks back that far.',
  }),
  auditKeep: knob.int({
    env: 'REGISTRY_AUDIT_KEEP',
    default: 1_000_000,
    unit: 'count',
    min: 1_000,
    max: 100_000_000,
    help: 'Audit records kept; older ones are removed in the compaction window.',
    reason: 'A record is at most 4 KiB, and mostly 400 bytes.',
  }),
  proposePerSecond: knob.int({
    env: 'REGISTRY_PROPOSE_RPS',
    default: 2,
    unit: 'requests/s',
    min: 1,
    max: 100_000,
    help: 'Proposals of one signer a second, ten at once, and as many commits, freezes and thaws; more are refused with 429.',
    reason: 'People and their tools propose; a loop that does is a mistake.',
  }),
  approvePerSecond: knob.int({
    env: 'REGISTRY_APPROVE_RPS',
    default: 10,
    unit: 'requests/s',
    min: 1,
    max: 100_000,
    help: 'Approvals of one signer a second, fifty at once; more are refused with 429.',
    reason: 'A signer that catches up approves what is pending: 64 proposals at most.',
  }),
  headInflight: routeKnob(
    'REGISTRY_HEAD_INFLIGHT',
    'the head',
    512,
    'Answered from memory: more than these are a storm.',
  ),
  entryInflight: routeKnob('REGISTRY_ENTRY_INFLIGHT', 'versions', 512, 'One indexed read each.'),
  logInflight: routeKnob('REGISTRY_LOG_INFLIGHT', 'the log and the audit chain', 16, 'A page is up to 8 MiB.'),
  proofInflight: routeKnob('REGISTRY_PROOF_INFLIGHT', 'proofs, tiles and checkpoints', 256, 'Hashes from memory.'),
  stateInflight: routeKnob(
    'REGISTRY_STATE_INFLIGHT',
    'signers and proposals',
    64,
    'Small reads, for people and tools.',
  ),
  writeInflight: routeKnob(
    'REGISTRY_WRITE_INFLIGHT',
    'writes',
    32,
    'They wait for one another, and each may hold a body of 992 KiB.',
  ),
  witnessInflight: routeKnob(
    'REGISTRY_WITNESS_INFLIGHT',
    'cosignatures',
    8,
    'A log asks once a commit; each may be a write.',
  ),
  streamClients: knob.int({
    env: 'REGISTRY_STREAM_CLIENTS',
    default: LIMITS.registry_stream_clients.value,
    unit: 'count',
    min: 1,
    max: 65_535,
    help: 'Event streams open at once; the next one is refused with 429.',
    reason: 'Each may hold a queue of 256 events: two thousand at their bound are a few hundred megabytes.',
  }),
  witnesses: knob.string({
    env: 'REGISTRY_WITNESSES',
    example: 'witness.example/w1+1234abcd+BGx…=https://witness.example',
    help: 'Witnesses to ask for cosignatures: verifier key, `=`, URL; separated by commas, at most eight, each of another name.',
  }),
  witnessed: knob.string({
    env: 'REGISTRY_WITNESSED',
    example: 'other.example/log+5678cdef+AZy…',
    help: 'Logs this node is a witness of, by their verifier keys, separated by commas. Without it add-checkpoint answers 404.',
  }),
});

export type RegistryConfig = ConfigOf<typeof registryConfig>;
