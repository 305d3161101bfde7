import { describe, expect, it } from 'vitest';
import { parseRedisEndpoint, RedisAddressError, redisAddress } from './redis-endpoint.ts';

const none = { username: undefined, password: undefined };

describe('an address', () => {
  it('of one server has a login and a database', () => {
    expect(parseRedisEndpoint('redis://redis')).toEqual({
      kind: 'standalone',
      nodes: [{ host: 'redis', port: 6379 }],
      tls: false,
      login: none,
      database: 0,
      master: '',
      sentinelLogin: none,
    });
    const full = parseRedisEndpoint('rediss://bus:p%40ss%2Fword@[fd00::7]:7001/3');
    expect(full).toMatchObject({ tls: true, database: 3, nodes: [{ host: 'fd00::7', port: 7001 }] });
    expect(full.login).toEqual({ username: 'bus', password: 'p@ss/word' });
    expect(parseRedisEndpoint('redis://:secret@redis').login).toEqual({ username: undefined, password: 'secret' });
  });

  it('of Sentinels names the primary, and may have a login of their own', () => {
    const address = 'redis+sentinel://bus:secret@s1,s2:26380/mymaster?sentinel_username=eye&sentinel_password=see&db=2';
    expect(parseRedisEndpoint(address)).toEqual({
      kind: 'sentinel',
      nodes: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 26_380 },
      ],
      tls: false,
      login: { username: 'bus', password: 'secret' },
      database: 2,
      master: 'mymaster',
      sentinelLogin: { username: 'eye', password: 'see' },
    });
  });

  it('of a cluster names nodes to begin with', () => {
    const { kind, nodes, tls } = parseRedisEndpoint('rediss+cluster://n1:7000,n2:7001,n3');
    expect([kind, tls, nodes.map(({ port }) => port)]).toEqual(['cluster', true, [7000, 7001, 6379]]);
  });

  it.each([
    ['http://redis', /redis:\/\/user:password@redis/],
    ['redis://', /host:port/],
    ['redis://redis:0', /host:port/],
    ['redis://redis:70000', /host:port/],
    ['redis://a,b', /Sentinel or a cluster/],
    ['redis://redis/mymaster', /database/],
    ['redis://redis?family=6', /no options/],
    ['redis+sentinel://s1,s2', /name the primary/],
    ['redis+sentinel://s1/mymaster?secret=hunter2', /only sentinel_username/],
    ['redis+cluster://n1/1', /only one/],
    ['redis://hunter2@redis', /without a password/],
    ['redis://user:%zz@redis', /percent-encoded/],
    [`redis+cluster://${'n,'.repeat(16)}n`, /more than 16/],
  ])('%s is refused with the next step, and is not repeated', (address, why) => {
    const read = (): unknown => parseRedisEndpoint(address);
    expect(read).toThrow(RedisAddressError);
    expect(read).toThrow(why);
    expect(read).not.toThrow(/hunter2/);
  });

  it('is shown with every host and without its secrets', () => {
    const secret = 'rediss+sentinel://u:hunter2@s1,[::1]:5/m?sentinel_password=hunter3';
    expect(redisAddress(secret)).toBe('rediss+sentinel://s1:26379,[::1]:5/m');
    expect(redisAddress('redis+cluster://:x@n1:7000,n2:7001')).toBe('redis+cluster://n1:7000,n2:7001');
    expect(redisAddress('redis://u:x@redis/2')).toBe('redis://redis:6379/2');
  });
});
