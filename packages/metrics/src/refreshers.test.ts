import { describe, expect, it } from 'vitest';
import { gauge } from './declarations.ts';
import { samplesOf } from './exposed-samples-fixture.ts';
import { RefresherRefused } from './refreshers.ts';
import { MetricsRegistry } from './registry.ts';

const FAILURES = 'metrics_collect_failures_total';

function started() {
  const registry = new MetricsRegistry();
  const scope = registry.scope({ service: 'a' });
  const failures = async (): Promise<number> => samplesOf(await registry.render()).get(FAILURES) ?? NaN;
  return { registry, scope, failures };
}

describe('scrape refreshers', () => {
  it('run in order, one after the other: those without a context, then those with one', async () => {
    const { registry, scope } = started();
    const order: string[] = [];
    const slow = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise(setImmediate);
      order.push(`${name} ends`);
    };
    scope.refresher('late', { id: 1 }, ({ id }) => void order.push(`context ${id}`));
    scope.refresher('first', slow('first'));
    registry.scope({ service: 'b' }).refresher('first', slow('second'));
    scope.refresher('later', { id: 2 }, ({ id }) => void order.push(`context ${id}`));
    await registry.render();
    expect(order).toEqual([
      ...['first begins', 'first ends', 'second begins', 'second ends'],
      ...['context 1', 'context 2'],
    ]);
  });

  it('do not break the scrape, nor each other: a throw, a rejection and a hang are counted', async () => {
    const { scope, failures } = started();
    const m = scope.bind({ open: gauge({ name: 'open_files', help: 'Help.' }) });
    let end = (): void => undefined;
    let hangs = 0;
    scope.refresher('throws', () => {
      throw new Error('gone');
    });
    scope.refresher('rejects', () => Promise.reject(new Error('away')));
    scope.refresher('hangs', () => {
      hangs += 1;
      return new Promise((resolve) => (end = resolve));
    });
    scope.refresher('works', () => m.open.inc());
    expect(await failures()).toBe(3);
    expect(m.open.value()).toBe(1);
    // One that still runs is not run again, and counts.
    expect(await failures()).toBe(6);
    expect(hangs).toBe(1);
    end();
    await new Promise(setImmediate);
    const third = failures();
    await expect.poll(() => hangs).toBe(2);
    end();
    expect(await third).toBe(8);
    expect(m.open.value()).toBe(3);
  });

  it('run once for scrapes that overlap, which is no failure', async () => {
    const { registry, scope, failures } = started();
    const m = scope.bind({ open: gauge({ name: 'open_files', help: 'Help.' }) });
    scope.refresher('slow', async () => {
      await new Promise(setImmediate);
      m.open.inc();
    });
    const pages = await Promise.all([registry.render(), registry.render('openmetrics')]);
    for (const page of pages) expect(page).toContain('open_files{service="a"} 1\n');
    expect(await failures()).toBe(0);
    expect(m.open.value()).toBe(2);
  });

  it('are removed by what adding them returned, and by nothing else', async () => {
    const { registry, scope } = started();
    const runs: string[] = [];
    const remove = scope.refresher('one', () => void runs.push('one'));
    const removeOther = scope.refresher('other', () => {
      runs.push('other');
      removeLast();
    });
    const removeLast = scope.refresher('last', () => void runs.push('last'));
    remove();
    scope.refresher('one', () => void runs.push('one again'));
    remove();
    await registry.render();
    removeOther();
    await registry.render();
    expect(runs).toEqual(['other', 'one again', 'one again']);
  });

  it('have names of their own in a scope: a second of one name is refused, even the same function', () => {
    const { registry, scope } = started();
    const run = (): void => undefined;
    const remove = scope.refresher('depths', run);
    expect(() => scope.refresher('depths', run)).toThrow(expect.objectContaining({ reason: 'name_taken' }));
    expect(() => scope.refresher('depths', {}, run)).toThrow(RefresherRefused);
    registry.scope({ service: 'b' }).refresher('depths', run);
    remove();
    scope.refresher('depths', run);
  });

  it('are at most sixteen: one more is refused when it is added, and has room when another is removed', () => {
    const { scope } = started();
    const run = (): void => undefined;
    const removers = Array.from({ length: 16 }, (_, i) => scope.refresher(`r${i}`, run));
    expect(() => scope.refresher('one more', run)).toThrow(expect.objectContaining({ reason: 'full' }));
    removers[3]?.();
    scope.refresher('one more', run);
  });
});
