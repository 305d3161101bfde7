/**
 * The verbs of the repository with their usage: plain text, so that `--help` answers before anything is installed.
 * `build` says whether the verb needs the built workspaces before it starts (check builds as one of its steps).
 * @type {Readonly<Record<string, { script: string | undefined, build: boolean, summary: string, usage: string }>>}
 */
export const VERBS = Object.freeze({
  start: {
    script: 'start.ts',
    build: true,
    summary: 'the micronode: all services in one process, nothing else needed',
    usage: `npm start [-- --port 8080 --ops-port 9080 --data DIR]

  --port N       HTTP port of the node (default 8080)
  --ops-port N   health, readiness, version and metrics (default 9080)
  --http-host H  address the HTTP port listens on (default 127.0.0.1)
  --data DIR     keep everything in DIR; without it all data lives in memory and is gone on exit

Every other setting is a flag or an environment variable too: docs/config.md lists them.`,
  },
  test: {
    script: 'test.ts',
    build: true,
    summary: 'everything the project can prove on one machine',
    usage: `npm test [-- --only STAGE[,STAGE]]

  --only LIST    run these stages only: check, unit, conformance, browser, e2e-micronode,
                 e2e-processes
  --keep-going   run the later stages although an earlier one failed

Redis is REDIS_URL, else redis-server or valkey-server on PATH (started on a free port and stopped), else Debian's
package when root on Debian; promtool, prometheus and prometheus-alertmanager likewise. Chromium is CHROMIUM, else chromium
on PATH, else Debian's package. toxiproxy-server is the one on PATH, else it is built once with Go from infra/tools. Official test vectors are read from
VECTORS_DIR. Nothing is skipped silently.`,
  },
  check: {
    script: 'check.ts',
    build: false,
    summary: 'format, build, types, lint, arrows, dead code, derived files',
    usage: `npm run check [-- --only STEP[,STEP] --fix]

  --only LIST    run these steps only: format, build, types, lint, arrows, dead-code, derived
  --fix          let format, lint and derived repair what they find`,
  },
  build: {
    script: undefined,
    build: true,
    summary: 'compiles every workspace that changed',
    usage: `npm run build [-- --force]

  --force        build even when nothing changed since the last build`,
  },
  up: {
    script: 'up.ts',
    build: true,
    summary: 'the macronode: one process per service on real Redis, supervised',
    usage: `npm run up [-- --replicas gateway=2,omnigate=2 --data DIR --port 8080 --redis URL --echo --detach]

  --replicas LIST      processes of a service; gateway, omnigate and registry take any number (default 1 each);
                       the first registry writes, the others follow it
  --data DIR           where the services and the node's own Redis keep their data (default .run/data)
  --port N             HTTP port, shared by all gateways (default 8080)
  --registry-port N    the registry's own HTTP port; replica i adds 100 i (default 8085)
  --ops-port-base N    ops port of the first gateway; service k adds k, replica i adds 100 i (default 9080)
  --redis URL          use this Redis (default REDIS_URL, else one is started with an append-only file)
  --echo               answer POST /echo, which load tests ask (GATEWAY_ECHO=true does the same)
  --detach             return when everything is ready; npm run down stops it
  --status             print the status table of what is running
  --restart            replace every process of it, one after another; with two gateways no request fails
  --run-dir DIR        state file and logs (default .run)`,
  },
  down: {
    script: 'down.ts',
    build: false,
    summary: 'stops what npm run up started',
    usage: `npm run down [-- --run-dir DIR --timeout 20]

  --run-dir DIR  where npm run up keeps its state file (default .run)
  --timeout S    seconds before what is left is killed (default 20)`,
  },
  e2e: {
    script: 'e2e.ts',
    build: true,
    summary: 'the cross-service tests against one target',
    usage: `npm run e2e -- --target micronode|processes|compose|URL [--ops JSON] [--token T] [--large] [-- VITEST ARGS]

  --target T     micronode (default), processes, compose, or the URL of a running gateway
  --ops JSON     with a URL: {"gateway":["http://…"],…}, the ops addresses of that node
  --token T      capability sent with every request
  --large        one object of 1 GiB in and out of a node on disk, its memory measured, instead of the suite`,
  },
  bench: {
    script: 'bench.ts',
    build: true,
    summary: 'one benchmark by name; without a name it lists them',
    usage: `npm run bench [-- NAME --json FILE --page FILE --runs 5]

  --json FILE    write the result as JSON too
  --page FILE    write the result as tables into a page, between its marks (docs/benchmarks.md)
  --runs N       windows measured per case (default 5); not for the benchmarks below

  bus            --quick        256 B, 64 and 512 in flight, ours and NestJS Redis: under a minute
                 --only LIST    call, call_serve, send, nest_redis, nest_tcp, streams, streams_pipelined, bullmq
                 --payloads LIST 256, 4096, 65536, 65536_binary
                 --rounds N     interleaved windows per cell (default 3)
  bus-overflow   --seconds N    seconds of overload (default 60)
  bus-idle       --seconds N    seconds measured (default 60)
                 --until-idle N seconds waited before (default 35)
  flows          --flows LIST   echo, mixed, objects, puts, names, mailbox, registry, governance (default all);
                                flows-micronode the same
                 --seconds N    of each step of the closed loop (default 4)
  tracing        --runs N       rounds of one window each, interleaved (default 5)
  registry       --quick        fewer cells, shorter windows, 2,000 versions instead of 50,000: about two minutes
                 --only LIST    verify, canonical, append, reads, commits, stream, far, starts, crash, compaction,
                                variants
  ronctl         --times N      runs of each command (default 30); hyperfine is the one on PATH

Redis is redis-server or valkey-server on PATH, started on a free port without persistence.`,
  },
  load: {
    script: 'load.ts',
    build: true,
    summary: 'a k6 profile, or bulk load, against a node',
    usage: `npm run load -- PROFILE [--target processes | --url URL] [--rate 100 --flow NAME --duration 5m] [-- K6 ARGS]
npm run load -- PROFILE --target processes --without SWITCH [--rounds 3 --duration 20s]
npm run load -- bulk [--tool wrk|h2load --connections 64 --seconds 30 --path PATH --beside PROFILE]

  PROFILE          smoke, load, stress, spike, soak, breakpoint or chaos; without one they are listed
  --target T       start a node for the run: micronode, processes or compose
  --replicas LIST  processes of that node, gateway=2,omnigate=2 (default one each)
  --url URL        or use this gateway (default http://127.0.0.1:8080)
  --ops JSON       its ops addresses, {"gateway":["http://…"],…}: without them nothing of the node is judged
  --token T        capability sent with every request
  --signers FILE   keys of the signers of its registry, which the flow governance signs with (default REGISTRY_SIGNERS;
                   a node that --target starts has signers of its own): without them the registry is only read
  --rate N         base rate in requests per second (default 100)
  --flow LIST      these flows instead of those of the profile, an equal part of the rate each
  --duration D     of the load: 90s, 5m, 24h
  --far            judge reads by the objective with 100 ms between regions
  --report DIR     where the reports go (default .run/load/PROFILE-DATE): report.html, k6.json, result.json
  --prometheus URL write the series of k6 there (remote write)
  --toxiproxy URL  chaos: its API (default TOXIPROXY_URL, else one of its own for --target processes)
  --timetable T    chaos: the faults and their times, a file or JSON
  --without NAME   QUOTAS, TRACING, ACCESS_LOG or COMPRESSION: two nodes, in turns, and what the difference is

Exit code 0 is a pass, 99 a crossed threshold or a judgement that failed, anything else a broken run.
k6 is the one on PATH, else its image if Docker runs, else it is built with Go from infra/tools.`,
  },
  chaos: {
    script: 'chaos.ts',
    build: true,
    summary: 'a node broken under load: what has to hold is checked, and the ledger of every write closed',
    usage: `npm run chaos -- SCENARIO [SCENARIO ...]|all [--quick --json FILE --write]

  --list         every scenario with what it does
  --quick        each fault lasts a few seconds only
  --json FILE    write the table as JSON too
  --write        with all: put the table into docs/chaos.md

Starts nodes as processes on a Redis behind toxiproxy, on a Sentinel set, and under the supervisor. Takes root on Linux
(disks of their own, control groups, a packet filter), and from Debian strace, nftables and libfaketime, which it installs.
All of it takes about twenty-five minutes. Fails unless every scenario is as docs/chaos.md expects.`,
  },
  profile: {
    script: 'profile.ts',
    build: true,
    summary: 'what a service spends its time and memory on under load: flame graph and report',
    usage: `npm run profile -- SERVICE [--seconds 30 --flow LIST --users 8 --out DIR --write]

  SERVICE        gateway, omnigate, index, storage, mailbox, registry: that process of a node of its own; or micronode
  --seconds N    seconds of the CPU profile (default 30); a third of it before for the cost of a request, and a
                 third after for the heap
  --flow LIST    flows of k6/flows, one after another (default: those that reach the service)
  --users N      clients that go round as fast as they are answered (default 8)
  --out DIR      where everything is written (default .run/profile/SERVICE-DATE)
  --write        write the flame graph and the report to docs/profiles too; what stands there under
                 'What it taught' is kept

Writes flamegraph.svg, cpu.cpuprofile (one more for each worker thread) and heap.heapprofile, which DevTools of Chrome
and speedscope open, report.md and report.json. The inspector of the process is opened for the profile, on a free port
of this machine.`,
  },
  'perf:gate': {
    script: 'perf-gate.ts',
    build: true,
    summary: 'the working tree against a base revision, in turn on this machine; fails on a regression',
    usage: `npm run perf:gate [-- --base REV --tree REV --profile macronode --flows LIST --json FILE --report DIR]

  --base REV       what to compare with; 'same' is the working tree itself (default: where the branch left origin/main,
                   else HEAD when files were changed, else the commit before)
  --tree REV       what is compared with it (default: the working tree): two revisions show what one change did
  --profile P      micronode (default) or macronode, a process for each service on a Redis of its own
  --flows LIST     flows of k6/flows (default all); one the base does not serve is shown and not compared
  --seconds N      the whole run, starting the nodes included (default 300); the first build of a base comes on top
  --seed N         order of the windows (default 1)
  --json FILE      what was measured, window by window
  --report DIR     the table as a page, verdicts and windows (default .run/perf-gate)
  --waivers FILE   default k6/baselines/waivers.json
  --write-baseline keep the medians in k6/baselines/PROFILE.json
  --seed-cpu N     for tests of the gate: each request of the tree costs N % more CPU
  --prove          the tree against itself three times, and with 15 % more CPU three times: about half an hour

Fails on p95 +10 %, throughput -10 %, CPU or memory +15 %, a blown error budget, a golden metric that is gone, or a waiver that
is wrong or has run out; never on 'cannot tell'.`,
  },
  'verify:dashboards': {
    script: 'verify-dashboards.ts',
    build: true,
    summary: 'every panel, alert and runbook step held against a node that is really broken',
    usage: `npm run verify:dashboards [-- --only PART[,PART] --faults NAME[,NAME] --write]

  --only LIST    settings, truth, faults, live, shots (default all): tests of all that is written down, compose and Alertmanager
                 included; a known load against the panels; each fault and the alerts that follow; every query of every
                 panel and variable; a picture of each board
  --faults LIST  these faults only; their names stand in grafana/faults.ts
  --write        write the report to docs/verification.md too

Starts the node as processes on a Redis behind toxiproxy, and Debian's Prometheus; takes about half an hour. Some faults take
root: a disk of its own for storage, and a memory limit. The report and the pictures are in .run/verification.`,
  },
  'verify:alerts': {
    script: 'verify-alerts.ts',
    build: true,
    summary: 'the alert rules changed in every way people get them wrong, held against their unit tests',
    usage: `npm run verify:alerts [-- --alert NAME]

  --alert NAME   mutants of this alert only

Each mutant is a run of promtool; those no unit test notices are listed. Fails below 95 % noticed.`,
  },
  generate: {
    script: 'generate.ts',
    build: true,
    summary: 'writes every derived file',
    usage: `npm run generate [-- --check]

  --check        write nothing; print what differs and fail if anything does`,
  },
  'console:shots': {
    script: 'console-shots.ts',
    build: true,
    summary: 'pictures of the console under traffic, dark and light',
    usage: `npm run console:shots [-- --out docs/images --seconds 180 --target processes --phone]

  --out DIR      where console-dark.png and console-light.png are written (default docs/images)
  --seconds N    how long the traffic runs before the pictures are taken (default 180)
  --target T     micronode, processes (default) or compose
  --phone        a third picture, 360 pixels wide and as long as the page`,
  },
  'ci:full': {
    script: 'ci-full.ts',
    build: true,
    summary: 'npm test plus everything that needs more of the machine (nightly)',
    usage: `npm run ci:full [-- --only STAGE[,STAGE]]

  --only LIST    run these stages only: those of npm test, dashboards-lint, bus-faults, traces, e2e-compose,
                 e2e-large, load-smoke, alert-mutations, chaos, verify-dashboards

traces sends requests through six processes and a collector built with Go (infra/otel), draws each trace and compares it
span by span, those of failed requests at ratio 0 too.

bus-faults is the ledger of the bus at full length: every request is accounted for while connections are cut, Redis is
slow, partitioned for ten seconds, killed or comes back empty, and consumers are killed or restarted in turn.`,
  },
});
