import { MetricsRegistry } from '@macronode/metrics';
import { describe, expect, it } from 'vitest';
import { registryMetrics, ROUTE_CLASSES, type RouteClass } from './metrics.ts';
import { RouteGate } from './route-gate.ts';

function gateOf(soft: number) {
  let now = 0;
  const scope = new MetricsRegistry().scope({ service: 'registry' });
  const bounds = Object.fromEntries(ROUTE_CLASSES.map((route) => [route, soft])) as Record<RouteClass, number>;
  const gate = new RouteGate(bounds, scope.bind(registryMetrics), () => now);
  return { gate, advance: (ms: number) => (now += ms) };
}

const enter = (gate: RouteGate, count: number) => Array.from({ length: count }, () => gate.enter('registryHead'));
const refused = (reason: string) => expect.objectContaining({ code: 'saturated', reason }) as Error;

describe('the gate of a route', () => {
  it('lets a short burst pass, and refuses above the soft bound once it has lasted ten seconds', () => {
    const { gate, advance } = gateOf(2);
    const inside = enter(gate, 3);
    advance(9_999);
    inside.push(...enter(gate, 1));
    advance(1);
    expect(() => gate.enter('registryHead')).toThrow(refused('route_soft'));
    for (const leave of inside.slice(2)) leave();
    // At the bound again: the ten seconds begin anew.
    inside.push(...enter(gate, 1));
    advance(9_999);
    enter(gate, 1);
  });

  it('refuses at four times the bound at once, and says when to come again', () => {
    const { gate } = gateOf(2);
    const inside = enter(gate, 8);
    expect(() => gate.enter('registryHead')).toThrow(
      expect.objectContaining({ reason: 'route_hard', retryAfterMs: 1_000 }) as Error,
    );
    inside[0]?.();
    inside[0]?.();
    enter(gate, 1);
    expect(() => gate.enter('registryHead')).toThrow(refused('route_hard'));
  });

  it('counts each class of routes for itself: a storm of writes refuses no read', () => {
    const { gate } = gateOf(1);
    for (let i = 0; i < 4; i += 1) gate.enter('registryCommit');
    expect(() => gate.enter('registryPropose')).toThrow(refused('route_hard'));
    gate.enter('registryHead');
    gate.enter('registryEntry');
  });
});
