import { expect, test } from 'vitest';
import { MeshCounts } from './mesh-counts.ts';

const counts = MeshCounts.in(`# HELP mesh_claims_received_total Envelopes that changed the table.
# TYPE mesh_claims_received_total counter
mesh_claims_received_total 12
mesh_claims_dropped_total{reason="rate"} 3
mesh_claims_dropped_total{reason="connection_rate"} 4
gossipsub_pre_validation_valid_total{topic="waf_reputation"} 10
gossipsub_pre_validation_valid_total{topic="rate_saturation"} 1
gossipsub_pre_validation_invalid_total{topic="waf_reputation"} 6
mesh_sync_envelopes_total{direction="in"} 2
mesh_sync_envelopes_total{direction="out"} 9
`);

test('series are summed, all of a name or those with a label', () => {
  expect(counts.of('mesh_claims_dropped_total')).toBe(7);
  expect(counts.of('mesh_claims_dropped_total', { reason: 'rate' })).toBe(3);
});

test('what was judged is held against what came in, by gossip and by comparisons', () => {
  expect([counts.judged, counts.cameIn]).toEqual([19, 19]);
});

test('a series there is none of is an error, not nought', () => {
  expect(() => counts.of('mesh_claims_recieved_total')).toThrow('no series mesh_claims_recieved_total');
  expect(() => counts.of('mesh_claims_dropped_total', { reason: 'late' })).toThrow('{"reason":"late"}');
});
