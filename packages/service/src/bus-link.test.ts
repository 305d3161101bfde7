import { MetricsRegistry } from '@macronode/metrics';
import { describe, expect, it } from 'vitest';
import { createLink, linkAddress } from './bus-link.ts';
import { commonConfig } from './common-config.ts';
import { type Env, readConfig } from './config.ts';
import { createLogger } from './logging.ts';

const common = commonConfig({ opsPort: 9083, busLink: 'redis' });
const config = (env: Env) => readConfig(common, env);

describe('the address of the bus', () => {
  it('shows every host and no secret', () => {
    const address = (REDIS_URL: string): string => linkAddress(config({ REDIS_URL }));
    expect(address('redis://u:hunter2@redis')).toBe('redis://redis:6379');
    expect(address('rediss+sentinel://u:hunter2@s1,s2:1/m?sentinel_password=hunter3')).toBe(
      'rediss+sentinel://s1:26379,s2:1/m',
    );
    expect(linkAddress(config({ BUS_LINK: 'in-process' }))).toBe('in-process');
  });
});

describe('the link', () => {
  it('names the variable of a TLS file that cannot be read', () => {
    const settings = config({ REDIS_URL: 'rediss://redis', REDIS_TLS_CA: '/nowhere/ca.pem' });
    const log = createLogger('silent', {});
    const make = (): unknown =>
      createLink(settings, 'storage', new MetricsRegistry().scope({ service: 'storage' }), log);
    expect(make).toThrow(/REDIS_TLS_CA names a file that cannot be read/);
  });
});
