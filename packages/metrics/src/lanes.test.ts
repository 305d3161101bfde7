import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { countedCells } from './counted-cells-fixture.ts';
import { bounded, counter, gauge, MetricDeclarationError } from './declarations.ts';
import { samplesOf } from './exposed-samples-fixture.ts';
import { laneDeclarations } from './lane-declarations-fixture.ts';
import { layoutOf, LanesError } from './lane-layout.ts';
import { bindLane, Lanes } from './lanes.ts';
import { MetricsRegistry } from './registry.ts';

const help = 'Help.';
const COUNT = 1_000_000;

const writer = (buffer: SharedArrayBuffer, lane: number, count: number): Worker =>
  new Worker(new URL('lane-writer-fixture.ts', import.meta.url), { workerData: { buffer, lane, count } });

function mounted(count = 2) {
  const registry = new MetricsRegistry();
  const scope = registry.scope({ service: 'a' });
  const lanes = Lanes.create(laneDeclarations, count);
  const unmount = scope.mount(lanes);
  const read = async () => samplesOf(await registry.render());
  return { registry, scope, lanes, unmount, read };
}

describe('lanes', () => {
  it('lose nothing while two threads count a million each and are scraped', { timeout: 60_000 }, async () => {
    const { lanes, read } = mounted();
    const writers = [0, 1].map((lane) => writer(lanes.buffer, lane, COUNT));
    let running = true;
    const ended = Promise.all(writers.map((each) => once(each, 'exit'))).then(() => (running = false));
    let before = 0;
    while (running) {
      const hits = (await read()).get('hits_total{service="a"}') ?? NaN;
      expect(hits).toBeGreaterThanOrEqual(before);
      before = hits;
      // A scrape of a few lines gives the loop no turn by itself, and 'exit' needs one.
      await new Promise(setImmediate);
    }
    await ended;
    const found = await read();
    expect(found.get('hits_total{service="a"}')).toBe(2 * COUNT);
    expect(found.get('drops_total{service="a",reason="full"}')).toBe(2 * COUNT);
    expect(found.get('drops_total{service="a",reason="closed"}')).toBe(0);
    expect(found.get('known_peers{service="a"}')).toBe(3);
    expect(found.get('wait_seconds_bucket{le="0.5",service="a",kind="read"}')).toBe(2);
    expect(found.get('wait_seconds_bucket{le="2",service="a",kind="read"}')).toBe(4);
    expect(found.get('wait_seconds_bucket{le="+Inf",service="a",kind="read"}')).toBe(6);
    expect(found.get('wait_seconds_sum{service="a",kind="read"}')).toBe(10);
    expect(found.get('wait_seconds_count{service="a",kind="write"}')).toBe(0);
    expect(found.get('metrics_misuses_total')).toBe(4);
  });

  it('are taken over by the thread that comes after one that ended', async () => {
    const { lanes, read } = mounted(1);
    for (let turn = 0; turn < 2; turn++) await once(writer(lanes.buffer, 0, 10), 'exit');
    expect((await read()).get('hits_total{service="a"}')).toBe(20);
  });

  it('expose what is declared and nothing else, all of it from the start', async () => {
    const { registry, unmount, read } = mounted();
    const text = await registry.render();
    const exposed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`);
    expect(exposed).toEqual(registry.declarations().map(({ name, type }) => `${name} ${type}`));
    const own = [...samplesOf(text)].filter(([series]) => series.includes('service="a"'));
    expect(own).toHaveLength(1 + 2 + 1 + 2 * 6);
    expect(own.every(([, value]) => value === 0)).toBe(true);
    unmount();
    unmount();
    expect([...(await read()).keys()].filter((series) => series.includes('service="a"'))).toEqual([]);
  });

  it('count on top of what the scope itself counts', async () => {
    const { scope, lanes, read, unmount } = mounted();
    const own = scope.bind(laneDeclarations);
    own.drops.inc({ reason: 'full' }, 2);
    lanes.bind(0).drops.inc({ reason: 'full' }, 3);
    expect((await read()).get('drops_total{service="a",reason="full"}')).toBe(5);
    unmount();
    expect((await read()).get('drops_total{service="a",reason="full"}')).toBe(2);
  });

  it('show what the scraping thread reads at the scrape, and the trace it observed in', async () => {
    const { registry, lanes } = mounted();
    lanes.bind(0).peers.collect(() => 4);
    lanes.bind(1).peers.set(1);
    lanes.bind(0).waits.cell({ kind: 'read' }).observeTraced(1, '4bf92f3577b34da6a3ce929d0e0e4736');
    const text = await registry.render('openmetrics');
    expect(text).toContain('known_peers{service="a"} 5\n');
    expect(text.match(/trace_id/g)).toHaveLength(1);
  });

  it('are unknown as a whole when one of them is', async () => {
    const { lanes, read } = mounted();
    lanes.bind(0).peers.set(NaN);
    lanes.bind(1).peers.set(1);
    expect((await read()).has('known_peers{service="a"}')).toBe(false);
  });

  it('count an undeclared label value as a misuse, and as nothing else', async () => {
    const { lanes, read } = mounted();
    // @ts-expect-error an undeclared value does not compile
    lanes.bind(1).drops.inc({ reason: 'lost' });
    // @ts-expect-error neither does one of a histogram
    lanes.bind(1).waits.observe(1, { kind: 'erase' });
    const found = await read();
    expect(found.get('metrics_misuses_total')).toBe(2);
    expect([...found].filter(([series, value]) => series.includes('service="a"') && value !== 0)).toEqual([]);
  });

  it('are refused when they are mounted already, and mounted again after they were taken out', async () => {
    const { scope, lanes, unmount, read } = mounted();
    expect(() => scope.mount(lanes)).toThrow(LanesError);
    unmount();
    scope.mount(lanes);
    lanes.bind(0).hits.inc();
    expect((await read()).get('hits_total{service="a"}')).toBe(1);
  });

  it('are mounted as a whole or not at all, where one of them has another meaning already', async () => {
    const registry = new MetricsRegistry();
    const scope = registry.scope({ service: 'a' });
    const { waits: _, ...others } = laneDeclarations;
    scope.bind({ waits: gauge({ name: 'wait_seconds', help: 'Another.' }) });
    const before = samplesOf(await registry.render()).get('metrics_series');
    expect(() => scope.mount(Lanes.create(laneDeclarations, 1))).toThrow(MetricDeclarationError);
    expect(samplesOf(await registry.render()).get('metrics_series')).toBe(before);
    scope.mount(Lanes.create(others, 1));
  });

  it('are refused where they cannot be laid out', () => {
    const open = { calls: counter({ name: 'calls_total', help, labels: { subject: bounded(4, 'a test') } }) };
    const twice = { a: gauge({ name: 'open_files', help }), b: gauge({ name: 'open_files', help }) };
    expect(() => Lanes.create(open, 1)).toThrow(LanesError);
    expect(() => Lanes.create(twice, 1)).toThrow(LanesError);
    for (const count of [0, 65, 1.5]) expect(() => Lanes.create(laneDeclarations, count)).toThrow(LanesError);
  });

  it('are bound only by those who have the same declarations', () => {
    const { buffer } = Lanes.create(laneDeclarations, 2);
    const { hits, drops } = laneDeclarations;
    const wider = { hits, drops: counter({ name: 'drops_total', help, labels: { reason: ['full', 'gone'] } }) };
    expect(() => bindLane({ hits, drops }, buffer, 0)).toThrow(LanesError);
    expect(() => bindLane(wider, Lanes.create({ hits, drops }, 1).buffer, 0)).toThrow(LanesError);
    expect(() => bindLane(laneDeclarations, new SharedArrayBuffer(8), 0)).toThrow(LanesError);
    for (const lane of [-1, 2, 0.5]) expect(() => bindLane(laneDeclarations, buffer, lane)).toThrow(LanesError);
    expect(() => Lanes.create(laneDeclarations, 2).bind(2)).toThrow(LanesError);
  });

  it('share no cache line, wherever their memory begins', () => {
    const { cells } = layoutOf(laneDeclarations);
    expect(cells % 64).toBe(0);
    expect(Lanes.create(laneDeclarations, 3).buffer.byteLength).toBe((64 + 3 * cells) * 8);
    // 48 slots more fill the block, and the gap asks for another.
    const full = Array.from({ length: 47 }, (_, i) => `v${i}`);
    expect(layoutOf({ many: counter({ name: 'many_total', help, labels: { kind: full } }) }).cells).toBe(64);
    const over = [...full, 'v47'];
    expect(layoutOf({ many: counter({ name: 'many_total', help, labels: { kind: over } }) }).cells).toBe(128);
  });
});

describe('counted cells', () => {
  it('tell the writes of each operation', () => {
    const { handles, writes } = countedCells(laneDeclarations);
    const cost = (work: () => void): number => {
      const before = writes();
      work();
      return writes() - before;
    };
    expect(writes()).toBe(0);
    expect(cost(() => handles.hits.inc())).toBe(1);
    expect(cost(() => handles.drops.inc({ reason: 'full' }, 7))).toBe(1);
    expect(cost(() => handles.peers.set(3))).toBe(1);
    expect(cost(() => handles.waits.observe(1, { kind: 'read' }))).toBe(2);
    expect(handles.hits.value()).toBe(1);
  });
});
