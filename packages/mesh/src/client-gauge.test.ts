import { MetricsRegistry } from '@macronode/metrics';
import { describe, expect, it } from 'vitest';
import { ClientGauge } from './client-gauge.ts';
import { CLIENTS_MAX, meshGauges } from './metrics.ts';

describe('a gauge of peers by name', () => {
  const made = () => {
    const registry = new MetricsRegistry();
    const gauge = new ClientGauge(registry.scope({}).bind({ peers: meshGauges.meshPeers }).peers);
    const shown = async (): Promise<Record<string, number>> => {
      const lines = (await registry.render()).split('\n').filter((line) => line.startsWith('lean_gossip_mesh_peers{'));
      return Object.fromEntries(lines.map((line) => [line.split('"')[1] ?? '', Number(line.split(' ').at(-1))]));
    };
    return { gauge, shown };
  };

  it('shows known names as 0, takes out those that vanished, and adds up to the peers', async () => {
    const { gauge, shown } = made();
    expect(await shown()).toEqual({ unknown: 0 });
    gauge.show([{ a: 1, unknown: 2 }, { a: 1 }], ['a', 'b']);
    expect(await shown()).toEqual({ a: 2, b: 0, unknown: 2 });
    gauge.show([{ c: 1 }], ['b']);
    expect(await shown()).toEqual({ b: 0, c: 1, unknown: 0 });
    gauge.show([], []);
    expect(await shown()).toEqual({ unknown: 0 });
  });

  it('adds up however many names there were', async () => {
    const { gauge, shown } = made();
    for (let round = 0; round < 3; round += 1) {
      const counts = Object.fromEntries(Array.from({ length: CLIENTS_MAX }, (_, i) => [`n${round}_${i}`, 1]));
      gauge.show([counts], []);
      expect(Object.values(await shown()).reduce((sum, peers) => sum + peers, 0)).toBe(CLIENTS_MAX);
    }
  });
});
