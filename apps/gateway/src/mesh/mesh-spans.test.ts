import type { MeshTrace } from '@macronode/mesh';
import { type BackgroundSpan, TRACING_LIMITS } from '@macronode/service';
import { describe, expect, it } from 'vitest';
import { traceMesh } from './mesh-spans.ts';

const spansOf = (trace: Partial<MeshTrace>): BackgroundSpan[] => {
  const spans: BackgroundSpan[] = [];
  traceMesh((span) => void spans.push(span))({ rounds: [], claims: [], lost: 0, ...trace });
  return spans;
};

const round = { client: 'a', ok: true, peers: 3, bytesIn: 10, bytesOut: 20, merged: 1, dropped: 2 };

describe('spans of the mesh', () => {
  it('are one for each round, with its peers and bytes', () => {
    const rounds = [
      { ...round, startedAt: 1_000, ms: 25 },
      { ...round, startedAt: 2_000, ms: 1, ok: false },
    ];
    const [first, second] = spansOf({ rounds });
    expect(first).toMatchObject({
      name: 'mesh round',
      startedAtMs: 1_000,
      endedAtMs: 1_025,
      attributes: { 'macronode.mesh.peers': 3, 'macronode.mesh.bytes_in': 10, 'macronode.mesh.bytes_out': 20 },
      failure: undefined,
    });
    expect(second?.failure).toBeDefined();
  });

  it('keep an event of each claim, however many there were', () => {
    const claims = Array.from({ length: TRACING_LIMITS.spanEvents + 1 }, (_, n) => {
      return { at: 1_000 + n, outcome: 'merged' as const, kind: 'waf_reputation' as const };
    });
    const spans = spansOf({ claims, lost: 5 });
    expect(spans.map(({ name, events }) => [name, events?.length])).toEqual([
      ['mesh claims', TRACING_LIMITS.spanEvents],
      ['mesh claims', 1],
    ]);
    expect(spans[0]).toMatchObject({ startedAtMs: 1_000, endedAtMs: 1_000 + TRACING_LIMITS.spanEvents - 1 });
    expect(spans[0]?.events?.[0]).toEqual({
      name: 'mesh claim',
      atMs: 1_000,
      attributes: { 'macronode.mesh.outcome': 'merged', 'macronode.mesh.kind': 'waf_reputation' },
    });
  });

  it('are none of nothing', () => expect(spansOf({})).toEqual([]));
});
