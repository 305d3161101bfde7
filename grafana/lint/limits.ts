import { METRICS } from '../declared.ts';

const { process, connections, gateway, omnigate, storage, mailbox, registry, streams, bus, state } = METRICS;

/** Gauges that have a limit, and the series that says it: who draws the one draws the other. */
export const LIMIT_OF: Readonly<Record<string, string>> = Object.freeze({
  [process.resident.name]: process.memoryLimit.name,
  [process.heapUsed.name]: process.heapLimit.name,
  [process.openFds.name]: process.maxFds.name,
  [connections.connections.name]: state.config.name,
  [gateway.inflight.name]: state.config.name,
  [omnigate.inflight.name]: state.config.name,
  [storage.uploadsInflight.name]: state.config.name,
  [storage.readsInflight.name]: state.config.name,
  [mailbox.waiters.name]: state.config.name,
  [mailbox.storedBytes.name]: state.config.name,
  [registry.routeInflight.name]: registry.routeBound.name,
  [streams.clients.name]: state.config.name,
  [bus.depthFrames.name]: bus.limitFrames.name,
  [bus.depthBytes.name]: bus.limitBytes.name,
});
