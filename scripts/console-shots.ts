// npm run console:shots: pictures of the console of a macronode at work, for the README.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './bootstrap.mjs';
import { startBrowser } from './console/browser.ts';
import { startTraffic } from './console/traffic.ts';
import { startTarget, TARGET_KINDS } from './targets.ts';
import { endWith } from './verb.ts';

const VIEWPORT = { width: 1440, height: 1000 };
/** A phone, to see that the page is one there too; not kept in the repository. */
const PHONE = { width: 360, height: 740 };

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(ROOT, 'docs', 'images') },
    seconds: { type: 'string', default: '180' },
    target: { type: 'string', default: 'processes' },
    phone: { type: 'boolean', default: false },
  },
});

await endWith(async () => {
  const kind = TARGET_KINDS.find((known) => known === values.target);
  if (kind === undefined) throw new Error(`--target is one of ${TARGET_KINDS.join(', ')}`);
  mkdirSync(values.out, { recursive: true });
  await using target = await startTarget(kind);
  await using _traffic = startTraffic(target.state.url);
  await using browser = await startBrowser();
  const page = await browser.newPage({ viewport: VIEWPORT, reducedMotion: 'reduce' });
  await page.goto(`${target.state.ops['gateway']?.[0] ?? ''}/console`);
  // What is on the picture is what happened in this time.
  await page.waitForTimeout(Number(values.seconds) * 1_000);
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    const file = join(values.out, `console-${theme}.png`);
    await page.screenshot({ path: file });
    process.stdout.write(`wrote ${file}\n`);
  }
  if (!values.phone) return;
  await page.setViewportSize(PHONE);
  await page.screenshot({ path: join(values.out, 'console-phone.png'), fullPage: true });
});
