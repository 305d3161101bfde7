import { LIMITS, ROUTES } from '@macronode/contracts';
import { knob } from '@macronode/service';

/** Keys under this many bytes are taken with a warning: a chain is as strong as what it is keyed with. */
export const AUDIT_KEY_BYTES = 32;

const upstreams: ReadonlySet<string> = new Set(Object.values(ROUTES).map(({ upstream }) => upstream));
const PEER = String.raw`[^,\s]{1,255}`;

/** The settings of the mesh. All of them but MESH do nothing while it is off. */
export const meshKnobs = {
  mesh: knob.bool({
    env: 'MESH',
    default: false,
    help: 'Take part in the mesh: tell other gateways of clients that were cut, and hear of theirs.',
    reason: 'Off by default, and off means that nothing of it is loaded: no thread, no network, no lookup.',
  }),
  meshHost: knob.string({
    env: 'MESH_HOST',
    default: '0.0.0.0',
    help: 'Address the mesh listens on.',
    reason: 'Nobody whose key is not in MESH_TRUST gets past the handshake.',
  }),
  meshPort: knob.int({
    env: 'MESH_PORT',
    default: 4_001,
    unit: 'port',
    min: 0,
    max: 65_535,
    help: 'Port of the mesh; 0 picks a free one.',
  }),
  meshPeers: knob.string({
    env: 'MESH_PEERS',
    pattern: new RegExp(`^${PEER}(?:,${PEER}){0,${String(LIMITS.mesh_peers.value - 1)}}$`),
    accepts: `up to ${String(LIMITS.mesh_peers.value)} addresses joined by commas`,
    example: 'gateway-a:4001,gateway-b:4001',
    help: 'Gateways to connect to, this one may be among them. Not set: only those that connect to it.',
  }),
  meshTrust: knob.path({
    env: 'MESH_TRUST',
    example: '/etc/macronode/mesh-trust.txt',
    help: 'The trust list: the node ids whose claims count, with their names. Read again on SIGHUP and POST /admin/mesh/reload.',
  }),
  meshKey: knob.path({
    env: 'MESH_KEY',
    example: '/etc/macronode/mesh.key',
    help: 'Key of this node, made at the first start. Not set: mesh.key in its data folder; without one a key of this run, which no list can name ahead.',
  }),
  meshEnforce: knob.bool({
    env: 'MESH_ENFORCE',
    default: false,
    help: 'Refuse clients by their score (403). Off: a score is told on, and refuses nobody.',
    reason: 'Off by default: what others say is advice, until an operator decides to act on it.',
  }),
  meshDenyAbove: knob.int({
    env: 'MESH_DENY_ABOVE',
    default: 800,
    unit: 'per mille',
    min: 1,
    max: 999,
    help: 'Scores above it are refused where MESH_ENFORCE is on.',
    reason: 'One quota storm is told as 800: it takes a second source, or something worse.',
  }),
  meshQuorum: knob.int({
    env: 'MESH_QUORUM',
    default: 2,
    unit: 'count',
    min: 2,
    max: 64,
    help: 'Sources that have to say so before a client is refused.',
    reason: 'At least 2: no gateway alone, broken or taken over, shuts a client out of the others.',
  }),
  meshScoreHeader: knob.string({
    env: 'MESH_SCORE_HEADER',
    pattern: new RegExp(`^(?:${[...upstreams].join('|')})(?:,(?:${[...upstreams].join('|')}))*$`),
    accepts: `services joined by commas: ${[...upstreams].join(', ')}`,
    example: 'storage,index',
    help: "Services whose answers carry X-Macronode-Mesh-Score, their client's score. Not set: none.",
    reason: 'The client reads it too, so each service is opted in.',
  }),
  meshAudit: knob.path({
    env: 'MESH_AUDIT',
    example: '/var/lib/macronode/audit.log',
    help: 'The audit log of the mesh: what was published, received and decided, as a chain. Not set: no file, no queue.',
  }),
  auditKey: knob.string({
    env: 'AUDIT_HMAC_KEY',
    secret: true,
    example: 'a-long-random-secret-of-32-bytes',
    help: `Key of that chain, ${String(AUDIT_KEY_BYTES)} bytes or more; MESH_AUDIT needs it.`,
  }),
  auditPreviousKey: knob.string({
    env: 'AUDIT_HMAC_PREVIOUS_KEY',
    secret: true,
    example: 'the-secret-before-this-one',
    help: 'The key before this one, for the first start after a rotation: the new chain is tied to the end of the old one.',
  }),
};

/** What is wrong with the settings of the mesh as a whole. */
export function meshProblems(values: {
  readonly mesh: boolean;
  readonly meshTrust: string | undefined;
  readonly meshEnforce: boolean;
  readonly meshAudit: string | undefined;
  readonly auditKey: string | undefined;
}): readonly string[] {
  const problems: string[] = [];
  if (values.mesh && values.meshTrust === undefined) {
    problems.push(
      'MESH is on but MESH_TRUST is not set: without a list nobody is trusted. `ronctl mesh id` prints a line of it',
    );
  }
  if (values.meshEnforce && !values.mesh)
    problems.push('MESH_ENFORCE is on but MESH is off: there is no score to go by');
  if (values.meshAudit !== undefined && values.auditKey === undefined) {
    problems.push('MESH_AUDIT is set but AUDIT_HMAC_KEY is not: a chain without a key proves nothing');
  }
  return problems;
}
