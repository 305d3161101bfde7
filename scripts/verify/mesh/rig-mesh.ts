// The mesh of the verification: the gateway, a peer that is honest, and the keys of others the trust list has.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NodeKey } from '@macronode/keys';
import { type Claim, MESH_LIMITS, meshCounters, TrustList } from '@macronode/mesh';
import { MetricsRegistry } from '@macronode/metrics';
import { MeshNode } from '../../../packages/mesh/src/network/mesh-node.ts';
import { OwnDisk } from '../../rig/own-disk.ts';

/**
 * Nodes of the trust list: the gateway and its peer; one that talks too much, one that passes on what strangers say, one
 * that forges, which gossip does not forget for an hour, and one that answers no comparison.
 */
const NODES = ['gateway', 'peer', 'noisy', 'liar', 'forger', 'mute'] as const;
type NodeName = (typeof NODES)[number];

const AUDIT_KEY = 'the-audit-key-of-the-verification';
const HOST = '127.0.0.1';
/** Characters of the list that are missing when it is damaged. */
const CUT_OFF = 10;

interface RigMeshPorts {
  readonly gateway: number;
  readonly peer: number;
}

export class RigMesh implements AsyncDisposable {
  /** The disk of the audit log; undefined where one may not mount. */
  readonly auditDisk: OwnDisk | undefined;
  readonly #trustFile: string;
  readonly #auditFile: string;
  readonly #ports: RigMeshPorts;
  readonly #keys: Readonly<Record<NodeName, NodeKey>>;
  readonly #keyFile: string;
  readonly #trust: TrustList;
  #peer: MeshNode | undefined;

  /** Writes keys and trust list into a folder, and mounts the disk of the audit log there. */
  constructor(folder: string, ports: RigMeshPorts) {
    const auditDir = join(folder, 'audit');
    mkdirSync(auditDir, { recursive: true });
    this.#ports = ports;
    this.#auditFile = join(auditDir, 'audit.log');
    this.#keyFile = join(folder, 'gateway.key');
    this.#trustFile = join(folder, 'trust.txt');
    const key = (name: NodeName): NodeKey =>
      name === 'gateway' ? NodeKey.loadOrCreate(this.#keyFile) : NodeKey.ephemeral();
    this.#keys = Object.fromEntries(NODES.map((name) => [name, key(name)])) as Record<NodeName, NodeKey>;
    this.writeTrust();
    this.#trust = TrustList.read(this.#trustFile);
    this.auditDisk = OwnDisk.mount(dirname(this.#auditFile));
  }

  /** Where the gateway listens. */
  get gatewayAddress(): string {
    return `${HOST}:${this.#ports.gateway}`;
  }

  /** What the gateway is told. */
  get settings(): Readonly<Record<string, string>> {
    return {
      MESH: 'true',
      MESH_HOST: HOST,
      MESH_PORT: String(this.#ports.gateway),
      MESH_PEERS: `${HOST}:${this.#ports.peer}`,
      MESH_TRUST: this.#trustFile,
      MESH_KEY: this.#keyFile,
      MESH_AUDIT: this.#auditFile,
      AUDIT_HMAC_KEY: AUDIT_KEY,
    };
  }

  /** The honest peer while it runs. */
  get peer(): MeshNode {
    if (this.#peer === undefined) throw new Error('the peer of the mesh does not run');
    return this.#peer;
  }

  key(name: NodeName): NodeKey {
    return this.#keys[name];
  }

  /** The trust list as it should be. */
  writeTrust(): void {
    writeFileSync(this.#trustFile, this.#trustText);
  }

  /** The trust list cut off in the middle of its last line. */
  damageTrust(): void {
    writeFileSync(this.#trustFile, this.#trustText.slice(0, -CUT_OFF));
  }

  /** Starts the honest peer, which waits for the gateway. Does nothing while it runs. */
  async startPeer(): Promise<void> {
    this.#peer ??= await MeshNode.start({
      key: this.#keys.peer,
      trust: this.#trust,
      listen: { host: HOST, port: this.#ports.peer },
      peers: [this.gatewayAddress],
      limits: MESH_LIMITS,
      counters: new MetricsRegistry().scope({}).bind(meshCounters),
      agent: 'macronode-verify',
    });
  }

  async stopPeer(): Promise<void> {
    await this.#peer?.stop();
    this.#peer = undefined;
  }

  get #trustText(): string {
    return NODES.map((name) => `${name} ${this.#keys[name].publicKeyHex}\n`).join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopPeer();
    this.auditDisk?.[Symbol.dispose]();
  }
}

let subjects = 0;

/** A claim about an address no other call of this process speaks of (documentation addresses, RFC 3849). */
export function freshClaim(): Claim {
  subjects += 1;
  return { kind: 'waf_reputation', subject: addressOf(subjects), score: 0.5, reason: 'operator', ttlS: 600 };
}

const HEX = 16;
const addressOf = (number: number): string => `2001:db8::1:${number.toString(HEX)}`;
