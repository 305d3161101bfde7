import { chromium, type Browser } from 'playwright-core';
import { requireProgram } from '../programs.ts';

/** A Chromium without a window: CHROMIUM, else the one on PATH, else Debian's package. */
export function startBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? requireProgram('chromium');
  // Root may not use the sandbox; what is opened is our own page.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}
