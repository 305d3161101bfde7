import { SLOS } from '@macronode/contracts';
import { METRICS } from '../../declared.ts';
import { ask, highest, lowest, p99, perSecond, recorded } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';

const { bus, golden, registry, storage, store } = METRICS;

const burning = (slo: keyof typeof SLOS) =>
  ask(
    'How fast, over each window.',
    recorded('burnRate', `slo="${slo}"`),
    'High over 5 minutes and an hour: it burns now. High over days alone: it burns slowly.',
  );

/** Budgets of objectives that burn too fast: what users see, before why. */
export const budgetEntries: Readonly<Record<string, RunbookEntry>> = {
  AvailabilityBudgetBurn: {
    meaning: 'Too many answers are 5xx. The budget of four weeks is spent in days (ticket) or hours (page).',
    steps: [
      burning('availability'),
      ask(
        'Which answers, on which routes.',
        perSecond(golden.httpRequests, 'route, code', 'code=~"5.."'),
        '500: a defect. 502: damage or nobody there. 503: refused. 504: late. 507: disk.',
      ),
      ask(
        'Who refuses, and for what.',
        `topk(5, ${perSecond(golden.rejected, 'service, reason')} > 0)`,
        'The reason is a heading of this page, or a bound of docs/limits.md.',
      ),
      ask(
        'What else fires: causes without users are tickets.',
        'ALERTS{alertstate="firing",alertname!="Watchdog"}',
        'A dependency that fires is where to begin.',
      ),
    ],
    mend: [
      'One service is gone: its `ServiceAbsent`; all of them: `RedisUnreachable`.',
      '500s since a release: go back to the one before.',
      'One route only: the service behind it, by its board.',
    ],
  },
  AdmissionBudgetBurn: {
    meaning: 'Too many requests are refused with 429 or 503. Refusing protects what is admitted, so nobody is woken.',
    steps: [
      burning('admission'),
      ask(
        'Which bound refuses.',
        `topk(5, ${perSecond(golden.rejected, 'service, reason', 'reason=~"inflight.*|bus_.*|busy|quota|saturated|topic_depth|store_bytes|waiters|.*_slots|unavailable"')} > 0)`,
        '`inflight`: the gate. `bus_stream`: an owner that is behind. `topic_depth`: one mailbox topic. `unavailable`: something is down.',
      ),
      ask(
        'Whether more is asked than usual.',
        perSecond(golden.httpRequests, 'route'),
        'Against last week: load, or the same load and less room.',
      ),
    ],
    mend: [
      '`unavailable`: it is an outage, see `AvailabilityBudgetBurn`.',
      'The gate: see `GatewayNearCapacity`. The bus: see `BusOverflowing`. A topic: see the error `saturated`.',
      'One client: have it honour `Retry-After`.',
    ],
  },
  ObjectGetLatencyBudgetBurn: {
    meaning: `Too many reads of objects take longer than ${SLOS.object_get_latency.boundSeconds * 1_000} ms to be answered.`,
    steps: [
      burning('object_get_latency'),
      ask(
        'In storage itself.',
        p99(storage.getLatency, 'range'),
        'Time to the first verified byte; low: the time goes elsewhere.',
      ),
      ask(
        'On the way there.',
        p99(bus.queueWait, 'service, side', 'service=~"omnigate|storage"'),
        'High on `client`: Redis is slow. High on `server`: no free handler.',
      ),
      ask(
        'Whether all read slots are taken.',
        highest(storage.readsInflight, 'service, instance'),
        'At `STORAGE_READ_SLOTS`.',
      ),
    ],
    mend: [
      'Storage is slow by itself: its disk; objects above 16 KiB are files.',
      'The way is slow: Redis or a busy process; see `BusQueueWait`.',
      'Large downloads crowd out small ones: lower `STORAGE_READ_SLOTS`; reads of one chunk need no slot.',
    ],
  },
  ObjectPutLatencyBudgetBurn: {
    meaning: `Too many writes of objects take longer than ${SLOS.object_put_latency.boundSeconds * 1_000} ms, the sending of their bytes included.`,
    steps: [
      burning('object_put_latency'),
      ask(
        'From the last byte to durable.',
        p99(storage.putLatency, 'service, instance'),
        'High: the disk. Low: the bytes come slowly, or the way is slow.',
      ),
      ask(
        'How long a commit takes.',
        p99(store.commitSeconds, 'service, instance', 'service="storage"'),
        'Above 0.05: an fsync is slow.',
      ),
      ask(
        'On the way there.',
        p99(bus.requestSeconds, 'service, subject'),
        'The subject of uploads against its usual value.',
      ),
    ],
    mend: [
      'The disk: see `StoreCommitSlow`.',
      'The bytes: slow clients or larger objects than usual, see `gateway_body_bytes_total`; an objective for small ones says nothing about them.',
      'The way: see `BusQueueWait`.',
    ],
  },
  RegistryHeadLatencyBudgetBurn: {
    meaning: `Too many asks for the head of the registry take longer than ${SLOS.registry_head_latency.boundSeconds * 1_000} ms.`,
    steps: [
      burning('registry_head_latency'),
      ask(
        'At the gateway or at the registry itself.',
        `histogram_quantile(0.95, sum by (service, le) (rate(${golden.requestLatency.name}_bucket{route="/registry/head"}[300s]))) >= 0`,
        'The gateway alone: the way. Both: the registry.',
      ),
      ask(
        'Whether its event loop is late: the head is answered from memory.',
        recorded('eventLoopLag', 'service=~"gateway|registry"'),
        'Above 0.05: something computes there.',
      ),
      ask(
        'How many are asked at once.',
        highest(registry.routeInflight, 'instance, route'),
        'Near `REGISTRY_HEAD_INFLIGHT`: a storm, refused with 429 after ten seconds.',
      ),
    ],
    mend: [
      'The way: Redis or a busy process; see `BusQueueWait`.',
      'The registry: take heavy readers (`/registry/log`, proofs) to a replica; lower `REGISTRY_LOG_INFLIGHT`.',
      'A storm: have readers keep the head and send `If-None-Match`, or follow `/registry/stream`.',
    ],
  },
  RegistryEntryLatencyBudgetBurn: {
    meaning: `Too many reads of a version of the registry take longer than ${SLOS.registry_entry_latency.boundSeconds * 1_000} ms.`,
    steps: [
      burning('registry_entry_latency'),
      ask(
        'Whether the head is late too.',
        `histogram_quantile(0.95, sum by (route, le) (rate(${golden.requestLatency.name}_bucket{route=~"/registry/(head|\\\\{version\\\\})"}[300s]))) >= 0`,
        'Both: the process or the way. Versions alone: the disk, or their size.',
      ),
      ask(
        'Whether a commit holds the disk.',
        p99(store.commitSeconds, 'service, instance', 'service="registry"'),
        'Above 0.05: see `StoreCommitSlow`.',
      ),
    ],
    mend: [
      'Their size: an answer is up to a MiB; put large content into objects and their ids into the log.',
      'The disk: the database is no longer in the page cache; more memory, or a replica for those that read from the beginning.',
      'Versions never change: a cache in front of `/registry/{version}` keeps them for ever.',
    ],
  },
  RegistryCommitLatencyBudgetBurn: {
    meaning: `Too many commits take longer than ${SLOS.registry_commit_latency.boundSeconds * 1_000} ms, as those who ask for them see it.`,
    steps: [
      burning('registry_commit_latency'),
      ask(
        'Inside the registry.',
        recorded('registryCommit'),
        'Low: the time goes on the way there. High: the next step.',
      ),
      ask(
        'How long commits wait for one another.',
        p99(registry.commitStage, 'stage', 'stage="wait"'),
        'High: they come in bursts.',
      ),
    ],
    mend: [
      'Inside: see `RegistryCommitSlow`.',
      'On the way: see `BusQueueWait`.',
      'Bursts: short `Retry-After`s during a governance storm are as designed; lower `REGISTRY_WRITE_INFLIGHT` to refuse instead of waiting.',
    ],
  },
  BusDeliveryBudgetBurn: {
    meaning: 'The bus refuses more messages than its budget allows. It is what users see later as 429 and 503.',
    steps: [
      burning('bus_delivery'),
      ask(
        'Who refuses at which bound.',
        `topk(5, ${perSecond(bus.overflow, 'service, gate')} > 0)`,
        '`stream` is counted at the caller: look for the owner that is behind.',
      ),
      ask('Which owner is behind.', recorded('busGroupLag'), 'The service and stream with the oldest entry.'),
      ask('Whether it can take more.', lowest(bus.credits, 'service'), '0: its handlers are all taken.'),
    ],
    mend: [
      'The owner is behind: see `BusGroupLag`.',
      'The owner is slow: see `BusQueueWait`.',
      'Several owners at once: Redis, or more load than the node is rated for; admit less (`OMNIGATE_INFLIGHT`).',
    ],
  },
};
