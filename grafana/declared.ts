import { busMetrics, redisLinkMetrics } from '@macronode/bus';
import { ROUTES } from '@macronode/contracts';
import { gatewayMetrics } from '@macronode/gateway';
import { indexMetrics } from '@macronode/index';
import { eventStreamMetrics } from '@macronode/log-http';
import { mailboxMetrics } from '@macronode/mailbox';
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

/**
 * Every metric of ours, from the declarations the code counts with: boards, rules and checks name a series only through
 * this table, so that renaming one is one line.
 */
export const METRICS = Object.freeze({
  golden: httpGolden([...new Set(Object.values(ROUTES).map(({ template }) => template))], NO_WRITES),
  connections: connectionMetrics,
  accessLog: accessLogMetrics,
  gateway: gatewayMetrics,
  omnigate: omnigateMetrics,
  index: indexMetrics,
  storage: storageMetrics,
  mailbox: mailboxMetrics,
  registry: registryMetrics,
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
