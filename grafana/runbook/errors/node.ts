import { LIMITS } from '@macronode/contracts';
import { METRICS } from '../../declared.ts';
import { ask, highest, lowest, p99, perSecond, recorded, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';
import { answers, refusals } from './refusal.ts';

const { bus, golden, index, mailbox, redis, state, storage } = METRICS;

/** Something is full. */
const full: Readonly<Record<string, RunbookEntry>> = {
  quota: {
    meaning:
      'A caller is over its own share (429). The node keeps no shares yet: only a proxy or a framework guard in front answers it.',
    steps: [
      refusals('quota', '0: it was not this node.'),
      answers(429, 'Where 429 was answered; on mailbox routes it is `saturated`.'),
    ],
    mend: ['0 in both: the proxy before the gateway limits; mend it there.'],
  },
  saturated: {
    meaning: 'A topic holds `MAILBOX_TOPIC_DEPTH` messages and takes no more until some are acknowledged.',
    steps: [
      ask(
        'Which bound of the mailbox.',
        perSecond(mailbox.saturated, 'bound'),
        '`topic_depth`: this error. The others are `busy`.',
      ),
      ask(
        'What the messages do.',
        highest(mailbox.queueDepth, 'queue'),
        '`ready`: nobody receives. `inflight`: receivers take and do not acknowledge.',
      ),
    ],
    mend: [
      'Nobody receives: see `MailboxStalled`.',
      'Receivers are slow: add some; raise `MAILBOX_TOPIC_DEPTH` only for a burst that ends.',
    ],
  },
  busy: {
    meaning: 'A bound is full. `reason` names it, `Retry-After` says when to come back.',
    steps: [
      refusals(
        'inflight|inflight_writes|bus_.*|.*_slots|store|store_bytes|waiters|commands|bytes|lock|name_contention|busy',
        'The reason says which bound, the service where it stands.',
      ),
      ask(
        'How long callers are asked to wait.',
        `histogram_quantile(0.5, sum by (le) (rate(${bus.retryAfter.name}_bucket[300s]))) >= 0`,
        'Seconds; near 5: a full stream that hardly moves.',
      ),
      ask(
        'How full the gate is.',
        recorded('gatewayInflight'),
        'Near 1 with the reasons `inflight` and `inflight_writes`.',
      ),
    ],
    mend: [
      '`inflight`: see `GatewayNearCapacity`; of omnigate: `OMNIGATE_INFLIGHT`.',
      '`bus_…`: see `BusOverflowing`.',
      '`upload_slots`, `read_slots`: `STORAGE_UPLOAD_SLOTS`, `STORAGE_READ_SLOTS`.',
      '`store`, `commands`, `bytes`, `lock`: see `StoreQueueLong`. `store_bytes`: `MAILBOX_STORE_MIB`. `waiters`: `MAILBOX_WAITERS`.',
      '`name_contention`: several writers move one name; let one do it.',
    ],
  },
  no_space: {
    meaning:
      'The disk of storage is full, or has less room than `STORAGE_MIN_FREE_BYTES`; without a disk, its memory is. Reads go on.',
    steps: [
      ask(
        'How much room there is.',
        lowest(storage.diskFree, 'service, instance'),
        '0 as long as uploads are refused.',
      ),
      ask('How many uploads it ended.', perSecond(storage.refused, 'reason', 'reason="no_space"'), 'Per second.'),
    ],
    mend: [
      'See `DiskNearlyFull`: make room, nothing has to be restarted.',
      'Room is there: another quota (of the user or project) is full; `EDQUOT` counts as full.',
    ],
  },
};

/** Something does not answer. */
const silent: Readonly<Record<string, RunbookEntry>> = {
  no_responders: {
    meaning:
      'Nobody reads the requests of the service behind a route: no instance of it runs. The request was not sent.',
    steps: [
      ask(
        'Whose readers are missing.',
        lowest(bus.consumersLive, 'service'),
        'A service that is not listed has no process to report it.',
      ),
      ask(
        'Who calls in vain.',
        perSecond(bus.requests, 'service', 'result="no_responders"'),
        'Gateway: omnigate is gone. Omnigate: index, storage or mailbox.',
      ),
      type('Which one does not run.', 'npx ronctl status', '`down` beside it.'),
    ],
    mend: ['Start it: see `ServiceAbsent`. Callers may repeat everything; nothing happened.'],
  },
  unavailable: {
    meaning: 'A dependency is down, or the instance starts or drains. The request had no effect.',
    steps: [
      refusals(
        'unavailable|unknown_upload',
        '`unknown_upload`: storage was restarted between the ticket and the upload.',
      ),
      ask(
        'Who is not ready.',
        `${lowest(state.readyz, 'service, instance')} < 2`,
        '0: bus, mailbox store or drain. 1: the store of storage or index failed.',
      ),
      ask('Whether links to Redis stand.', lowest(bus.linkState, 'service'), '0: see `RedisUnreachable`.'),
    ],
    mend: [
      'One instance for seconds: a restart, `DRAIN_GRACE_MS` gives the balancer time to see it.',
      'Writes only: see `StoreFailed`.',
      'Everything: see `RedisUnreachable`.',
    ],
  },
  outcome_unknown: {
    meaning: 'The request was sent and no answer came back. It may have taken effect.',
    steps: [
      answers(503, 'The routes that write: reads are repeated inside.'),
      ask('Whose calls ended so.', recorded('busUnknown'), 'The share of calls of that service.'),
      ask(
        'Whether Redis lost inboxes.',
        perSecond(redis.inboxesRemade, 'service'),
        'Above 0: Redis came back empty and answers went with it.',
      ),
    ],
    mend: [
      'Callers repeat what is idempotent: objects by id, messages with the same key, names with `If-Match`.',
      'Inboxes lost: Redis runs without its append-only file; see `BusOutcomeUnknown` for the rest.',
    ],
  },
  deadline: {
    meaning: `No answer was there when the deadline passed: ${LIMITS.request_timeout_ms.value} ms for what is not a stream, less where the caller asked for less.`,
    steps: [
      ask(
        'Where it passed.',
        perSecond(bus.expired, 'service, where'),
        '`client`: before it was written, Redis is slow. `server`: it waited in the stream. `handler`: the work took too long.',
      ),
      ask(
        'Uploads that stood still.',
        perSecond(golden.rejected, 'service', 'reason="idle"'),
        'Clients that send nothing for 20 s.',
      ),
      ask('Which calls take long.', p99(bus.requestSeconds, 'service, subject'), 'Near 5: it hangs.'),
    ],
    mend: [
      '`server`: see `BusGroupLag`. `handler`: see `StoreCommitSlow` and `EventLoopLag` of that service. `client`: see `BusReconnecting`.',
      '`idle`: slow clients; nothing to mend here.',
    ],
  },
};

/** A defect or damage. */
const broken: Readonly<Record<string, RunbookEntry>> = {
  internal: {
    meaning:
      'A defect: something was thrown that nobody foresaw. The caller is told nothing of it, the log everything.',
    steps: [
      refusals('internal', 'The service in which it was thrown.'),
      type(
        'The error, by the `corr_id` of the answer.',
        'docker compose logs --no-log-prefix gateway omnigate index storage mailbox',
        '`request failed` or `handler failed` with its stack; search the `corr_id`.',
      ),
      type('The same without containers.', 'grep -rhi internal .run/logs', 'Lines of every service.'),
    ],
    mend: [
      'Report it with the stack and the version of `/version`; if it began with a release, go back to the one before.',
    ],
  },
  integrity: {
    meaning:
      'What is stored does not hash to its id. The caller gets this instead of wrong bytes; the rest of the object is not served either.',
    steps: [
      ask(
        'Objects or names.',
        `sum by (service) (increase(${storage.integrityFail.name}[3600s])) or sum by (service) (increase(${index.integrityFail.name}[3600s]))`,
        'Storage or index, above 0.',
      ),
      answers(502, '`/o/{id}`: an object. `/n/{name}`: its record or its target.'),
    ],
    mend: ['See `IntegrityFailure`. A caller that still has the bytes puts them again and reads.'],
  },
};

/** Errors the node, or who operates it, mends. */
export const nodeErrors: Readonly<Record<string, RunbookEntry>> = { ...full, ...silent, ...broken };
