import { Readiness } from '@macronode/contracts';
import { describe, expect, it } from 'vitest';
import { nodeReadiness, ReadinessRegistry } from './readiness.ts';

function setup(bus = true) {
  let now = 0;
  const held = { bus, store: true };
  const registry = new ReadinessRegistry('storage', () => now);
  registry.check('bus', () => held.bus, { gates: 'ready', holdMs: 1_000 });
  registry.check('store', () => held.store, { gates: 'write', holdMs: 3_000 });
  return { registry, held, pass: (ms: number) => (now += ms) };
}

describe('readiness', () => {
  it('is missing the start until it is told so, then ready at once', () => {
    const { registry } = setup();
    expect(registry.evaluate()).toEqual({
      service: 'storage',
      ready: false,
      write_ready: false,
      missing: ['starting'],
      retry_after: 1,
    });
    registry.setServing();
    registry.close();
    expect(registry.evaluate()).toMatchObject({ ready: true, write_ready: true, missing: [], retry_after: null });
  });

  it('does not hold back a check that comes true for the first time', () => {
    const { registry, held } = setup(false);
    registry.setServing();
    registry.close();
    expect(registry.evaluate().ready).toBe(false);
    held.bus = true;
    expect(registry.evaluate().ready).toBe(true);
  });

  it('fails at once and comes back only after the hold, whatever happens inside it', () => {
    const { registry, held, pass } = setup();
    registry.setServing();
    registry.close();
    held.bus = false;
    expect(registry.evaluate()).toMatchObject({ ready: false, missing: ['bus'], retry_after: 1 });
    held.bus = true;
    expect(registry.evaluate().ready).toBe(false);
    pass(900);
    held.bus = false;
    expect(registry.evaluate().ready).toBe(false);
    held.bus = true;
    registry.evaluate();
    pass(999);
    expect(registry.evaluate().ready).toBe(false);
    pass(1);
    expect(registry.evaluate().ready).toBe(true);
  });

  it('sheds writes before reads', () => {
    const { registry, held } = setup();
    registry.setServing();
    registry.close();
    held.store = false;
    expect(registry.evaluate()).toEqual({
      service: 'storage',
      ready: true,
      write_ready: false,
      missing: ['store'],
      retry_after: 3,
    });
    expect([registry.ready, registry.writeReady]).toEqual([true, false]);
  });

  it('takes a check that throws as one that does not hold', () => {
    const { registry } = setup();
    registry.check('disk', () => { throw new Error('gone'); }, { gates: 'ready' }); // prettier-ignore
    registry.setServing();
    registry.close();
    expect(registry.evaluate().missing).toEqual(['disk']);
  });

  it('is unready for good once draining', () => {
    const { registry } = setup();
    registry.setServing();
    registry.setDraining();
    registry.setServing();
    registry.close();
    expect(registry.evaluate()).toMatchObject({ ready: false, write_ready: false, missing: ['draining'] });
  });

  it('tells listeners of changes, and only of those', () => {
    const { registry, held } = setup();
    const seen: string[] = [];
    registry.setServing();
    registry.close();
    registry.onChange(({ missing }) => seen.push(missing.join()));
    registry.evaluate();
    held.bus = false;
    registry.evaluate();
    registry.evaluate();
    expect(seen).toEqual(['bus']);
  });

  it('fits the contract', () => {
    const { registry } = setup();
    expect(Readiness.parse(registry.evaluate())).toEqual(registry.evaluate());
  });
});

describe('readiness of several services', () => {
  it('is the readiness of all, with each listed', () => {
    const a = setup();
    const b = new ReadinessRegistry('index');
    a.registry.setServing();
    a.registry.close();
    a.held.bus = false;
    const state = nodeReadiness('micronode', [a.registry, b]);
    expect(state).toMatchObject({
      service: 'micronode',
      ready: false,
      missing: ['storage.bus', 'index.starting'],
      retry_after: 1,
    });
    expect(state.services?.map(({ service }) => service)).toEqual(['storage', 'index']);
    expect(nodeReadiness('storage', [a.registry]).service).toBe('storage');
  });
});
