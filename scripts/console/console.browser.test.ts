import type { ConsoleState } from '@macronode/console';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { poll } from '../poll.ts';
import { freePort } from '../ports.ts';
import { startTarget, type RunningTarget } from '../targets.ts';
import { startBrowser } from './browser.ts';
import { startTraffic } from './traffic.ts';

const APPEARS_MS = 20_000;

let target: RunningTarget;
let browser: Browser;
beforeAll(async () => {
  target = await startTarget('micronode');
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await target?.[Symbol.asyncDispose]();
});

type Values = ConsoleState['instances'][number]['services'][number]['values'];

const opsUrlOf = ({ state }: RunningTarget): string => state.ops['gateway']?.[0] ?? '';
const opsUrl = (): string => opsUrlOf(target);

/** An open console, and everything the browser complained about meanwhile. */
async function openConsole(
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[]; [Symbol.asyncDispose]: () => Promise<void> }> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${opsUrl()}/console`)) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(`${opsUrl()}/console`);
  await page.locator('html[data-freshness=live]').waitFor({ timeout: APPEARS_MS });
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** The value of a stat as the page has it, unrounded. */
async function stat(page: Page, panel: string, label: string): Promise<number> {
  const item = page
    .locator(`#${panel} .stat`)
    .filter({ has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) });
  const value = await item.locator('data').getAttribute('value');
  return value === null || value === '' ? NaN : Number(value);
}

/** The sum of a series as the ops port has it. */
async function metric(name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${opsUrl()}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** What an accessibility check finds, one line each; also in places one has to open. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const result = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  return result.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

describe('the console of a node at work', () => {
  it('shows what the ops port says, and the browser has nothing to complain about', async () => {
    await using console = await openConsole();
    const { page, complaints } = console;
    await using traffic = startTraffic(target.state.url);
    await poll('a rate', APPEARS_MS, async () => (await stat(page, 'traffic', 'Requests')) > 1);
    await poll('a quantile', APPEARS_MS, async () => (await stat(page, 'traffic', 'p95')) > 0);
    expect(await stat(page, 'traffic', 'Available')).toBe(1);
    expect(await stat(page, 'bus', 'Calls')).toBeGreaterThan(1);
    await traffic[Symbol.asyncDispose]();
    const [objects, names] = [
      await metric('storage_objects_stored_total', 'created'),
      await metric('index_stored_names'),
    ];
    expect(objects).toBeGreaterThan(1);
    await poll('all objects', APPEARS_MS, async () => (await stat(page, 'storage', 'Objects')) === objects);
    expect(await stat(page, 'index', 'Names')).toBe(names);
    expect(await stat(page, 'storage', 'Room left')).toBe(await metric('storage_disk_free_bytes'));
    await poll('the end of the traffic', APPEARS_MS, async () => (await stat(page, 'traffic', 'Requests')) === 0);
    expect(complaints).toEqual([]);
  });

  it('is told every number as the ops port has it', async () => {
    const absent = `${target.state.url}/o/b3:${'0'.repeat(64)}`;
    for (let asked = 0; asked < 30; asked += 1) expect((await fetch(absent)).status).toBe(404);
    const counted = await metric('http_requests_total', 'code="404"');
    let gateway: Values = {};
    // One collection serves everybody for a moment, so the first answer may be from before.
    await poll('a state with all of them', APPEARS_MS, async () => {
      const state = (await (await fetch(`${opsUrl()}/console/state`)).json()) as ConsoleState;
      gateway = state.instances[0]?.services.find(({ service }) => service === 'gateway')?.values ?? {};
      return gateway['http_requests_total by code']?.['404'] === counted;
    });
    const codes = gateway['http_requests_total by code'] ?? {};
    expect(codes['404']).toBeGreaterThanOrEqual(30);
    for (const [code, count] of Object.entries(codes)) {
      expect(count, code).toBe(await metric('http_requests_total', `code="${code}"`));
    }
    expect(gateway['bus_requests_total by result']?.['error']).toBe(
      await metric('bus_requests_total', 'service="gateway",result="error"'),
    );
  });

  it('lists every service with its health, in words', async () => {
    await using console = await openConsole();
    const { page } = console;
    expect(await page.locator('#verdict').innerText()).toBe('All 6 services are ready');
    expect(await page.locator('.card h3').allInnerTexts()).toEqual([
      'gateway',
      'omnigate',
      'index',
      'storage',
      'mailbox',
      'registry',
    ]);
    expect(new Set(await page.locator('.card .word').allInnerTexts())).toEqual(new Set(['ready']));
  });

  it.each([
    ['dark', 1440],
    ['light', 1440],
    ['dark', 360],
    ['light', 360],
  ] as const)('can be read by everybody: %s, %i pixels wide', async (colorScheme, width) => {
    await using console = await openConsole({ colorScheme, viewport: { width, height: 900 } });
    const { page, complaints } = console;
    await page.locator('figure summary').first().click();
    await page.locator('figure table').first().waitFor();
    expect(await violations(page)).toEqual([]);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(overflow).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('keeps the theme that was chosen', async () => {
    await using console = await openConsole({ colorScheme: 'light' });
    const { page } = console;
    const background = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await background();
    await page.locator('#theme').click();
    expect(await page.locator('#theme').innerText()).toBe('Theme: dark');
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.locator('html[data-theme=dark]').waitFor();
    expect(await background()).toBe(dark);
    await page.locator('#theme').click();
    expect(await background()).toBe(light);
  });

  it('can be used with the keyboard alone', async () => {
    await using console = await openConsole();
    const { page } = console;
    const focused = (): Promise<unknown> =>
      page.evaluate('(document.activeElement.textContent || document.activeElement.tagName).trim()');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the services');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    expect(await focused()).toMatch(/^Table of Answers/);
    await page.keyboard.press('Enter');
    await page.locator('figure details[open] table').waitFor();
    await page.locator('#theme').focus();
    await page.keyboard.press('Space');
    expect(await page.locator('#theme').innerText()).toBe('Theme: dark');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
  });
});

describe('the console beside a node that is gone', () => {
  it('says which one does not answer and why, and goes on showing the others', async () => {
    vi.stubEnv('OPS_PEERS', `storage=http://127.0.0.1:${await freePort()},micronode=${opsUrl()}`);
    await using other = await startTarget('micronode');
    vi.unstubAllEnvs();
    await using context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${opsUrlOf(other)}/console`);
    const storage = page.locator('.card[data-service=storage]');
    await storage.waitFor({ timeout: APPEARS_MS });
    // Its own, the one that is not there, and that of the first node.
    expect((await storage.locator('.word').allInnerTexts()).toSorted()).toEqual(['ready', 'ready', 'unreachable']);
    expect(await storage.locator('.detail').innerText()).toBe('connection refused');
    expect(await page.locator('#verdict').innerText()).toBe('Impaired: storage');
    expect(await page.locator('#processes .lost').innerText()).toBe('connection refused');
    expect(await page.locator('html').getAttribute('data-freshness')).toBe('live');
    expect(await violations(page)).toEqual([]);
  });
});

describe('the console of a node that is gone', () => {
  it('keeps what was last known and says that it is old, and is live again with the node', async () => {
    await using console = await openConsole();
    const { page } = console;
    const { pid } = target.state.processes[0] ?? {};
    if (pid === undefined) throw new Error('the micronode has no process');
    process.kill(pid, 'SIGSTOP');
    try {
      await page.locator('html[data-freshness=stale]').waitFor({ timeout: APPEARS_MS });
      expect(await page.locator('#verdict').innerText()).toBe('This node does not answer');
      expect(await page.locator('#stale').innerText()).toMatch(/^Everything below is as of \d\d:\d\d:\d\d\.$/);
      expect(await violations(page)).toEqual([]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await page.locator('html[data-freshness=live]').waitFor({ timeout: APPEARS_MS });
    expect(await page.locator('#stale').isVisible()).toBe(false);
    process.kill(pid, 'SIGKILL');
    await page.locator('html[data-freshness=stale]').waitFor({ timeout: APPEARS_MS });
    expect(await page.locator('.card .word').first().innerText()).toBe('ready');
  });
});
