import type { RegistrySigners } from '@macronode/contracts';
import type { NoteSigner } from '@macronode/log';
import type { Logger } from '@macronode/service';
import type { AuditTrail } from './audit-trail.ts';
import type { LogService } from './log.service.ts';
import type { Published } from './published.ts';

/** A log that is open, whoever writes it. */
export interface OpenedLog {
  readonly log: LogService;
  readonly audit: AuditTrail;
  readonly published: Published | undefined;
  /** The body of `GET /registry/signers`. */
  signers(): RegistrySigners;
  /** What this node cosigns other logs with; undefined when it has no key. */
  readonly cosigner: NoteSigner | undefined;
}

/** Says that somebody who listens threw: it is that one's defect, and the commit stands. */
export const untold =
  (log: Logger) =>
  (err: unknown): void =>
    log.error({ err }, 'a commit was not told to somebody who listens');
