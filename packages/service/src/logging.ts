import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from './common-config.ts';

export type { Logger } from 'pino';

const SECRETS = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'token',
  'private_key',
  'privateKey',
  'redisUrl',
];
const PAYLOADS = ['payload', 'payload_b64', 'body'];

/** Paths that never reach a log line, at the top and one or two levels down. */
const REDACTED = [...SECRETS, ...PAYLOADS].flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]);

const lineOptions = (bindings: Readonly<Record<string, string>>) => ({
  base: bindings,
  messageKey: 'message',
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label: string) => ({ level: label }) },
});

/** JSON lines on stdout. Ids belong here, never in metrics; secrets and payloads belong nowhere. */
export function createLogger(
  level: LogLevel,
  bindings: Readonly<Record<string, string>>,
  stream?: DestinationStream,
): Logger {
  const options = {
    ...lineOptions(bindings),
    level,
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  return stream === undefined ? pino(options) : pino(options, stream);
}

/**
 * The same lines without the search for secrets, which costs more than the line itself: for one writer, whose fields are
 * known and hold none.
 */
export const createBareLogger = (bindings: Readonly<Record<string, string>>, stream: DestinationStream): Logger =>
  pino({ ...lineOptions(bindings), level: 'info' }, stream);

/** NestJS's own messages through the same log; its chatter at start-up is of debugging interest only. */
export class NestLogger implements LoggerService {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.#log.debug({ nest: rest.at(-1) }, String(message));
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.log(message, ...rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.log(message, ...rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.#log.warn({ nest: rest.at(-1) }, String(message));
  }
  error(message: unknown, ...rest: unknown[]): void {
    const err = message instanceof Error ? message : undefined;
    this.#log.error({ nest: rest.at(-1), err }, String(message));
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.error(message, ...rest);
  }
}
