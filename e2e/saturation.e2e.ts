import { Agent } from 'node:http';
import { expect, test } from 'vitest';
import { LIMITS } from '@macronode/contracts';
import { Client, client, headerOf, refusal, type Reply } from './client.ts';
import { unique } from './content.ts';
import { sumOf } from './metrics-text.ts';
import { until } from './poll.ts';
import { opsOf } from './target.ts';

test('more requests than may be in flight are refused with 503 or 429 and Retry-After, counted, and let go again', async () => {
  const gateways = new Set(opsOf('gateway')).size;
  const count = gateways * LIMITS.gateway_inflight.value + 128;
  const given = new AbortController();
  const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
  const many = new Client({ agent });
  const topic = unique('crowd');
  const rejectedBefore = await sumOf('gateway', 'rejected_total');
  const replies: Reply[] = [];
  const waiting = Array.from({ length: count }, async () => {
    try {
      replies.push(
        await many.send({
          method: 'POST',
          path: '/mailbox/recv',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ topic, wait_ms: LIMITS.mailbox_wait_max_ms.value }),
          signal: given.signal,
        }),
      );
    } catch (error) {
      if (!given.signal.aborted) throw error;
    }
  });
  const settled = Promise.all(waiting);
  await until(async () => replies.some(({ status }) => status === 503 || status === 429), {
    what: 'the first refusal',
    deadlineMs: 18_000,
  });
  given.abort();
  await settled;
  const refusals = replies.filter(({ status }) => status !== 200);
  for (const reply of refusals) {
    const error = refusal(reply);
    expect([429, 503]).toContain(error.status);
    expect(error.retryable).toBe(true);
    expect(Number(headerOf(reply, 'retry-after'))).toBeGreaterThanOrEqual(1);
    expect(error.retry_after_ms).toBeGreaterThan(0);
  }
  expect((await sumOf('gateway', 'rejected_total')) - rejectedBefore).toBeGreaterThanOrEqual(refusals.length);
  await until(async () => (await sumOf('gateway', 'inflight_requests')) === 0, { what: 'the crowd to be let go' });
  expect((await client.json('POST', '/mailbox/recv', { topic })).status).toBe(200);
});
