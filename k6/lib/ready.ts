import http from 'k6/http';
import { sleep } from 'k6';
import exec from 'k6/execution';
import type { Settings } from './settings.ts';

const DEADLINE_S = 60;
const INTERVAL_S = 0.2;

/** Waits until the gateway and every ops address named answer, and ends the run when they do not. */
export function waitUntilReady({ baseUrl, opsUrls }: Settings): void {
  const urls = [`${baseUrl}/openapi.json`, ...opsUrls.map((url) => `${url}/readyz`)];
  const deadline = Date.now() + DEADLINE_S * 1000;
  for (const url of urls) {
    while (http.get(url, { tags: { name: 'readiness' } }).status !== 200) {
      if (Date.now() > deadline) exec.test.abort(`${url} was not ready after ${DEADLINE_S} s`);
      sleep(INTERVAL_S);
    }
  }
}
