import fc from 'fast-check';
import { type Metric, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Exposition } from './accept.ts';
import { counter, gauge, histogram } from './declarations.ts';
import { contentTypeOf, expose } from './exposition.ts';
import { Family } from './family.ts';
import { MetricsScope } from './scope.ts';
import { SeriesCap } from './series-cap.ts';
import { Slab } from './slab.ts';

const FORMATS: readonly Exposition[] = ['classic', 'openmetrics'];
const help = 'A line\nwith a \\ and "quotes".';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** A scope and the families it has bound. */
function scopeOf(): { readonly scope: MetricsScope; readonly families: Family[] } {
  const room = { slab: new Slab(), cap: new SeriesCap(Infinity), failed: () => undefined };
  const families: Family[] = [];
  const family = (declaration: ConstructorParameters<typeof Family>[0]): Family => {
    const made = new Family(declaration, room);
    families.push(made);
    return made;
  };
  const none = () => () => undefined;
  return { scope: new MetricsScope({ service: 'a"b\\c\nd' }, { family, refresher: none, mount: none }), families };
}

/** Families of every type that counted `values` under `kinds`. */
function counted(kinds: readonly string[], values: readonly number[]): readonly Family[] {
  const { scope, families } = scopeOf();
  const labels = { kind: kinds };
  const m = scope.bind({
    kinds: counter({ name: 'kinds_total', help, labels, zeroFill: true }),
    open: gauge({ name: 'open_files', help }),
    never: gauge({ name: 'never_set_files', help, labels }),
    wait: histogram({ name: 'wait_seconds', help, labels, buckets: [0.1, 1, 10], bucketsReason: 'A test.' }),
  });
  values.forEach((value, at) => {
    const kind = kinds[at % kinds.length] ?? '';
    m.kinds.inc({ kind }, Math.abs(value));
    m.open.set(value);
    if (at % 3 === 0) m.wait.cell({ kind }).observeTraced(value, TRACE);
    else m.wait.observe(value, { kind });
  });
  return families;
}

/** The text as one registry of prom-client renders it, whole. */
function whole(families: readonly Family[], format: Exposition): Promise<string> {
  const registry = new Registry<never>();
  registry.setContentType(contentTypeOf(format) as never);
  for (const family of families) {
    const name = format === 'openmetrics' && family.type === 'counter' ? family.name.slice(0, -6) : family.name;
    const metric = { name, help: family.help, type: family.type, aggregator: 'sum', values: family.samples() };
    registry.registerMetric({ ...metric, get: () => Promise.resolve(metric) } as unknown as Metric);
  }
  return registry.metrics();
}

describe('an exposition', () => {
  it('is byte for byte what prom-client makes of it, however many turns it takes', async () => {
    const kinds = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 600 });
    const values = fc.array(fc.double({ noNaN: true }), { maxLength: 300 });
    const many = Array.from({ length: 1_000 }, (_, at) => at);
    await fc.assert(
      fc.asyncProperty(kinds, values, fc.constantFrom(...FORMATS), async (names, numbers, format) => {
        const families = counted(names, numbers);
        expect(await expose(families, format)).toBe(await whole(families, format));
      }),
      { numRuns: 60, examples: FORMATS.map((format) => [many.map(String), many, format]) },
    );
  });

  it('shows one moment, though the loop turns while it is made', async () => {
    const { scope, families } = scopeOf();
    const kinds = Array.from({ length: 2_000 }, (_, i) => `kind ${i}`);
    const m = scope.bind({ kinds: counter({ name: 'kinds_total', help, labels: { kind: kinds } }) });
    let turns = 0;
    let turning: NodeJS.Immediate | undefined;
    const turn = (): void => {
      turns += 1;
      for (const kind of kinds) m.kinds.inc({ kind });
      turning = setImmediate(turn);
    };
    turn();
    const text = await expose(families, 'classic');
    clearImmediate(turning);
    expect(turns).toBeGreaterThan(2);
    expect(new Set([...text.matchAll(/ (\d+)$/gm)].map(([, value]) => value))).toEqual(new Set(['1']));
  });
});
