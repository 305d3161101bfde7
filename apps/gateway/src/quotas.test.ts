import { afterAll, beforeAll, expect, it } from 'vitest';
import { BootedGateway, JSON_TYPE } from './booted-gateway.ts';

const gateway = new BootedGateway({ QUOTAS: 'false', GATEWAY_INFLIGHT: '1' });
beforeAll(() => gateway.start());
afterAll(() => gateway.close());

it('without quotas, what is above the bound is let in too', async () => {
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  gateway.omnigate.mailbox = async () => {
    waiting += 1;
    await gate.promise;
    return { messages: [] };
  };
  const body = JSON.stringify({ topic: 't' });
  const asked = Array.from({ length: 5 }, () =>
    gateway.call('/mailbox/recv', { method: 'POST', body, headers: JSON_TYPE }),
  );
  await expect.poll(() => waiting, { timeout: 10_000 }).toBe(5);
  expect(await gateway.metric('gateway_admitted_requests{service="gateway"}')).toBe(5);
  expect(await gateway.metric('config_value{service="gateway",key="quotas"}')).toBe(0);
  gate.resolve();
  for (const response of await Promise.all(asked)) expect(response.status).toBe(200);
});
