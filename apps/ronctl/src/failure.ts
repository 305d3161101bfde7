import { EXIT, type ExitCode } from './exit-codes.ts';

export interface FailureOptions {
  /** What the person can do next. */
  readonly hint?: string;
  readonly code?: string;
  readonly status?: number;
  readonly corrId?: string;
  readonly retryAfterMs?: number;
  /** Whether the request may have taken effect though no answer said so. */
  readonly outcomeUnknown?: boolean;
  /** Facts for scripts, as members of the error. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An ending that is not success: what happened, what to do next, and the exit code. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;
  readonly options: FailureOptions;

  constructor(exitCode: ExitCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.options = options;
  }

  toJson(): { error: Record<string, unknown> } {
    const { hint, code, status, corrId, retryAfterMs, details } = this.options;
    return {
      error: {
        message: this.message,
        exit_code: this.exitCode,
        ...(code === undefined ? {} : { code }),
        ...(status === undefined ? {} : { status }),
        ...(corrId === undefined ? {} : { corr_id: corrId }),
        ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
        ...(hint === undefined ? {} : { hint }),
        ...details,
      },
    };
  }
}

/** The exit code for an error code of the table, or for a status when the answer had no envelope. */
export function exitCodeOf(code: string | undefined, status: number): ExitCode {
  if (code === 'digest_mismatch' || code === 'integrity') return EXIT.integrity;
  if (status === 404) return EXIT.notFound;
  if (status === 429 || status === 502 || status === 503 || status === 504) return EXIT.unavailable;
  return EXIT.error;
}

/** The next step for codes where it is not plain from the message. */
export function hintOf(code: string | undefined, retryAfterMs: number | undefined): string | undefined {
  switch (code) {
    case 'unauthorized':
    case 'forbidden':
      return 'pass a token that allows this with --token or RONCTL_TOKEN';
    case 'not_owner':
      return 'the name was published with another key; publish with that key or choose another name';
    case 'digest_mismatch':
      return 'the file changed while it was read; run the command again';
    case 'precondition_failed':
      return 'read the current state, then decide and try again';
    case 'no_responders':
      return 'see which service is missing with: ronctl status';
    case 'unknown_signer':
      return 'see who may approve with: ronctl registry signers';
    case 'chain_mismatch':
      return 'the log went on; see it with: ronctl registry head; then propose again';
    case 'quorum_failed':
      return 'see what it still needs with: ronctl registry proposals <id>';
    case 'revoked_key':
      return 'the signers changed since it was approved: propose again';
    case 'signer_conflict':
      return 'this signer has approved already; nothing more is needed from it';
    case 'sealed':
      return 'its last entry names the log that goes on: ronctl registry log';
    case 'maintenance':
      return 'see why with: ronctl registry signers';
    case 'internal':
      return 'look for the corr_id in the logs of the node';
    default:
      return retryAfterMs === undefined ? undefined : `try again in ${Math.ceil(retryAfterMs / 1000)} s`;
  }
}

/** Puts any thrown thing into the one shape the command line reports. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code;
    const path = (error as NodeJS.ErrnoException).path;
    if (error.name === 'AbortError') return new Failure(EXIT.interrupted, 'interrupted');
    if (code === 'EPIPE') return new Failure(EXIT.error, 'the reader of standard output went away');
    if (path !== undefined) return new Failure(EXIT.error, `cannot use ${path}: ${code ?? error.message}`);
    return new Failure(EXIT.error, error.message, { cause: error });
  }
  return new Failure(EXIT.error, String(error));
}
