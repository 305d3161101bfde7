import { afterEach, expect, test } from 'vitest';
import { SERVICES } from '@macronode/contracts';
import { Client } from './client.ts';
import { Ledger } from './ledger.ts';
import { poll, until } from './poll.ts';
import { opsOf, readControl } from './target.ts';

let ledger: Ledger | undefined;
afterEach(() => ledger?.stop());

const READY_MS = 45_000;

async function readyAt(url: string): Promise<boolean> {
  try {
    return (await new Client({ url }).get('/readyz')).status === 200;
  } catch {
    return false;
  }
}

/** The process of one replica, once it is another than `before`. */
const pidOf = (service: string, index: number, before?: number): Promise<number> =>
  poll(
    async () => {
      const found = readControl().processes.find((one) => one.service === service && one.index === index);
      return found?.pid === before ? undefined : found?.pid;
    },
    { what: `a process of ${service}-${index}`, deadlineMs: READY_MS },
  );

test('every process restarts, one after another, and no request fails', async () => {
  const everyOps = SERVICES.flatMap((service) => opsOf(service).map((url, index) => ({ service, index, url })));
  await until(async () => (await Promise.all(everyOps.map(({ url }) => readyAt(url)))).every(Boolean), {
    what: 'every service to be ready',
    deadlineMs: READY_MS,
  });
  ledger = new Ledger({ reconnects: true });
  ledger.start();
  await ledger.progress(200);
  for (const { service, index, url } of everyOps) {
    const before = await pidOf(service, index);
    process.kill(before, 'SIGTERM');
    await pidOf(service, index, before);
    await until(() => readyAt(url), { what: `${service}-${index} to be ready again`, deadlineMs: READY_MS });
    await ledger.progress(100);
    process.stdout.write(
      `  ${service}-${index} restarted: ${ledger.counts}; slowest ${Math.round(ledger.slowestMs)} ms\n`,
    );
  }
  await ledger.stop();
  const seen = ledger.misses.map(({ what, status, code, broke }) => `${what}: ${status ?? broke} ${code ?? ''}`);
  process.stdout.write(
    `${[...new Set(seen)].map((each) => `  ${seen.filter((one) => one === each).length} × ${each}`).join('\n')}\n`,
  );
  expect(ledger.misses, ledger.counts).toEqual([]);
  expect(await ledger.audit(), ledger.counts).toEqual([]);
}, 240_000);
