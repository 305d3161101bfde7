import { describe, expect, it } from 'vitest';
import { countedOf, residentOf } from './engine.ts';

describe('memory of a container', () => {
  it.each([
    ['node-gateway-1 85.5MiB / 320MiB', { service: 'gateway', used: 85.5, limit: 320 }],
    ['node-redis-1 512KiB / 1GiB', { service: 'redis', used: 0.5, limit: 1024 }],
  ])('is counted by service, in MiB: %s', (line, counted) => {
    expect(countedOf(line, 'node')).toEqual(counted);
  });

  it('is not taken from containers of others', () => {
    expect(() => countedOf('other-gateway-1 85.5MiB / 320MiB', 'node')).toThrow('other-gateway-1');
  });

  it('is resident in all its processes, in MiB', () => {
    expect(residentOf('PID                 RSS\n4242                51200\n4243                1024\n')).toBe(51);
  });

  it('is not read from a list of something else', () => {
    expect(() => residentOf('UID PID PPID\nroot 1 0')).toThrow('UID PID PPID');
  });
});
