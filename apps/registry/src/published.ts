import type { SignedCheckpoint } from '@macronode/log';

/** The checkpoint a log shows: its own, or the one of the log it follows. */
export interface Published {
  /** As it is sent; undefined before there is one. */
  readonly text: string | undefined;
  readonly signed: SignedCheckpoint | undefined;
}
