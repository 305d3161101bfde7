import { METRICS } from '../../declared.ts';
import { ask, highest, lowest, recorded, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';

const { process, state, storage, store, bus } = METRICS;

/** Whether processes are there, and whether they can work. */
export const targetEntries: Readonly<Record<string, RunbookEntry>> = {
  Watchdog: {
    meaning:
      'It always fires and proves the path from a rule to a receiver. Its absence is the incident: nobody would be told of anything.',
    steps: [
      ask(
        'See whether Prometheus itself evaluates it.',
        'ALERTS{alertname="Watchdog"}',
        'One series, `firing`. None: the rules are not loaded or not evaluated.',
      ),
      type(
        'Look at Prometheus and what it says of its rule files.',
        'docker compose logs --tail 50 prometheus',
        'No line that says `error loading rules` or `Error sending alerts`.',
      ),
    ],
    mend: [
      'Rules do not load: `npm run generate` writes them anew, then `docker compose restart prometheus`.',
      'It fires in Prometheus and does not arrive: the Alertmanager or its receiver is down; the other alerts are lost on the same path.',
    ],
  },
  TargetDown: {
    meaning: 'One process does not answer its scrape. It is gone, stopped, or its event loop answers nobody.',
    steps: [
      ask(
        'Which process, and whether another one of its service answers.',
        'min by (service, instance) (up{job="macronode"})',
        '0 for the process of the alert; a second instance at 1 takes over its requests.',
      ),
      ask(
        'Whether its service still has readers on the bus.',
        lowest(bus.consumersLive, 'service'),
        'As many as there are processes; one less for the service of the alert.',
      ),
      type(
        'Whether the process exists.',
        'npm run up -- --status',
        '`ready` beside its pid: it lives but hangs. `failed` or a rising count of restarts: it ends.',
      ),
      type('The same in containers.', 'docker compose ps --all', '`Up`, `Restarting` or `Exited` with its code.'),
    ],
    mend: [
      'Exited 137: killed by its memory limit, see `MemoryNearLimit`.',
      'Lives and does not answer: `node inspect -p PID`, there `pause` and `backtrace`, says where it hangs. End it with KILL, for it cannot hear TERM; the supervisor starts it again.',
      'Paused by a person or a debugger: let it go on; the bus gives its unsettled entries to others after their idle time.',
    ],
  },
  GatewayAbsent: {
    meaning: 'No gateway answers a scrape. The node has no public face: every client is refused its connection.',
    steps: [
      ask(
        'How many gateways there are and answer.',
        'sum by (service) (up{job="macronode",service="gateway"})',
        '0: there are targets, none answers. No series at all: Prometheus knows no gateway.',
      ),
      type(
        'Whether the public port answers.',
        'curl -sS -o /dev/null -w "%{http_code}" http://127.0.0.1:8080/',
        'Any status: the gateway lives, only its ops port does not. `000`: nobody listens.',
      ),
      type(
        'Why it ended.',
        'docker compose logs --tail 50 gateway',
        '`EADDRINUSE`: `PORT` is taken. A refused setting is named with its value.',
      ),
    ],
    mend: [
      'Port taken: give it another `PORT`, or set `HTTP_REUSE_PORT` when the other one is a gateway too.',
      'A wrong setting: mend the environment by docs/config.md; the process starts with nothing it does not know.',
      'It ended without a reason: `docker compose up --detach gateway`; run two (`npm run up -- --replicas gateway=2`) so that one may end.',
    ],
  },
  ServiceAbsent: {
    meaning:
      'A service behind the gateway has no process that answers. Its routes answer `no_responders` or `unavailable`.',
    steps: [
      ask(
        'Which services have nobody.',
        'sum by (service) (up{job="macronode"}) == 0',
        'The services whose targets are all down.',
      ),
      ask(
        'Whether their callers notice.',
        'sum by (service) (rate(' + bus.requests.name + '{result=~"no_responders|unavailable"}[300s]))',
        'Above 0 for those that call: gateway and omnigate.',
      ),
      type(
        'What the last process of it said.',
        'docker compose logs --tail 50 storage',
        '`did not start:` and why. `No access to` names a folder it may not write.',
      ),
    ],
    mend: [
      '`No access to`: `DATA_DIR` belongs to another user or is mounted read-only; mend the volume, not the service.',
      'Never started: `docker compose up --detach --wait`.',
      'Ends after every start: see `RestartLoop`.',
    ],
  },
  ServiceNotReady: {
    meaning: 'A process runs and takes no request: it starts, drains, or misses something it cannot work without.',
    steps: [
      ask(
        'Which processes.',
        lowest(state.readyz, 'service, instance'),
        '0: nothing is served. 1: reads only. 2: all is well.',
      ),
      type(
        'What each of them misses.',
        'npx ronctl status',
        'MISSING names it: `bus`, `store`, `sweeper`, `listener_bound`, `starting` or `draining`.',
      ),
      ask(
        'All services at once miss the bus: look at the link.',
        lowest(bus.linkState, 'service'),
        '0 where the link to Redis is lost.',
      ),
    ],
    mend: [
      '`bus`: see `RedisUnreachable`.',
      '`store` of the mailbox: see `StoreFailed`.',
      '`sweeper`: its timer died; restart the mailbox, which loses nothing.',
      '`draining` for longer than `DRAIN_TIMEOUT_MS`: the process hangs in its shutdown; end it with KILL.',
    ],
  },
  ServiceReadOnly: {
    meaning:
      'A process serves reads and refuses every write with 503 or 507, because what it writes to is full or failed. A replica of the registry takes none either and is left out.',
    steps: [
      ask('Which process.', `${lowest(state.readyz, 'service, instance')} == 1`, 'Storage, index or registry.'),
      ask(
        'Whether its disk is full.',
        lowest(storage.diskFree, 'service, instance'),
        'What is left above `STORAGE_MIN_FREE_BYTES`; 0: it refuses uploads on purpose.',
      ),
      ask('Whether its store failed.', highest(store.fatal, 'service, instance'), '1: it stopped writing for good.'),
      type(
        'Its own words.',
        'curl -s http://127.0.0.1:9083/readyz',
        '`disk_headroom` (full) or `object_store` (failed) in `missing`; of the index on port 9082 and of the registry on 9085: `store`, and there also `disk_latency` and `log_verified`.',
      ),
    ],
    mend: [
      'Full: see `DiskNearlyFull`. Writes are taken again within seconds once there is room; no restart is needed.',
      'Failed: see `StoreFailed`. It needs a new process.',
      '`disk_latency`: its disk keeps writes waiting for more than a second; see `StoreCommitSlow`.',
      '`log_verified`: see `RegistryAuditFailure`.',
    ],
  },
  RestartLoop: {
    meaning:
      'A process ends soon after each start. The supervisor waits longer each time; its service is gone in between.',
    steps: [
      ask('Which process, how often.', recorded('restarts'), 'Starts of the last 15 minutes.'),
      ask(
        'How long it lives.',
        highest(process.uptime, 'service, instance'),
        'Seconds: it ends at its start. Minutes: it ends of what it is given.',
      ),
      ask('Whether memory ends it.', recorded('memoryShare'), 'Close to 1 right before each end.'),
      type(
        'Its last words.',
        'docker compose logs --tail 100 --timestamps storage',
        'The same error before each start.',
      ),
    ],
    mend: [
      'A refused setting: it names the variable; docs/config.md says what it accepts.',
      'A damaged store or a data folder of another version: stop it, keep a copy of its folder in `DATA_DIR`, restore it from a backup.',
      'Killed by its limit: raise it, or lower `STORAGE_MEMORY_BYTES` or `MAILBOX_STORE_MIB` where data is kept in memory.',
      'A work event that ends the process: it becomes a dead letter after five runs; see `BusDeadLetters`.',
    ],
  },
};
