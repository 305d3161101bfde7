import { describe, expect, it } from 'vitest';
import { meshMetadata, readMeshMetadata } from './mesh-score.ts';

describe('the score of a client in the metadata of a frame', () => {
  it.each([
    ['0.000', 1],
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
    { mesh_score: '0.5', mesh_sources: '0' },
    { mesh_score: '0.5', mesh_sources: '1e3' },
    { mesh_score: '', mesh_sources: '' },
  ])('says nothing when it is %o', (metadata: Record<string, string>) => {
    expect(readMeshMetadata(metadata)).toBeUndefined();
  });
});
