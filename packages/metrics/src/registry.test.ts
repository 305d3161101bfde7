import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bounded, counter, gauge, histogram, MetricDeclarationError } from './declarations.ts';
import { samplesOf } from './exposed-samples-fixture.ts';
import { goldenMetrics } from './golden.ts';
import { processMetrics, registerProcessMetrics } from './process-metrics.ts';
import { Lanes } from './lanes.ts';
import { MetricsRegistry } from './registry.ts';

const help = 'Help.';
const LINE = /^[a-z_][a-z0-9_]*(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? (-?[0-9.e+-]+|\+Inf)$/;

const stored = counter({ name: 'objects_stored_total', help, labels: { result: ['created', 'present'] } });
const golden = goldenMetrics({ routes: ['/o/{id}'], reasons: ['busy', 'quota'], buckets: [0.08, 0.15] });

describe('a registry', () => {
  it('counts exactly, by label and by scope', async () => {
    const registry = new MetricsRegistry();
    const a = registry.scope({ service: 'a' }).bind({ stored });
    const b = registry.scope({ service: 'b' }).bind({ stored });
    a.stored.inc({ result: 'created' });
    a.stored.inc({ result: 'created' }, 4);
    a.stored.cell({ result: 'present' }).inc();
    b.stored.inc({ result: 'created' }, 0.5);
    const read = samplesOf(await registry.render());
    expect(read.get('objects_stored_total{service="a",result="created"}')).toBe(5);
    expect(read.get('objects_stored_total{service="a",result="present"}')).toBe(1);
    expect(read.get('objects_stored_total{service="b",result="created"}')).toBe(0.5);
    expect(read.has('objects_stored_total{service="b",result="present"}')).toBe(false);
  });

  it('exposes what is declared and nothing else', async () => {
    const registry = new MetricsRegistry();
    const scope = registry.scope({ service: 'a' });
    const process = registerProcessMetrics(scope);
    scope.bind(golden);
    const text = await registry.render();
    process.close();
    const exposed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`);
    const declared = registry.declarations().map((declaration) => `${declaration.name} ${declaration.type}`);
    expect(exposed.sort()).toEqual(declared.sort());
    for (const declaration of Object.values({ ...golden, ...processMetrics })) expect(text).toContain(declaration.name);
  });

  it('renders a format that parses', async () => {
    const registry = new MetricsRegistry();
    const m = registry.scope({ service: 'a"b\\c' }).bind(golden);
    m.requestLatency.observe(0.08, { route: '/o/{id}', method: 'GET' });
    const text = await registry.render();
    for (const line of text.split('\n').filter((l) => l !== '' && !l.startsWith('#'))) expect(line).toMatch(LINE);
    expect(registry.contentType()).toContain('text/plain');
  });

  it('satisfies promtool where it is installed', async () => {
    const registry = new MetricsRegistry();
    const m = registry.scope({ service: 'a' }).bind({ ...golden, stored });
    m.requestLatency.observe(0.08, { route: '/o/{id}', method: 'GET' });
    m.stored.inc({ result: 'created' });
    const input = await registry.render();
    try {
      execFileSync('promtool', ['check', 'metrics'], { input, stdio: ['pipe', 'pipe', 'pipe'] });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  });

  it('shows zero before the first event where a declaration asks for it', async () => {
    const registry = new MetricsRegistry();
    registry.scope({ service: 'a' }).bind(golden);
    const read = samplesOf(await registry.render());
    expect(read.get('rejected_total{service="a",reason="busy"}')).toBe(0);
    expect(read.get('rejected_total{service="a",reason="quota"}')).toBe(0);
    expect(read.get('service_restarts_total{service="a"}')).toBe(0);
  });

  it('gives the same series when the same declaration is bound twice', async () => {
    const registry = new MetricsRegistry();
    registry.scope({ service: 'a' }).bind({ stored }).stored.inc({ result: 'created' });
    registry.scope({ service: 'a' }).bind({ again: stored }).again.inc({ result: 'created' });
    expect(samplesOf(await registry.render()).get('objects_stored_total{service="a",result="created"}')).toBe(2);
  });

  it('refuses a second meaning of a name', () => {
    const registry = new MetricsRegistry();
    registry.scope({ service: 'a' }).bind({ stored });
    const other = counter({ name: 'objects_stored_total', help, labels: { tier: ['hot'] } });
    expect(() => registry.scope({ service: 'b' }).bind({ other })).toThrow(MetricDeclarationError);
    const wider = counter({ name: 'objects_stored_total', help, labels: { result: ['created', 'gone'] } });
    expect(() => registry.scope({ service: 'a' }).bind({ wider })).toThrow(MetricDeclarationError);
    expect(() => registry.scope({ service: 'b' }).bind({ wider })).not.toThrow();
  });

  it('drops and counts what breaks a declaration', async () => {
    const registry = new MetricsRegistry();
    const m = registry.scope({ service: 'a' }).bind({
      stored,
      h: histogram({ name: 'x_seconds', help, buckets: [1], bucketsReason: 'one', labels: { kind: ['a'] } }),
    });
    // @ts-expect-error an undeclared value does not compile
    m.stored.inc({ result: 'lost' });
    // @ts-expect-error neither does a missing label
    m.stored.inc({});
    // @ts-expect-error nor an undeclared one
    m.h.observe(1, { kind: 'b' });
    m.stored.inc({ result: 'created' }, -1);
    m.h.observe(NaN, { kind: 'a' });
    const read = samplesOf(await registry.render());
    expect(read.get('metrics_misuses_total')).toBe(5);
    expect([...read.keys()].filter((key) => key.includes('lost') || key.includes('"b"'))).toEqual([]);
  });

  it('holds a bounded label to its bound', async () => {
    const registry = new MetricsRegistry();
    const calls = counter({ name: 'calls_total', help, labels: { subject: bounded(4, 'subjects come at run time') } });
    const m = registry.scope({ service: 'a' }).bind({ calls });
    for (let i = 0; i < 1_000; i++) m.calls.inc({ subject: `s${i}` });
    const read = samplesOf(await registry.render());
    const own = [...read].filter(([key]) => key.startsWith('calls_total'));
    expect(own).toHaveLength(4);
    expect(read.get('calls_total{service="a",subject="other"}')).toBe(997);
  });

  it('keeps every count while its slots grow', async () => {
    const registry = new MetricsRegistry();
    const values = Array.from({ length: 2_000 }, (_, i) => `v${i}`);
    const m = registry.scope({}).bind({ many: counter({ name: 'many_total', help, labels: { kind: values } }) });
    const first = m.many.cell({ kind: 'v0' });
    for (const kind of values) {
      m.many.inc({ kind });
      first.inc();
    }
    const read = samplesOf(await registry.render());
    expect(read.get('many_total{kind="v0"}')).toBe(2_001);
    expect(read.get('many_total{kind="v1999"}')).toBe(1);
  });
});

describe('the cap on series', () => {
  const kinds = Array.from({ length: 100 }, (_, i) => `k${i}`);
  const many = counter({ name: 'many_total', help, labels: { kind: kinds } });
  const wait = histogram({ name: 'wait_seconds', help, labels: { kind: kinds }, buckets: [1], bucketsReason: 'one' });
  const REFUSED = 'metrics_series_refused_total';

  it('is seen when it bites, and noticed by nobody who counts', async () => {
    const own = samplesOf(await new MetricsRegistry().render()).size;
    const registry = new MetricsRegistry({ maxSeries: own + 10 });
    const m = registry.scope({ service: 'a' }).bind({ many, wait });
    for (let round = 0; round < 2; round++) for (const kind of kinds.slice(0, 9)) m.many.inc({ kind });
    for (let round = 0; round < 2; round++) m.wait.observe(0.5, { kind: 'k0' });
    m.many.inc({ kind: 'k9' });
    for (let round = 0; round < 2; round++) m.many.inc({ kind: 'k10' });
    const late = registry.scope({ service: 'b' }).bind({ open: gauge({ name: 'open_files', help }) });
    late.open.set(1);
    const read = samplesOf(await registry.render());
    expect(read.get('many_total{service="a",kind="k9"}')).toBe(1);
    expect(read.has('many_total{service="a",kind="k10"}')).toBe(false);
    expect(read.has('open_files{service="b"}')).toBe(false);
    // The four lines of one histogram, a counter, a gauge: each once, however often they are counted.
    expect(read.get(REFUSED)).toBe(6);
    expect(read.get('metrics_series')).toBe(own + 10);
    expect(read.size).toBe(own + 10);
  });

  it('gives the room of lanes back when they are taken out', async () => {
    const own = samplesOf(await new MetricsRegistry().render()).size;
    const registry = new MetricsRegistry({ maxSeries: own + 100 });
    const scope = registry.scope({ service: 'a' });
    for (let round = 0; round < 3; round++) scope.mount(Lanes.create({ many }, 2))();
    expect(samplesOf(await registry.render()).get('metrics_series')).toBe(own);
    const lanes = Lanes.create({ wait }, 2);
    scope.mount(lanes);
    const read = samplesOf(await registry.render());
    expect(read.get('metrics_series')).toBe(own + 100);
    expect(read.get(REFUSED)).toBe(2 * 75 * 4);
  });
});

describe('the scrape itself', () => {
  it('is timed, shown by the scrapes after it', async () => {
    const registry = new MetricsRegistry();
    for (const scrapes of [0, 1, 2]) {
      const read = samplesOf(await registry.render('openmetrics'));
      expect(read.get('metrics_scrape_seconds_count')).toBe(scrapes);
    }
  });
});

describe('collected values', () => {
  const depth = gauge({ name: 'queue_depth', help, labels: { lane: ['fast', 'bulk'] } });

  it('are read at the scrape; one that throws is left out and counted', async () => {
    const registry = new MetricsRegistry();
    const m = registry.scope({ service: 'a' }).bind({ depth, open: gauge({ name: 'open_files', help }) });
    let value = 3;
    m.depth.collect(() => value, { lane: 'fast' });
    m.depth.collect(
      () => {
        throw new Error('gone');
      },
      { lane: 'bulk' },
    );
    m.open.set(NaN);
    value = 7;
    const read = samplesOf(await registry.render());
    expect(read.get('queue_depth{service="a",lane="fast"}')).toBe(7);
    expect(read.has('queue_depth{service="a",lane="bulk"}')).toBe(false);
    expect(read.has('open_files{service="a"}')).toBe(false);
    expect(samplesOf(await registry.render()).get('metrics_collect_failures_total')).toBeGreaterThanOrEqual(1);
  });
});

describe('a histogram', () => {
  it('counts a value at an edge as inside it', async () => {
    const registry = new MetricsRegistry();
    const m = registry.scope({ service: 'a' }).bind(golden);
    m.requestLatency.observe(0.08, { route: '/o/{id}', method: 'GET' });
    const read = samplesOf(await registry.render());
    expect(read.get('request_latency_seconds_bucket{le="0.08",service="a",route="/o/{id}",method="GET"}')).toBe(1);
  });

  it('holds count, sum and cumulative buckets for any observations', () => {
    const edges = [-1, 0, 0.5, 3, 10];
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -20, max: 20 })), (values) => {
        const x = histogram({ name: 'x_seconds', help, buckets: edges, bucketsReason: 'a spread' });
        const { x: h } = new MetricsRegistry().scope({}).bind({ x });
        for (const value of values) h.observe(value);
        const { cumulative, count, sum } = h.snapshot();
        expect(count).toBe(values.length);
        expect(sum).toBeCloseTo(
          values.reduce((a, b) => a + b, 0),
          6,
        );
        expect(cumulative).toEqual(edges.map((edge) => values.filter((value) => value <= edge).length));
      }),
    );
  });

  it('shows exemplars in OpenMetrics, and leaves the classic format as it was', async () => {
    const registry = new MetricsRegistry();
    const { latency, asks } = registry.scope({ service: 'gateway' }).bind({
      latency: histogram({ name: 'ask_seconds', help: 'Time.', buckets: [0.1, 1], bucketsReason: 'A test.' }),
      asks: counter({ name: 'asks_total', help: 'Asks.' }),
    });
    asks.inc();
    latency.observe(0.05);
    latency.observeTraced(0.5, '4bf92f3577b34da6a3ce929d0e0e4736');
    const open = await registry.render('openmetrics');
    expect(open).toMatch(
      /ask_seconds_bucket\{le="1",service="gateway"\} 2 # \{trace_id="4bf92f3577b34da6a3ce929d0e0e4736"\} 0\.5 [\d.]+\n/,
    );
    expect(open.match(/trace_id/g)).toHaveLength(1);
    expect(open).toContain('# TYPE asks counter\nasks_total{service="gateway"} 1\n');
    expect(open.endsWith('# EOF\n')).toBe(true);
    const classic = await registry.render();
    expect(classic).toContain('# TYPE asks_total counter\nasks_total{service="gateway"} 1\n');
    expect(classic).not.toContain('trace_id');
  });
});
