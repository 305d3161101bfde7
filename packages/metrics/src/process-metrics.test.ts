import { totalmem } from 'node:os';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryLimit, registerProcessMetrics } from './process-metrics.ts';
import { MetricsRegistry } from './registry.ts';

const GIB = 1024 ** 3;

function collectFully(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('the memory limit of a process', () => {
  it('is that of its control groups where they set one', () => {
    expect(memoryLimit(GIB, 4 * GIB)).toBe(GIB);
  });

  it.each([
    ['no group sets one', 0],
    ['a group sets more than there is', 8 * GIB],
    ['version 1 says "no limit" as a number', Number.MAX_SAFE_INTEGER],
  ])('is the memory of the machine where %s', (_case, constrained) => {
    expect(memoryLimit(constrained, 4 * GIB)).toBe(4 * GIB);
  });
});

describe('a scrape of the process', () => {
  let registered: { close(): void } | undefined;
  afterEach(() => registered?.close());

  it('shows each limit beside what it limits', async () => {
    const registry = new MetricsRegistry();
    registered = registerProcessMetrics(registry.scope({ service: 'a' }));
    const text = await registry.render();
    const read = (name: string): number =>
      Number(new RegExp(`^${name}\\{service="a"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);

    expect(read('nodejs_heap_size_limit_bytes')).toBe(getHeapStatistics().heap_size_limit);
    expect(read('nodejs_heap_size_used_bytes')).toBeLessThan(read('nodejs_heap_size_limit_bytes'));
    expect(read('process_memory_limit_bytes')).toBeLessThanOrEqual(totalmem());
    expect(read('process_resident_memory_bytes')).toBeLessThan(read('process_memory_limit_bytes'));
    expect(read('process_open_fds')).toBeLessThan(read('process_max_fds'));
  });

  it('shows what a full collection left, buffers included', async () => {
    const registry = new MetricsRegistry();
    registered = registerProcessMetrics(registry.scope({ service: 'a' }));
    const live = async (): Promise<number> =>
      Number(/^nodejs_live_memory_bytes\{service="a"\} (\S+)$/m.exec(await registry.render())?.[1]);
    const kept = Buffer.alloc(64 * 1024 ** 2);
    expect(await live()).toBe(0);

    collectFully();
    await vi.waitFor(async () => expect(await live()).toBeGreaterThan(kept.length));
    expect(await live()).toBeLessThan(getHeapStatistics().heap_size_limit);
  });
});
