import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../scripts/ports.ts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const CONFIG = new URL('alertmanager/alertmanager.yml', import.meta.url).pathname;

interface HeldAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly state: string };
}

let url: string;
let child: ChildProcess;
let dir: string;

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  dir = mkdtempSync(join(tmpdir(), 'macronode-alertmanager-'));
  const args = [
    `--config.file=${CONFIG}`,
    `--storage.path=${dir}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ];
  child = spawn('prometheus-alertmanager', args, { stdio: 'ignore' });
  await vi.waitFor(async () => expect((await fetch(`${url}/-/ready`)).ok).toBe(true), { timeout: 15_000 });
});

afterAll(async () => {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
  rmSync(dir, { recursive: true, force: true });
});

/** Names of the alerts Alertmanager keeps quiet, of those it was given. */
async function suppressed(alerts: readonly Readonly<Record<string, string>>[]): Promise<readonly string[]> {
  const endsAt = new Date(Date.now() + 60_000).toISOString();
  const run = String(Math.random());
  const given = alerts.map((labels) => ({ labels: { ...labels, run }, endsAt }));
  const posted = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(given),
  });
  expect(posted.status).toBe(200);
  const held = async (): Promise<readonly HeldAlert[]> => {
    const response = await fetch(`${url}/api/v2/alerts?filter=run="${run}"`);
    return (await response.json()) as HeldAlert[];
  };
  // Until a group was looked at, the state of an alert is not known.
  await expect
    .poll(async () => (await held()).filter(({ status }) => status.state === 'unprocessed').length, { timeout: 20_000 })
    .toBe(0);
  const names = (await held())
    .filter(({ status }) => status.state === 'suppressed')
    .map(({ labels }) => labels['alertname'] ?? '')
    .sort();
  const resolved = given.map(({ labels }) => ({ labels, endsAt: new Date().toISOString() }));
  await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(resolved),
  });
  return names;
}

const alert = (alertname: string, severity: string, service: string, more = {}): Record<string, string> => ({
  alertname,
  severity,
  service,
  ...more,
});

it('a page keeps the tickets of its service quiet, and of no other', async () => {
  const quiet = await suppressed([
    alert('AvailabilityBudgetBurn', 'page', 'gateway'),
    alert('GatewayNearCapacity', 'ticket', 'gateway'),
    alert('EventLoopLag', 'ticket', 'index'),
  ]);
  expect(quiet).toEqual(['GatewayNearCapacity']);
});

it('without Redis every ticket is quiet, the page itself is not', async () => {
  const quiet = await suppressed([
    alert('RedisUnreachable', 'page', 'storage', { cause: 'dependency' }),
    alert('ServiceNotReady', 'ticket', 'index'),
    alert('BusReconnecting', 'ticket', 'gateway', { cause: 'dependency' }),
    alert('IntegrityFailure', 'page', 'storage'),
  ]);
  expect(quiet).toEqual(['BusReconnecting', 'ServiceNotReady']);
});

it('a broken dependency keeps quiet what depends on it, not other dependencies, nor what stands beside it', async () => {
  const quiet = await suppressed([
    alert('TargetDown', 'ticket', 'storage', { cause: 'dependency' }),
    alert('ServiceAbsent', 'ticket', 'storage', { cause: 'dependency' }),
    alert('StoreQueueLong', 'ticket', 'storage'),
    alert('GatewayNearCapacity', 'ticket', 'gateway'),
    alert('OmnigateFailing', 'ticket', 'omnigate'),
    alert('MailboxStalled', 'ticket', 'mailbox'),
  ]);
  expect(quiet).toEqual(['GatewayNearCapacity', 'OmnigateFailing', 'StoreQueueLong']);
});
