import type { Connection, Metrics } from '@libp2p/interface';
import type { MeshCounters } from '../metrics.ts';

type Counters = Pick<MeshCounters, 'peerConnections' | 'peerDisconnections'>;
export type Disconnection = 'timeout' | 'remote_close' | 'local_close' | 'error';

const TIMEOUTS: ReadonlySet<string> = new Set(['TimeoutError', 'AbortError', 'ETIMEDOUT', 'TransportTimeoutError']);

/** Whether an error says that time ran out. A dial to several addresses fails with all their errors in one. */
export function isTimeout(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isTimeout);
  if (!(error instanceof Error)) return false;
  return TIMEOUTS.has(error.name) || ('code' in error && TIMEOUTS.has(String(error.code)));
}

/** Counts connections as they begin and end, and knows which of them this node ended. */
export class ConnectionCounts {
  readonly #counters: Counters;
  readonly #closedHere = new WeakSet<Connection>();

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** `ended` is told why, when the connection has ended. */
  opened(connection: Connection, ended: (reason: Disconnection) => void): void {
    const { direction } = connection;
    this.#counters.peerConnections.inc({ direction, result: 'success' });
    connection.addEventListener(
      'close',
      (event) => {
        const reason = this.#closedHere.has(connection) ? 'local_close' : reasonOf(event.error);
        this.#counters.peerDisconnections.inc({ direction, reason });
        ended(reason);
      },
      { once: true },
    );
  }

  /** This node is about to end the connection. */
  closing(connection: Connection): void {
    this.#closedHere.add(connection);
  }

  /** Counts what libp2p tells nobody but its metrics: connections from outside that never came to be. */
  get inboundFailures(): Metrics {
    const refused = (names: Readonly<Record<string, unknown>>): void => {
      const timeout = Object.keys(names).some((name) => TIMEOUTS.has(name));
      this.#counters.peerConnections.inc({ direction: 'inbound', result: timeout ? 'timeout' : 'error' });
    };
    return listeningTo('libp2p_connection_manager_dials_inbound_errors_total', refused);
  }
}

function reasonOf(error: Error | undefined): Disconnection {
  if (error === undefined) return 'remote_close';
  return isTimeout(error) ? 'timeout' : 'error';
}

/** Metrics for libp2p that keep nothing, but for the increments of one group. */
function listeningTo(group: string, told: (values: Readonly<Record<string, unknown>>) => void): Metrics {
  const stop = (): void => undefined;
  const silent = {
    update: stop,
    increment: stop,
    decrement: stop,
    reset: stop,
    observe: stop,
    timer: () => stop,
  };
  const register = (): typeof silent => silent;
  const metrics: Metrics = {
    trackMultiaddrConnection: stop,
    trackProtocolStream: stop,
    registerMetric: register,
    registerMetricGroup: register,
    registerCounter: register,
    registerCounterGroup: (name: string) => (name === group ? { ...silent, increment: told } : silent),
    registerHistogram: register,
    registerHistogramGroup: register,
    registerSummary: register,
    registerSummaryGroup: register,
    traceFunction: <F>(_name: string, call: F): F => call,
    createTrace: stop,
  };
  return metrics;
}
