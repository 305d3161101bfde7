import { describe, expect, it } from 'vitest';
import { memoryOf } from './engine.ts';

describe('memory of the containers', () => {
  it('is read by service, in MiB', () => {
    const uses = memoryOf('node-gateway-1 85.5MiB / 320MiB\nnode-redis-1 512KiB / 1GiB\n', 'node');
    expect(uses.get('gateway')).toEqual({ used: 85.5, limit: 320 });
    expect(uses.get('redis')).toEqual({ used: 0.5, limit: 1024 });
  });

  it('is not taken from containers of others', () => {
    expect(() => memoryOf('other-gateway-1 85.5MiB / 320MiB', 'node')).toThrow('other-gateway-1');
  });
});
