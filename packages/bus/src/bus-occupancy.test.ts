import { MetricsRegistry, type Occupancy } from '@macronode/metrics';
import { expect, test } from 'vitest';
import { Bus } from './bus.ts';
import { context, subject } from './conformance/conformance-world.ts';
import { InProcessLink } from './in-process/in-process-link.ts';

const SLOW = subject('b.slow');

test('a bus shows what runs, what waits for a slot, and the calls without an answer', async () => {
  await using stack = new AsyncDisposableStack();
  const link = new InProcessLink();
  stack.defer(() => link.close());
  const registry = new MetricsRegistry();
  const bus = new Bus({
    ...{ service: 'b', link, metrics: registry.scope({ service: 'b' }) },
    limits: { handlerConcurrency: 1 },
  });
  stack.use(bus);
  const gate = Promise.withResolvers<string>();
  bus.serve(SLOW.name, () => gate.promise);
  await bus.start();
  const calls = [1, 2].map(() => bus.call(SLOW, {}, context()));
  const find = (kind: Occupancy['kind'], name: string): Occupancy | undefined =>
    registry.occupancies().find((each) => each.kind === kind && each.name === name);
  await expect.poll(() => find('handler', SLOW.name)?.held).toBe(1);
  expect(find('handler', SLOW.name)?.oldestMs).toBeGreaterThanOrEqual(0);
  expect(find('semaphore', 'handler slots')).toMatchObject({ held: 1, bound: 1 });
  expect(find('semaphore', 'client calls')).toMatchObject({ held: 2 });
  expect(find('queue', `call ${SLOW.name}`)).toMatchObject({ held: 2 });
  gate.resolve('done');
  await Promise.all(calls);
  await expect.poll(() => find('handler', SLOW.name)).toBeUndefined();
  expect(find('semaphore', 'client calls')).toMatchObject({ held: 0, oldestMs: undefined });
  await bus.close();
  expect(registry.occupancies()).toEqual([]);
});
