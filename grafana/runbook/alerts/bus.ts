import { METRICS } from '../../declared.ts';
import { ask, highest, inTheLastHour, lowest, p99, perSecond, recorded, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';

const { bus, redis } = METRICS;

const LIST_LETTERS = 'npx ronctl --ops http://127.0.0.1:9080 bus dlq list --service storage';
const SHOW_LETTER = 'npx ronctl --ops http://127.0.0.1:9080 bus dlq show --service storage 1700000000000-0';

/** The link to Redis. */
const linkEntries: Readonly<Record<string, RunbookEntry>> = {
  RedisUnreachable: {
    meaning:
      'A service has no link to Redis, which carries every call between services. All of them are unready together; what was acknowledged is on disk.',
    steps: [
      ask(
        'All services or one.',
        lowest(bus.linkState, 'service'),
        '0 everywhere: Redis. 0 for one: its network, address or certificate.',
      ),
      ask(
        'Dead or silent.',
        perSecond(redis.watchdogFired, 'service'),
        'Above 0: connections stand and nothing answers, Redis hangs or is paused. 0: the connection itself is refused.',
      ),
      type(
        'Whether Redis runs.',
        'docker compose ps --all redis',
        '`Up (healthy)`; `Exited (137)` is its memory limit, `unhealthy` that it hangs.',
      ),
      type(
        'What it says.',
        'docker compose logs --tail 50 redis',
        "`Can't open the append-only file`, `No space left on device` or `OOM`.",
      ),
    ],
    mend: [
      'Exited: `docker compose up --detach redis`. It reads its append-only file and every service is back within seconds, by itself.',
      'Hangs on its disk: `appendfsync everysec` waits for it; give it a disk that is not shared with storage.',
      'One service: check `REDIS_URL`, and with TLS `REDIS_TLS_CA` and `REDIS_TLS_SERVERNAME`; a certificate may have run out.',
    ],
  },
  BusReconnecting: {
    meaning:
      'Links to Redis break and come back, again and again. Calls under way at each loss end as `outcome_unknown`.',
    steps: [
      ask(
        'One service or all.',
        recorded('busReconnects'),
        'All at the same moments: Redis or its proxy. One: its own network.',
      ),
      ask(
        'What stops the read loops.',
        perSecond(redis.loopRestarts, 'service, fault'),
        '`connection`: cut. `watchdog`: silent. `readonly` or `loading`: a failover.',
      ),
      ask(
        'Whether the process was too busy to read.',
        recorded('eventLoopLag'),
        'Seconds of lag make a watchdog fire although Redis answered.',
      ),
    ],
    mend: [
      '`connection`: a proxy with an idle timeout, or Redis at `maxclients`.',
      '`watchdog`: Redis has long pauses; look for its fork (`BGREWRITEAOF`) and slow commands of others.',
      '`out_of_memory`: Redis is at `maxmemory`; it must not evict, so give it more.',
      'Lag of the process: see `EventLoopLag`.',
    ],
  },
  BusOutcomeUnknown: {
    meaning:
      'Calls were sent and no answer came: the link broke or the owner died after it had read them. Writes may have happened.',
    steps: [
      ask(
        'Whose calls.',
        perSecond(bus.requests, 'service', 'result="unknown"'),
        'The service that called, not the one that was called.',
      ),
      ask(
        'Whether links broke.',
        perSecond(bus.reconnects, 'service'),
        'Above 0 at the same moments: Redis. 0: an owner died.',
      ),
      ask(
        'Whether an owner took requests and fell silent.',
        perSecond(redis.reclaimed, 'service'),
        'Above 0 for the service whose consumer died.',
      ),
      ask(
        'Whether answers came too late.',
        perSecond(bus.orphaned, 'service'),
        'Above 0: the owner answered a caller that had given up.',
      ),
    ],
    mend: [
      'Links break: see `BusReconnecting`.',
      'Owners die: see `RestartLoop`.',
      'For callers: repeat with the same idempotency key or `If-Match`; content-addressed writes may be repeated as they are.',
    ],
  },
};

/** Bounds and waits. */
const flowEntries: Readonly<Record<string, RunbookEntry>> = {
  BusOverflowing: {
    meaning:
      'More than one message in ten thousand was refused at a bound of the bus. Nothing is lost; callers come back later.',
    steps: [
      ask(
        'Which bound.',
        perSecond(bus.overflow, 'service, gate'),
        '`stream`: the owner reads too slowly. `client` or `client_bytes`: too many calls wait for answers. `credit`: too many open streams. `handler`: uploads beyond its queue.',
      ),
      ask('How full the streams are.', recorded('busStreamFill'), 'The stream of the owner that is behind.'),
      ask(
        'Whether that owner has room.',
        lowest(bus.credits, 'service'),
        '0: every handler slot is taken, it reads nothing more.',
      ),
      ask(
        'Whether its handlers are slow.',
        p99(bus.handlerSeconds, 'service, subject'),
        'Against their objective of 80 to 150 ms.',
      ),
    ],
    mend: [
      '`stream` with slow handlers: see `StoreCommitSlow` or `CpuSaturated` of the owner.',
      '`stream` with a group that does not move: see `BusGroupLag`.',
      '`client`: `GATEWAY_INFLIGHT` admits more than the services behind answer; lower it.',
      '`credit`: fewer open uploads and downloads (`STORAGE_UPLOAD_SLOTS`, `STORAGE_READ_SLOTS`).',
    ],
  },
  BusStreamNearlyFull: {
    meaning:
      'A request or work stream holds four fifths of what it may. When full it refuses, and the overflow alert follows.',
    steps: [
      ask('Which stream.', recorded('busStreamFill'), 'Service and stream above 0.8.'),
      ask('Whether anybody reads it.', lowest(bus.consumersLive, 'service'), '0: nobody.'),
      ask(
        'Whether more comes than is answered.',
        `sum by (service) (rate(${bus.replied.name}[300s]))`,
        'At 0 while `bus_received_total` rises: handlers hang.',
      ),
    ],
    mend: [
      'Nobody reads: start the service, see `ServiceAbsent`; it takes up what waits and drops what is past its deadline.',
      'Work waits behind a dependency of its handlers: mend that; work is kept.',
      'Load: run more of gateway or omnigate, or admit less.',
    ],
  },
  BusGroupLag: {
    meaning: 'Entries of a stream have waited longer than 5 s for any consumer: their callers have given up.',
    steps: [
      ask('Which stream, how long.', recorded('busGroupLag'), 'Above 5 for the service of the alert.'),
      ask('Whether a consumer lives.', lowest(bus.consumersLive, 'service'), '0: nobody reads.'),
      ask(
        'Whether it has free slots.',
        lowest(bus.credits, 'service'),
        '0: it is full and reads no more. Above 0 and still a lag: its read loop stands.',
      ),
      ask(
        'Why its loop stands.',
        perSecond(redis.loopRestarts, 'service, fault'),
        '`no_group`: somebody deleted the group. Otherwise the process is stopped.',
      ),
      ask(
        'Whether the number can be believed.',
        lowest(bus.lagKnown, 'service, stream'),
        '0: entries were deleted by hand and Redis cannot count.',
      ),
    ],
    mend: [
      'Nobody reads or the process is stopped: see `TargetDown`.',
      'No free slots: its handlers hang; see `BusStuckConsumer`.',
      '`no_group`: Redis was emptied; the service makes the group again by itself, callers repeat.',
    ],
  },
  BusQueueWait: {
    meaning: 'Messages wait a second or more until a handler starts. They are served, but late.',
    steps: [
      ask(
        'Where they wait.',
        p99(bus.queueWait, 'service, side'),
        '`client`: before they are written to Redis. `server`: for a handler slot.',
      ),
      ask(
        'Handlers that run now.',
        highest(bus.handlersRunning, 'service'),
        '256: all slots of the instance are taken.',
      ),
      ask(
        'Which of them take long.',
        p99(bus.handlerSeconds, 'service, subject'),
        'The subject far above the others holds the slots.',
      ),
    ],
    mend: [
      '`client`: Redis is slow to append; measure its latency and its disk.',
      '`server` with all slots taken: what the slow subject waits for; for storage and mailbox that is their disk, see `StoreCommitSlow`.',
      '`server` with free slots: the process is late, see `EventLoopLag`.',
    ],
  },
  BusHintLag: {
    meaning:
      'Readers of hints lost more than one in ten thousand because they read too slowly. Each loss makes them read a snapshot, so nothing stays wrong.',
    steps: [
      ask('Which reader.', recorded('busHintLag'), 'The service that reads, not the one that sends.'),
      ask(
        'Whether hints were trimmed before they were read.',
        perSecond(redis.trimmed, 'service', 'kind="hint"'),
        'Above 0 at the sender: its topic holds 4,096 hints at most.',
      ),
      ask(
        'How many arrive.',
        perSecond(bus.received, 'service', 'kind="hint"'),
        'A burst far above last week, or the usual number read slowly.',
      ),
    ],
    mend: [
      'The reader is late: see `EventLoopLag` for it; its hook does too much per hint.',
      'A burst: a client publishes names in a loop; find it by `index_names_total` and slow it down.',
    ],
  },
};

/** Deliveries that go wrong. */
const deliveryEntries: Readonly<Record<string, RunbookEntry>> = {
  BusStuckConsumer: {
    meaning: 'A delivery was taken and not settled for half a minute, longer than any handler may run.',
    steps: [
      ask('Whose.', recorded('busOldestPending'), 'The service that reads.'),
      ask(
        'How many hang.',
        highest(bus.pendingEntries, 'service'),
        'A few: single handlers. Up to 8,192: everything it takes.',
      ),
      ask(
        'Whether others take over.',
        perSecond(redis.reclaimed, 'service'),
        'Above 0: the consumer is gone and its entries move on. 0: it lives and hangs.',
      ),
      ask(
        'Whether they wait for their next run.',
        perSecond(bus.workRetries, 'service'),
        'Above 0: work that failed waits up to 30 s between runs, and stays pending meanwhile.',
      ),
    ],
    mend: [
      'Lives and hangs: restart that process with TERM; its entries are given to another one.',
      'Work between runs: see what its handler throws in the log; after five runs it is put aside.',
    ],
  },
  BusRedeliveries: {
    meaning:
      'More than one delivery in a hundred is a repeat. Consumers died or stalled before they settled what they took.',
    steps: [
      ask('To whom.', recorded('busRedelivered'), 'The service whose consumers are in trouble.'),
      ask('Whether its processes end.', recorded('restarts'), 'Above 0: each end leaves what it held to others.'),
      ask(
        'What becomes of repeats that may not run twice.',
        perSecond(bus.duplicates, 'service, action'),
        '`outcome_unknown`: their callers are told so. `dropped`: the first run still goes on.',
      ),
    ],
    mend: [
      'Processes end: see `RestartLoop`.',
      'They live: their event loop stood longer than the idle time of a consumer; see `EventLoopLag`.',
      'Always the same entry: a message that kills its reader; it becomes a dead letter by itself.',
    ],
  },
  BusDeadLetters: {
    meaning: 'A service put entries aside it could not handle. Each is work nobody did, kept for replay.',
    steps: [
      ask(
        'Why.',
        perSecond(bus.deadLetters, 'service, reason'),
        '`max_deliveries`: it failed five times. `malformed`: not OAP/1. `no_handler`: no such subject. `rejected`: its handler said never.',
      ),
      type(
        'Which ones; any ops port reads those of all services, with the admin token in RONCTL_TOKEN.',
        LIST_LETTERS,
        'One line each: id, when, why, after how many runs, from which stream.',
      ),
      type(
        'What one holds.',
        SHOW_LETTER,
        'The subject and `corr_id` of each message in it; the error of its runs is in the log of its service under that `corr_id`.',
      ),
    ],
    mend: [
      'The cause is mended: `npx ronctl --ops http://127.0.0.1:9080 bus dlq replay --service storage --all` sends them as first attempts.',
      'Nobody needs them: `npx ronctl --ops http://127.0.0.1:9080 bus dlq drop --service storage --all`.',
      '`no_handler` during an upgrade: finish it, then replay.',
      'The route says forbidden: set `ADMIN_TOKEN` on that process.',
    ],
  },
  BusDeadLettersDropped: {
    meaning:
      'A service has 4,096 dead letters or 64 MiB of them, and dropped its oldest. What those held cannot be replayed.',
    steps: [
      ask('Whose, how many.', inTheLastHour(redis.deadLettersDropped, 'service'), 'Lost letters of the last hour.'),
      ask(
        'How full its dead letters are.',
        highest(bus.depthEntries, 'service, stream'),
        '`dead_letter` at 4,096, or fewer large ones.',
      ),
      type('What they have in common.', `${LIST_LETTERS} --limit 20`, 'Mostly one subject and one reason.'),
    ],
    mend: [
      'Save what matters: replay or drop, as in `BusDeadLetters`, beginning with the oldest.',
      'They still come: stop their sender first.',
    ],
  },
  BusMalformed: {
    meaning: 'A service read entries from its streams that are not OAP/1. They are put aside, never guessed at.',
    steps: [
      ask('Who read them.', inTheLastHour(bus.malformed, 'service'), 'The service whose stream is written to.'),
      ask(
        'Which versions run.',
        'count by (service, version, git_sha) (' + METRICS.state.build.name + ')',
        'Two versions of which one writes frames the other does not know.',
      ),
      type(
        'What it is, by an id of `bus dlq list`.',
        SHOW_LETTER,
        '`unreadable` says what is wrong; the first bytes of `entry` (base64) tell the writer: text, another protocol, or a cut frame.',
      ),
    ],
    mend: [
      'Another program shares this Redis: give it a database or a server of its own; nobody else may write these keys.',
      'Two versions: finish the upgrade, `npm run up -- --restart`.',
    ],
  },
};

/** The bus between the services, and Redis beneath it. */
export const busEntries: Readonly<Record<string, RunbookEntry>> = {
  ...linkEntries,
  ...flowEntries,
  ...deliveryEntries,
};
