import { busMetrics, redisLinkMetrics } from '@macronode/bus';
import { ROUTES } from '@macronode/contracts';
import { gatewayMetrics } from '@macronode/gateway';
import { indexMetrics } from '@macronode/index';
import { eventStreamMetrics } from '@macronode/log-http';
import { mailboxMetrics } from '@macronode/mailbox';
import { gossipsubMetrics, meshMetrics } from '@macronode/mesh';
import {
  buildInfo,
  configValue,
  type Declaration,
  processMetrics,
  readyzState,
  registryMetrics as countingMetrics,
} from '@macronode/metrics';
import { omnigateMetrics } from '@macronode/omnigate';
import { registryMetrics } from '@macronode/registry';
import { accessLogMetrics, connectionMetrics, httpGolden, tracingMetrics } from '@macronode/service';
import { storageMetrics } from '@macronode/storage';
import { storeMetrics } from '@macronode/store';

/** Reasons of the registry that boards and rules ask for by name, beside those of every service. */
const NO_WRITES = ['frozen', 'no_signers', 'replica'];

/** What matches them: refused because the log takes no writes, what `maintenance` is counted under. */
export const TAKES_NO_WRITES = `reason=~"${NO_WRITES.join('|')}"`;

/** Reasons of the gateway about who asks: over its rate, cut for going on, or denied for what the mesh says of it. */
export const CLIENT_REASONS = Object.freeze({ rate: 'client_rate', cut: 'client_cut', standing: 'mesh_score' });

/** Requests refused for what the mesh says of their client. */
export const BY_STANDING = `reason="${CLIENT_REASONS.standing}"`;

/** Claims nobody made who may: their signature does not hold, or their source is on no list. */
export const FORGED = 'reason=~"signature|untrusted"';
/** Claims over the share of their connection or of their source. */
export const FLOOD = 'reason=~"connection_rate|rate"';

/**
 * Every metric of ours, from the declarations the code counts with: boards, rules and checks name a series only through
 * this table, so that renaming one is one line.
 */
export const METRICS = Object.freeze({
  golden: httpGolden(
    [...new Set(Object.values(ROUTES).map(({ template }) => template))],
    [...NO_WRITES, ...Object.values(CLIENT_REASONS)],
  ),
  connections: connectionMetrics,
  accessLog: accessLogMetrics,
  gateway: gatewayMetrics,
  omnigate: omnigateMetrics,
  index: indexMetrics,
  storage: storageMetrics,
  mailbox: mailboxMetrics,
  registry: registryMetrics,
  mesh: meshMetrics,
  gossipsub: gossipsubMetrics,
  streams: eventStreamMetrics,
  store: storeMetrics,
  bus: busMetrics,
  redis: redisLinkMetrics,
  process: processMetrics,
  counting: countingMetrics,
  tracing: tracingMetrics,
  state: {
    readyz: readyzState,
    build: buildInfo({ version: 'any', gitSha: 'any', node: 'any' }),
    config: configValue(['any']),
  },
});

/** The same, by name. */
export const DECLARED: ReadonlyMap<string, Declaration> = new Map(
  Object.values(METRICS)
    .flatMap((group): readonly Declaration[] => Object.values(group))
    .map((declaration) => [declaration.name, declaration]),
);

/** Histograms that show exemplars: those observed where the trace is at hand. */
export const TRACED: ReadonlySet<string> = new Set(
  [METRICS.golden.requestLatency, METRICS.bus.requestSeconds, METRICS.bus.handlerSeconds].map(({ name }) => name),
);
