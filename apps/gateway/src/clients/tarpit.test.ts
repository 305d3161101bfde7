import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { MetricsRegistry } from '@macronode/metrics';
import { expect, it } from 'vitest';
import { gatewayMetrics } from '../metrics.ts';
import { Tarpit } from './tarpit.ts';

/** All of an answer a tarpit looks at: whether its connection closes. */
const answer = (): ServerResponse => new EventEmitter() as ServerResponse;

it('holds as many as it may, and sends the next at once', async () => {
  const registry = new MetricsRegistry();
  const tarpit = new Tarpit(2, registry.scope({ service: 'gateway' }).bind(gatewayMetrics));
  const released: string[] = [];
  const [a, b, c] = [answer(), answer(), answer()];
  tarpit.hold(a, 60_000, (waited) => released.push(`a ${waited}`));
  tarpit.hold(b, 60_000, (waited) => released.push(`b ${waited}`));
  tarpit.hold(c, 60_000, (waited) => released.push(`c ${waited}`));
  expect(released).toEqual(['c false']);
  expect(tarpit.occupancy()).toMatchObject({ held: 2, bound: 2 });
  a.emit('close');
  expect(released).toEqual(['c false', 'a false']);
  tarpit.hold(c, 0, (waited) => released.push(`c ${waited}`));
  await expect.poll(() => released.at(-1)).toBe('c true');
  b.emit('close');
  expect(tarpit.occupancy().held).toBe(0);
  expect(await registry.render()).toContain('gateway_tarpit_overflow_total{service="gateway"} 1\n');
});
