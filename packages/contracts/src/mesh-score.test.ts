import { describe, expect, it } from 'vitest';
import { MeshStanding } from './mesh-admin.ts';
import { meshMetadata, readMeshMetadata } from './mesh-score.ts';

describe('the score of a client in the metadata of a frame', () => {
  it.each([
    ['0.000', 1],
    ['0.049', 0],
    ['0.800', 2],
    ['1.000', 256],
  ])('is read as it was written: %s of %i', (score, sources) => {
    expect(readMeshMetadata(meshMetadata(score, sources))).toEqual({ score: Number(score), sources });
  });

  it.each([
    {},
    { mesh_score: '0.5' },
    { mesh_sources: '2' },
    { mesh_score: '1.001', mesh_sources: '2' },
    { mesh_score: '-0.1', mesh_sources: '2' },
    { mesh_score: 'NaN', mesh_sources: '2' },
    { mesh_score: '0.5', mesh_sources: '-1' },
    { mesh_score: '0.5', mesh_sources: '01' },
    { mesh_score: '0.5', mesh_sources: '1e3' },
    { mesh_score: '', mesh_sources: '' },
  ])('says nothing when it is %o', (metadata: Record<string, string>) => {
    expect(readMeshMetadata(metadata)).toBeUndefined();
  });
});

it('of claims that have faded until none counts as a source is still one, for operators too', () => {
  const faded = { address: '192.0.2.1', standing: { score: 0.049, sources: 0 }, verdict: 'pass' };
  expect(MeshStanding.parse(faded)).toEqual(faded);
});
