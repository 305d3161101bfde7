import { METRICS } from '../declared.ts';
import { ratio } from '../series.ts';
import { type RuleClock, rangeSeconds } from './clock.ts';
import { gauge, increase, measured, quantile, rate } from './promql.ts';
import { RECORDED } from './recorded.ts';

/** A recording rule. */
export interface Recording {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Over which a cause is measured: twelve scrapes. */
const RANGE_SECONDS = 60;
/** Over which starts are counted. */
const STARTS_SECONDS = 900;
/** Over which growth is measured: files grow in steps. */
const GROWTH_SECONDS = 900;

const SERVICE = 'service';
const INSTANCE = 'service, instance';
const STREAM = 'service, stream';

const UPLOADS = 'method=~"PUT|POST",route=~"/o.*"';
const DOWNLOADS = 'method="GET",route=~"/o.*|/n/.*"';

/** Every recorded series of a cause. Shares have no value without traffic: nothing is known then, not that all is well. */
export function causeRecordings(clock: RuleClock): readonly Recording[] {
  const range = rangeSeconds(clock, RANGE_SECONDS);
  const { bus, golden, gateway, index, mailbox, mesh, omnigate, process, registry, state, storage, store } = METRICS;
  const per = (by: string) => ({
    rate: (metric: Parameters<typeof rate>[0], matchers = '') => rate(metric, by, range, matchers),
    quantile: (q: number, metric: Parameters<typeof quantile>[1], matchers = '') =>
      measured(quantile(q, metric, by, range, matchers)),
  });
  const service = per(SERVICE);
  const instance = per(INSTANCE);
  const uploads = instance.rate(golden.httpRequests, UPLOADS);
  const downloads = instance.rate(golden.httpRequests, DOWNLOADS);
  const hints = `(${service.rate(bus.lagged)} + ${service.rate(bus.received, 'kind="hint"')})`;
  // Of leases that end: one that runs out may have begun long before, when more, or less, was delivered.
  const leasesEnded = `(${instance.rate(mailbox.visibilityTimeouts)} + ${instance.rate(mailbox.acked)})`;
  const lane = 'kind=~"request|work"';
  const inflightLimit = `max by (${INSTANCE}) (${state.config.name}{key="inflight"})`;
  return [
    { record: RECORDED.eventLoopLag, expr: gauge('max', process.lagP99, INSTANCE) },
    { record: RECORDED.cpuCores, expr: instance.rate(process.cpu) },
    { record: RECORDED.gcShare, expr: instance.rate(process.gcSeconds) },
    {
      record: RECORDED.memoryShare,
      expr: `${gauge('max', process.resident, INSTANCE)} / ${gauge('max', process.memoryLimit, INSTANCE)}`,
    },
    {
      record: RECORDED.fdShare,
      expr: `${gauge('max', process.openFds, INSTANCE)} / ${gauge('max', process.maxFds, INSTANCE)}`,
    },
    {
      record: RECORDED.restarts,
      expr: `max by (${INSTANCE}) (changes(${process.startTime.name}[${rangeSeconds(clock, STARTS_SECONDS)}s]))`,
    },

    { record: RECORDED.busHintLag, expr: ratio(service.rate(bus.lagged), hints) },
    {
      record: RECORDED.busOverflow, // Both are counted within one call, and a scrape may fall between the two.
      expr: `clamp_max(${ratio(service.rate(bus.overflow), service.rate(bus.published))}, 1)`,
    },
    { record: RECORDED.busRedelivered, expr: ratio(service.rate(bus.redelivered), service.rate(bus.received, lane)) },
    { record: RECORDED.busQueueWait, expr: service.quantile(0.99, bus.queueWait, 'side="server"') },
    { record: RECORDED.busReconnects, expr: service.rate(bus.reconnects) },
    {
      record: RECORDED.busUnknown,
      expr: ratio(service.rate(bus.requests, 'result="unknown"'), service.rate(bus.requests)),
    },
    { record: RECORDED.busDeadLetters, expr: service.rate(bus.deadLetters) },
    { record: RECORDED.busGroupLag, expr: gauge('max', bus.lagSeconds, STREAM) },
    { record: RECORDED.busOldestPending, expr: gauge('max', bus.oldestPending, SERVICE) },
    {
      record: RECORDED.busStreamFill,
      // A limit of zero belongs to a stream that is not there.
      expr: `max by (${STREAM}) (${bus.depthFrames.name} / (${bus.limitFrames.name} > 0))`,
    },

    { record: RECORDED.storeCommit, expr: instance.quantile(0.95, store.commitSeconds) },
    { record: RECORDED.storeQueue, expr: gauge('max', store.queueDepth, INSTANCE) },
    {
      record: RECORDED.integrityFailures,
      expr: [storage.integrityFail, index.integrityFail]
        .map((metric) => increase(metric, INSTANCE, range))
        .join(' or '),
    },
    {
      record: RECORDED.diskFree,
      // In amnesia there is no disk: what may still be written is a bound of memory, and nearing it is ordinary.
      expr: `min by (${INSTANCE}) (${storage.diskFree.name} and on (${INSTANCE}) ${state.config.name}{key="dataDir"} == 1)`,
    },

    { record: RECORDED.mailboxOldestReady, expr: gauge('max', mailbox.oldestReady, INSTANCE) },
    { record: RECORDED.mailboxDeadLetters, expr: instance.rate(mailbox.dead) },
    {
      record: RECORDED.mailboxExpiredLeases,
      expr: ratio(instance.rate(mailbox.visibilityTimeouts), leasesEnded),
    },
    { record: RECORDED.registryCommit, expr: instance.quantile(0.95, registry.commitLatency) },
    { record: RECORDED.registryCommits, expr: instance.rate(registry.commits, 'result="committed"') },
    {
      record: RECORDED.registryAuditFailures,
      // The count itself: what a start finds has happened before the first scrape, where no rate sees it.
      expr: `max by (${INSTANCE}) (${registry.auditFailed.name})`,
    },
    {
      record: RECORDED.registryWitnessFailed,
      expr: ratio(
        instance.rate(registry.cosignatures, 'result=~"refused|failed"'),
        instance.rate(registry.cosignatures),
      ),
    },
    {
      record: RECORDED.registryGrowth,
      expr: `sum by (${INSTANCE}) (deriv(${registry.storageBytes.name}[${rangeSeconds(clock, GROWTH_SECONDS)}s]))`,
    },
    {
      record: RECORDED.meshPeers,
      // A gateway that has met nobody yet has no client to show; it has no peers all the same.
      expr: `${gauge('sum', mesh.meshPeers, INSTANCE)} or ${gauge('max', mesh.meshRunning, INSTANCE)} * 0`,
    },
    {
      record: RECORDED.meshSyncFailed,
      expr: ratio(instance.rate(mesh.syncRounds, 'result="failed"'), instance.rate(mesh.syncRounds)),
    },
    { record: RECORDED.gatewayInflight, expr: `${gauge('max', gateway.inflight, INSTANCE)} / ${inflightLimit}` },
    {
      record: RECORDED.uploadsAborted,
      expr: ratio(instance.rate(gateway.uploadsAborted, 'reason="upstream"'), uploads),
    },
    {
      record: RECORDED.downloadsAborted,
      expr: ratio(instance.rate(gateway.downloadsAborted, 'reason="upstream"'), downloads),
    },
    {
      record: RECORDED.omnigateFailed,
      expr: ratio(instance.rate(omnigate.requests, 'result="failed"'), instance.rate(omnigate.requests)),
    },
  ];
}
