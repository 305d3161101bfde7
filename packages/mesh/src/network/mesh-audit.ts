import { AuditLog } from '../audit/audit-log.ts';
import type { Envelope } from '../claims/claim.ts';
import type { PeerReport } from '../mesh.ts';
import type { MeshLimits } from '../mesh-limits.ts';
import type { MeshAuditOptions, MeshCommand } from '../mesh-thread-protocol.ts';
import type { MeshCounters } from '../metrics.ts';

type Decided = Extract<MeshCommand, { readonly kind: 'decided' }>;

const claimOf = ({ kind, subject, score, reason, revoked, seq, ttlS }: Envelope) => ({
  kind,
  subject,
  score,
  reason,
  revoked,
  seq,
  ttl_s: ttlS,
});

const peerOf = ({ client, nodeId, address, direction }: PeerReport) => ({
  client,
  node_id: nodeId,
  address,
  direction,
});

/** What of the mesh goes into the audit log. */
export class MeshAudit {
  readonly #log: AuditLog;

  private constructor(log: AuditLog) {
    this.#log = log;
  }

  static async open(
    options: MeshAuditOptions,
    limits: Pick<MeshLimits, 'auditQueue'>,
    counters: Pick<MeshCounters, 'auditEvents' | 'auditEventsDropped'>,
    log: (level: 'info' | 'warn', message: string) => void,
  ): Promise<MeshAudit> {
    const opened = await AuditLog.open({
      ...options,
      queue: limits.auditQueue,
      counters,
      now: Date.now,
      onFailure: (error) => log('warn', `the audit log is not written: ${error.message}`),
      onRecovery: (lost) => log('info', `the audit log is written again; ${lost} records were lost`),
    });
    return new MeshAudit(opened);
  }

  /** Records not written yet (count). */
  get queued(): number {
    return this.#log.queued;
  }

  published(envelope: Envelope): void {
    this.#log.append('mesh_publish', claimOf(envelope));
  }

  received(envelope: Envelope): void {
    this.#log.append('mesh_receive', { ...claimOf(envelope), source: envelope.source });
  }

  joined(peer: PeerReport): void {
    this.#log.append('mesh_peer_joined', peerOf(peer));
  }

  dropped(peer: PeerReport, reason: string): void {
    this.#log.append('mesh_peer_dropped', { ...peerOf(peer), reason });
  }

  decided({ decision, address, score, sources }: Decided): void {
    this.#log.append('mesh_quorum_decision', { decision, address, score, sources });
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
