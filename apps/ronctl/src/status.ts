import { Readiness } from '@macronode/contracts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { Failure } from './failure.ts';

/** The ops ports of gateway, omnigate, index, storage, mailbox and registry; a micronode has only the first. */
const DEFAULT_OPS_PORTS = [9080, 9081, 9082, 9083, 9084, 9085] as const;

export interface ServiceStatus {
  readonly service: string;
  readonly state: 'ready' | 'read-only' | 'not ready' | 'down';
  readonly missing: readonly string[];
  readonly ops: string;
}

const stateOf = (readiness: Readiness): ServiceStatus['state'] => {
  if (!readiness.ready) return 'not ready';
  return readiness.write_ready ? 'ready' : 'read-only';
};

const rowOf = (readiness: Readiness, ops: string): ServiceStatus => ({
  service: readiness.service,
  state: stateOf(readiness),
  missing: readiness.missing,
  ops,
});

/** The rows of one `/readyz` body. A node that runs several services lists them under `services`. */
function rowsOf(body: unknown, ops: string): ServiceStatus[] {
  const services: unknown = typeof body === 'object' && body !== null && 'services' in body ? body.services : undefined;
  if (typeof services !== 'object' || services === null) return [rowOf(Readiness.parse(body), ops)];
  const parts: unknown[] = Array.isArray(services)
    ? services
    : Object.entries(services as Record<string, unknown>).map(([service, part]) => ({ service, ...(part as object) }));
  return parts.map((part) => rowOf(Readiness.parse(part), ops));
}

async function ask(ops: string, timeoutMs: number, signal: AbortSignal): Promise<ServiceStatus[]> {
  try {
    const response = await fetch(`${ops}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    return rowsOf(await response.json(), ops);
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = (cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.name : String(cause));
    return [{ service: '?', state: 'down', missing: [why], ops }];
  }
}

/**
 * Asks every ops address for its readiness. Without addresses the default ports of this machine are asked,
 * and those nobody listens on are left out when one process answers for several services.
 */
export async function readStatus(
  given: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ServiceStatus[]> {
  const addresses = given.length > 0 ? given : DEFAULT_OPS_PORTS.map((port) => `http://127.0.0.1:${port}`);
  const answers = await Promise.all(addresses.map((ops) => ask(ops, timeoutMs, signal)));
  const rows = answers.flat();
  const oneProcess = given.length === 0 && answers.some((part) => part.length > 1);
  const shown = oneProcess ? rows.filter((row) => row.state !== 'down') : rows;
  if (shown.every((row) => row.state === 'down')) {
    throw new Failure(EXIT.unavailable, `no service answers at ${addresses.join(', ')}`, {
      hint: 'start a node with `npm start` or `npm run up`, or name ops addresses with --ops',
    });
  }
  return shown;
}

export const exitCodeOfStatus = (rows: readonly ServiceStatus[]): ExitCode =>
  rows.every((row) => row.state === 'ready') ? EXIT.ok : EXIT.unavailable;
