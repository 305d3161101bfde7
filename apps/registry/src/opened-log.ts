import type { RegistrySigners } from '@macronode/contracts';
import type { NoteSigner } from '@macronode/log';
import type { LogService } from './log.service.ts';
import type { Published } from './published.ts';

/** A log that is open, whoever writes it. */
export interface OpenedLog {
  readonly log: LogService;
  readonly published: Published | undefined;
  /** The body of `GET /registry/signers`. */
  signers(): RegistrySigners;
  /** What this node cosigns other logs with; undefined when it has no key. */
  readonly cosigner: NoteSigner | undefined;
}
