import { METRICS } from '../../declared.ts';
import { ask, highest, p99, perSecond, recorded, refusedFor, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';

const { bus, connections, gateway, golden, omnigate, state, storage, store } = METRICS;

/** The gateway and omnigate. */
export const edgeEntries: Readonly<Record<string, RunbookEntry>> = {
  GatewayNearCapacity: {
    meaning:
      'Four fifths of the places for requests in flight are taken. Writes are refused at seven eighths, reads at all of them.',
    steps: [
      ask('Which gateway.', recorded('gatewayInflight'), 'Above 0.8.'),
      ask(
        'Which routes hold the places.',
        highest(golden.inflightRequests, 'route'),
        'The route far above the others.',
      ),
      ask('Whether they are refused already.', refusedFor('inflight_writes'), 'Above 0: writes are.'),
      ask(
        'Whether what is behind is slow.',
        p99(bus.requestSeconds, 'service, subject'),
        'The subject whose answers take long.',
      ),
    ],
    mend: [
      'Long polls of `/mailbox`: they hold a place for up to 20 s each; raise `GATEWAY_INFLIGHT`, they cost little.',
      'Everything is slow: the service behind, see `BusQueueWait` and `StoreCommitSlow`.',
      'Load: one more gateway, `npm run up -- --replicas gateway=2`.',
    ],
  },
  GatewayConnectionsDropped: {
    meaning:
      'A gateway has `GATEWAY_CONNECTIONS` open connections, or no descriptor left, and closes new ones without an answer.',
    steps: [
      ask(
        'How many are open.',
        highest(connections.connections, 'service, instance'),
        'At the bound: it is the bound. Below: descriptors.',
      ),
      ask(
        'How many of them do something.',
        `sum by (service) (${golden.inflightRequests.name})`,
        'Few: idle clients hold them.',
      ),
      ask('Whether descriptors ran out first.', recorded('fdShare'), 'Near 1.'),
      type(
        'Who holds them.',
        'ss -tn state established "( sport = :8080 )"',
        'Many from one address: a client without a pool, or an attack.',
      ),
    ],
    mend: [
      'One address: limit it before the gateway (proxy, firewall).',
      'Many honest clients: raise `GATEWAY_CONNECTIONS`, or run one more gateway with `HTTP_REUSE_PORT`.',
      'Descriptors: see `DescriptorsNearLimit`.',
    ],
  },
  UploadsAborted: {
    meaning:
      'More than one upload in twenty was ended by storage after it had been accepted. What is refused before its first byte is not counted.',
    steps: [
      ask(
        'Who ends them.',
        perSecond(gateway.uploadsAborted, 'reason'),
        '`upstream`: storage. `client`, `idle` and `too_large` are not counted in the alert.',
      ),
      ask(
        'Why storage ends them.',
        perSecond(storage.refused, 'reason'),
        '`digest_mismatch`, `no_space`, `busy` or `unavailable` stands out; `upload_slots` is refused before.',
      ),
      ask(
        'Nothing stands out: whether the link broke under them.',
        perSecond(bus.reconnects, 'service', 'service=~"gateway|storage"'),
        'Above 0: what was on its way is lost. 0: storage itself ended.',
      ),
    ],
    mend: [
      '`no_space`: the disk filled while they were sent, see `DiskNearlyFull`.',
      '`unavailable`: see `StoreFailed`. `busy`: see `StoreQueueLong`.',
      '`digest_mismatch`: the clients send something else than they announce; a proxy may change bodies.',
      'The link: see `BusReconnecting`. Storage ended: see `RestartLoop`.',
    ],
  },
  DownloadsAborted: {
    meaning:
      'More than one download in a hundred broke off in storage after its first bytes. Clients hold half an object.',
    steps: [
      ask(
        'Who breaks off.',
        perSecond(gateway.downloadsAborted, 'reason'),
        '`upstream`: storage. `client`: they left, which is not counted in the alert.',
      ),
      ask(
        'Whether bytes are damaged.',
        perSecond(storage.integrityFail, 'where'),
        'Above 0: a chunk failed its check in the middle of a stream.',
      ),
      ask(
        'Whether storage itself ends.',
        `changes(${METRICS.process.startTime.name}{service="storage"}[900s])`,
        'Above 0: it was started again under its readers.',
      ),
      ask(
        'Whether streams stand still.',
        `sum by (direction) (${bus.streamsOpen.name})`,
        'Many open with few bytes: a stream that moves nothing for 15 s is ended.',
      ),
    ],
    mend: [
      'Damaged: see `IntegrityFailure`.',
      'It ends: see `RestartLoop`.',
      'They stand still: Redis is slow, see `BusQueueWait`; clients continue with a Range request.',
    ],
  },
  OmnigateFailing: {
    meaning:
      'Omnigate resolves a name at the index before it hands a read on, and that call fails for more than one in a hundred.',
    steps: [
      ask(
        'Which requests.',
        perSecond(omnigate.requests, 'subject, result', 'result="failed"'),
        '`omnigate.name` and reads by name; reads by id need no such call.',
      ),
      ask(
        'How the calls end.',
        perSecond(bus.requests, 'result', 'service="omnigate"'),
        '`deadline`: the index hangs. `no_responders`: it is gone. `overflow`: it is behind.',
      ),
      ask('How long they take.', p99(omnigate.upstreamLatency, 'hop'), 'Near 5 s: deadlines.'),
      ask(
        'How the index is.',
        `min by (service) (${state.readyz.name}{service="index"})`,
        '0, or no answer at all when it hangs or is gone.',
      ),
      ask(
        'Whether its store is.',
        `max by (service) (${store.fatal.name}{service="index"})`,
        '1: it failed; reads go on nevertheless.',
      ),
    ],
    mend: [
      'Gone: see `ServiceAbsent`.',
      'Hangs: see `TargetDown` for where; then `docker compose restart index`, which ends it with KILL after its grace.',
      'Behind: see `BusGroupLag`.',
    ],
  },
};
