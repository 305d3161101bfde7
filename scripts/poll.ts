import { setTimeout as delay } from 'node:timers/promises';

const POLL_INTERVAL_MS = 50;

/** Whether `probe` says true within `timeoutMs`. An error of the probe ends the wait at once, and is the caller's. */
export async function comesTrue(
  timeoutMs: number,
  probe: () => boolean | Promise<boolean>,
  intervalMs: number = POLL_INTERVAL_MS,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await probe())) {
    if (Date.now() > deadline) return false;
    await delay(intervalMs);
  }
  return true;
}

/** The same where it has to come true: throws after `timeoutMs`. */
export async function poll(
  what: string,
  timeoutMs: number,
  probe: () => boolean | Promise<boolean>,
  intervalMs?: number,
): Promise<void> {
  if (!(await comesTrue(timeoutMs, probe, intervalMs)))
    throw new Error(`${what}: not there after ${timeoutMs / 1000} s`);
}

const HTTP_TIMEOUT_MS = 2_000;

/** True when a GET of the URL answers 2xx. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(HTTP_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
