import { describe, expect, it } from 'vitest';
import type { ConsoleState, Instance } from '../history/state.ts';
import { healthOf, verdictOf } from './health.ts';

const ready = { ready: true, write_ready: true, missing: [], retry_after: null };
const readsOnly = { ready: true, write_ready: false, missing: ['disk'], retry_after: 2 };

function instance(id: string, name: string, readiness: object | string): Instance {
  const problem = typeof readiness === 'string' ? readiness : null;
  const readings = typeof readiness === 'string' ? [] : [{ service: name, ...ready, ...readiness }];
  return { id, name, at: 0, problem, version: null, started_at: null, readiness: readings, services: [] };
}

const judged = (...instances: readonly Instance[]) => {
  const services = healthOf({ instances } as unknown as ConsoleState);
  return { services, verdict: verdictOf(services) };
};

describe('health', () => {
  it('is well when every instance takes reads and writes', () => {
    const { verdict } = judged(instance('self', 'gateway', ready), instance('http://b', 'storage', ready));
    expect(verdict).toEqual({ level: 'ok', text: 'All 2 services are ready' });
  });

  it('names what is missing and when to ask again', () => {
    const { services, verdict } = judged(instance('http://b', 'storage', readsOnly));
    expect(services[0]?.instances[0]).toMatchObject({
      address: 'http://b',
      word: 'reads only',
      detail: 'missing: disk, ask again in 2 s',
    });
    expect(verdict).toEqual({ level: 'warn', text: 'Impaired: storage' });
  });

  it('is impaired while a replica is left, and down when none is', () => {
    const gone = instance('http://b', 'gateway', 'connection refused');
    expect(judged(instance('self', 'gateway', ready), gone).verdict.text).toBe('Impaired: gateway');
    const { services, verdict } = judged(gone, instance('self', 'index', readsOnly));
    expect(services[0]?.instances[0]).toMatchObject({ word: 'unreachable', detail: 'connection refused' });
    expect(verdict).toEqual({ level: 'bad', text: 'Down: gateway. Impaired: index' });
  });
});
