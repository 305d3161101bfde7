// Whether a log is sound, as somebody outside of it finds out.
import { ronctl, type RonctlRun } from './ronctl.ts';

export interface AuditOptions {
  /** File with the signers the log began with; without it the node that is judged is believed in this. */
  readonly genesis?: string;
}

/**
 * Has the verifier of the command line read the whole log and recompute everything in it. A log without a version is sound
 * when the node says nothing else of it.
 */
export function auditLog(url: string, { genesis }: AuditOptions = {}): Promise<RonctlRun> {
  const anchors = genesis === undefined ? [] : ['--genesis', genesis];
  return ronctl(['registry', 'verify', url, ...anchors]);
}
