import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { LIMITS, SERVICES, type ServiceName } from '@macronode/contracts';
import { Client, client, headerOf } from './client.ts';
import { absentId } from './content.ts';
import { Ledger, type Miss } from './ledger.ts';
import { poll, until } from './poll.ts';
import { opsOf, ownRedis, readControl } from './target.ts';

type OwnRedis = ReturnType<typeof ownRedis>;

/** What a request may take before it is answered or refused: its own deadline, and time for a slow test machine. */
const ANSWERED_MS = LIMITS.request_timeout_ms.value + 3_000;
const OUTAGE_MS = 10_000;

let ledger: Ledger | undefined;
afterEach(() => ledger?.stop());

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The pid file is right also when an earlier test has started the server again. */
const redisPid = ({ pid, pidFile }: OwnRedis): number =>
  existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : pid;

/** Ready on every ops port of every service. */
async function allReady(): Promise<boolean> {
  const urls = SERVICES.flatMap((service) => opsOf(service));
  const statuses = await Promise.all(urls.map(async (url) => (await new Client({ url }).get('/readyz')).status));
  return statuses.every((status) => status === 200);
}

/** Refusals of a load must be of the kind that says "try again", in the one envelope, with Retry-After where it belongs. */
function expectHonest(misses: readonly Miss[], mayBreak: boolean): void {
  for (const miss of misses) {
    const seen = JSON.stringify(miss);
    // A body that had begun can only be broken off, which its Content-Length shows.
    if (miss.brokeOff) continue;
    if (miss.status === undefined) expect(mayBreak, `a connection broke: ${seen}`).toBe(true);
    else expect([429, 502, 503, 504], seen).toContain(miss.status);
    if (miss.status === 503 || miss.status === 429) expect(Number(miss.retryAfter), seen).toBeGreaterThanOrEqual(1);
    if (miss.status !== undefined) expect(miss.code, seen).toBeDefined();
  }
}

async function expectNothingLost(kept: Ledger): Promise<void> {
  expect(await kept.audit(), kept.counts).toEqual([]);
  process.stdout.write(`  asked for afterwards: ${kept.counts}\n`);
}

describe('Redis stopped for ten seconds and back', () => {
  test('requests fail fast, then recover in the same processes, and nothing acknowledged is lost', async () => {
    await until(allReady, { what: 'every service to be ready' });
    const { processes } = readControl();
    const redis = ownRedis();
    ledger = new Ledger();
    ledger.start();
    await ledger.progress(200);
    const stoppedAtMs = performance.now();
    process.kill(redisPid(redis), 'SIGKILL');
    const id = absentId();
    await poll(async () => ((await client.get(`/o/${id}`)).status === 503 ? true : undefined), {
      what: 'the first 503',
    });
    let fast = 0;
    while (performance.now() - stoppedAtMs < OUTAGE_MS) {
      const askedMs = performance.now();
      const reply = await client.get(`/o/${id}`);
      expect([503, 504]).toContain(reply.status);
      if (reply.status === 503) expect(Number(headerOf(reply, 'retry-after'))).toBeGreaterThanOrEqual(1);
      if (performance.now() - askedMs < 1_000) fast += 1;
    }
    expect(fast, 'refusals within a second').toBeGreaterThan(20);
    await startRedis(redis);
    await ledger.progress(200, 30_000);
    await until(allReady, { what: 'every service to be ready again', deadlineMs: 30_000 });
    await ledger.stop();
    for (const { service, pid } of processes)
      expect(pid !== undefined && isAlive(pid), `${service} is the process it was`).toBe(true);
    expectHonest(ledger.misses, false);
    expect(ledger.slowestMs, ledger.counts).toBeLessThan(ANSWERED_MS + LIMITS.stream_idle_timeout_ms.value);
    await expectNothingLost(ledger);
  }, 120_000);
});

describe('killed without warning', () => {
  test.each(SERVICES)(
    '%s: all that was acknowledged is there after its restart, the rest was answered in time',
    async (service) => {
      await until(allReady, { what: 'every service to be ready', deadlineMs: 30_000 });
      const pid = readControl().processes.find((one) => one.service === service)?.pid;
      if (pid === undefined) throw new Error(`no process of ${service}`);
      ledger = new Ledger();
      ledger.start();
      await ledger.progress(200);
      process.kill(pid, 'SIGKILL');
      await until(async () => !isAlive(pid), { what: `${service} to be gone` });
      await until(allReady, { what: `${service} to be started again`, deadlineMs: 45_000 });
      await ledger.progress(200, 45_000);
      await ledger.stop();
      expectHonest(ledger.misses, service === 'gateway');
      expect(ledger.slowestMs, ledger.counts).toBeLessThan(ANSWERED_MS + LIMITS.stream_idle_timeout_ms.value);
      await expectNothingLost(ledger);
      await expectRestartCounted(service);
    },
    120_000,
  );
});

/** The supervisor tells a service how often it was started again. */
async function expectRestartCounted(service: ServiceName): Promise<void> {
  const texts = await Promise.all(opsOf(service).map(async (url) => (await new Client({ url }).get('/metrics')).text));
  const values = texts.flatMap((text) =>
    [...text.matchAll(/^service_restarts_total\{[^}]*\} (\d+)/gm)].map(([, value]) => Number(value)),
  );
  expect(Math.max(...values), `service_restarts_total of ${service}`).toBeGreaterThanOrEqual(1);
}

/** Starts the same server on the same port and folder; its pid file tells whoever stops it at the end. */
async function startRedis({ url, argv, dir }: OwnRedis): Promise<void> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('the control file gives no command line for Redis');
  spawn(program, args, { cwd: dir, stdio: 'ignore', detached: true }).unref();
  const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => null, enableOfflineQueue: false });
  probe.on('error', () => undefined);
  try {
    await poll(
      async () => {
        if (probe.status === 'wait' || probe.status === 'end') await probe.connect();
        return await probe.ping();
      },
      { what: 'Redis to answer again' },
    );
  } finally {
    probe.disconnect();
  }
}
