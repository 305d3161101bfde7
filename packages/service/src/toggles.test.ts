import { describe, expect, it } from 'vitest';
import { commonConfig } from './common-config.ts';
import { ConfigError, configGauges, readConfig } from './config.ts';
import { TOGGLES } from './toggles.ts';

const common = commonConfig({ opsPort: 9080, busLink: 'in-process' });
const toggles = Object.entries(TOGGLES).map(([key, { env }]) => [env, key as keyof typeof TOGGLES] as const);

describe.each(toggles)('the toggle %s', (env, key) => {
  it('is on, can be switched off outside production, and is shown', () => {
    expect(readConfig(common, {})[key]).toBe(true);
    expect(readConfig(common, { [env]: 'on' })[key]).toBe(true);
    for (const text of ['false', 'off', '0', 'no']) expect(readConfig(common, { [env]: text })[key]).toBe(false);
    expect(configGauges(common, readConfig(common, { [env]: 'off' })).get(key)).toBe(0);
  });

  it('cannot be switched off in production: the error says why and what to do', () => {
    const production = { NODE_ENV: 'production' };
    expect(readConfig(common, production)[key]).toBe(true);
    expect(readConfig(common, { ...production, [env]: 'true' })[key]).toBe(true);
    const start = (): unknown => readConfig(common, { ...production, [env]: 'false' });
    expect(start).toThrow(ConfigError);
    expect(start).toThrow(new RegExp(`${env}=false is refused with NODE_ENV=production: .+\\. Unset ${env}, or`));
  });
});
