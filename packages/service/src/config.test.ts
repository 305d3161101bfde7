import { describe, expect, it } from 'vitest';
import { commonConfig } from './common-config.ts';
import {
  type ConfigOf,
  ConfigError,
  configGauges,
  defineConfig,
  describeConfig,
  readConfig,
  redactConfig,
} from './config.ts';
import { helpText, readCommandLine } from './help.ts';
import { knob } from './knob.ts';

const declaration = defineConfig(
  'storage',
  {
    slots: knob.int({ env: 'STORAGE_SLOTS', default: 64, unit: 'count', min: 1, max: 1024, help: 'Reads at once.' }),
    scrub: knob.bool({ env: 'STORAGE_SCRUB', default: true, help: 'Reads everything again.' }),
    mode: knob.choice({ env: 'STORAGE_MODE', choices: ['files', 's3'], default: 'files', help: 'Where objects are.' }),
    bucket: knob.string({
      env: 'STORAGE_BUCKET',
      pattern: /^[a-z]+$/,
      accepts: 'letters',
      example: 'objects',
      help: 'Bucket.',
    }),
    endpoint: knob.url({
      env: 'STORAGE_ENDPOINT',
      schemes: ['https'],
      example: 'https://s3.local',
      secret: true,
      help: 'Store.',
    }),
    dir: knob.path({ env: 'STORAGE_DIR', example: '/data', help: 'Folder.' }),
  },
  {
    together: [['bucket', 'endpoint']],
    check: ({ mode, bucket }) =>
      mode === 's3' && bucket === undefined ? ['STORAGE_MODE is s3 but STORAGE_BUCKET is not set'] : [],
  },
);
type StorageConfig = ConfigOf<typeof declaration>;

const problemsOf = (env: Record<string, string>): readonly string[] => declaration.read(env).problems;

describe('a config', () => {
  it('has its defaults when nothing is set, and is frozen', () => {
    const config: StorageConfig = readConfig(declaration, {});
    const slots: number = config.slots;
    const mode: 'files' | 's3' = config.mode;
    const dir: string | undefined = config.dir;
    expect({ slots, mode, dir, scrub: config.scrub }).toEqual({
      slots: 64,
      mode: 'files',
      dir: undefined,
      scrub: true,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes an empty variable as unset', () => {
    expect(readConfig(declaration, { STORAGE_SLOTS: '', STORAGE_DIR: ' ' })).toMatchObject({
      slots: 64,
      dir: undefined,
    });
  });

  it('reads every kind of value', () => {
    const env = {
      STORAGE_SLOTS: '7',
      STORAGE_SCRUB: 'no',
      STORAGE_MODE: 's3',
      STORAGE_BUCKET: 'objects',
      STORAGE_ENDPOINT: 'https://u:p@s3.local',
      STORAGE_DIR: '/d',
    };
    expect(readConfig(declaration, env)).toEqual({
      slots: 7,
      scrub: false,
      mode: 's3',
      bucket: 'objects',
      endpoint: 'https://u:p@s3.local',
      dir: '/d',
    });
  });

  it.each([
    [
      'not a number',
      { STORAGE_SLOTS: 'many' },
      /STORAGE_SLOTS must be a whole number \(count\); got "many".*STORAGE_SLOTS=64/,
    ],
    ['not whole', { STORAGE_SLOTS: '1.5' }, /STORAGE_SLOTS must be a whole number/],
    ['hexadecimal', { STORAGE_SLOTS: '0x10' }, /STORAGE_SLOTS must be a whole number/],
    ['below the range', { STORAGE_SLOTS: '0' }, /STORAGE_SLOTS must be from 1 to 1024 \(count\)/],
    ['above the range', { STORAGE_SLOTS: '1025' }, /STORAGE_SLOTS must be from 1 to 1024/],
    ['not a boolean', { STORAGE_SCRUB: 'maybe' }, /STORAGE_SCRUB must be true or false/],
    ['not a choice', { STORAGE_MODE: 'tape' }, /STORAGE_MODE must be one of: files, s3/],
    ['not of the pattern', { STORAGE_BUCKET: 'A', STORAGE_ENDPOINT: 'https://x' }, /STORAGE_BUCKET must be letters/],
    ['an unknown name', { STORAGE_SLOT: '1' }, /STORAGE_SLOT is not a setting.*STORAGE_SLOTS/],
    ['half of a pair', { STORAGE_BUCKET: 'objects' }, /STORAGE_BUCKET is set but STORAGE_ENDPOINT is not/],
    ['the other half', { STORAGE_ENDPOINT: 'https://x' }, /STORAGE_ENDPOINT is set but STORAGE_BUCKET is not/],
    ['a broken condition', { STORAGE_MODE: 's3' }, /STORAGE_MODE is s3 but STORAGE_BUCKET is not set/],
  ])('refuses what is %s', (_, env, message) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });

  it('never shows a secret, not even a wrong one', () => {
    const problems = problemsOf({ STORAGE_ENDPOINT: 'ftp://user:hunter2@host', STORAGE_BUCKET: 'objects' });
    expect(problems.join()).toContain('STORAGE_ENDPOINT must be a URL starting with https://');
    expect(problems.join()).not.toContain('hunter2');
    const config = readConfig(declaration, { STORAGE_ENDPOINT: 'https://u:hunter2@h', STORAGE_BUCKET: 'objects' });
    expect(JSON.stringify(redactConfig(declaration, config))).not.toContain('hunter2');
  });

  it('tells every problem at once', () => {
    const env = { STORAGE_SLOTS: 'x', STORAGE_MODE: 'y', STORAGE_TYPO: 'z' };
    expect(problemsOf(env)).toHaveLength(3);
    expect(() => readConfig(declaration, env)).toThrow(ConfigError);
    expect(() => readConfig(declaration, env)).toThrow(/3 settings are wrong/);
  });

  it('names a required variable that is not set', () => {
    const required = defineConfig('index', {
      key: knob.string({ env: 'INDEX_KEY', required: true, example: 'k', help: 'Key.' }),
    });
    const read = (): string => readConfig(required, { INDEX_KEY: 'k' }).key;
    expect(read()).toBe('k');
    expect(required.read({}).problems).toEqual(['INDEX_KEY is not set: Key. Example: INDEX_KEY=k']);
  });

  it('is shown as numbers', () => {
    const config = readConfig(declaration, { STORAGE_MODE: 'files', STORAGE_DIR: '/d' });
    expect(Object.fromEntries(configGauges(declaration, config))).toEqual({
      slots: 64,
      scrub: 1,
      mode: 0,
      bucket: 0,
      endpoint: 0,
      dir: 1,
    });
  });
});

describe('the common settings', () => {
  const common = commonConfig({ opsPort: 9083, busLink: 'redis' });

  it('ask for the missing half of the Redis link', () => {
    expect(common.read({}).problems).toEqual([expect.stringContaining('BUS_LINK is redis but REDIS_URL is not set')]);
    expect(readConfig(common, { REDIS_URL: 'redis://h:6379' })).toMatchObject({ busLink: 'redis', opsPort: 9083 });
    expect(readConfig(common, { BUS_LINK: 'in-process' }).redisUrl).toBeUndefined();
  });

  it('take a Redis kept by Sentinel or spread over a cluster, and say what is wrong with an address', () => {
    const sentinel = 'redis+sentinel://user:pass@s1:26379,s2:26379/mymaster';
    expect(readConfig(common, { REDIS_URL: sentinel }).redisUrl).toBe(sentinel);
    expect(readConfig(common, { REDIS_URL: 'redis+cluster://n1:7000,n2', REDIS_SHARDS: '12' }).redisShards).toBe(12);
    const problem = (env: Record<string, string>): string => common.read(env).problems.join();
    expect(problem({ REDIS_URL: 'redis+sentinel://hunter2:x@s1' })).toMatch(/REDIS_URL must name the primary/);
    expect(problem({ REDIS_URL: 'redis+sentinel://u:hunter2@s1' })).not.toContain('hunter2');
    expect(problem({ REDIS_URL: 'https://redis' })).toMatch(/redis\+cluster:\/\//);
  });

  it('want TLS whole, and a placement that fits', () => {
    const problem = (env: Record<string, string>): string => common.read(env).problems.join();
    const REDIS_URL = 'rediss://redis:6379';
    expect(problem({ REDIS_URL, REDIS_TLS_CERT: 'c.pem' })).toMatch(/REDIS_TLS_CERT is set but REDIS_TLS_KEY is not/);
    expect(problem({ REDIS_URL: 'redis://redis', REDIS_TLS_CA: 'ca.pem' })).toMatch(/write rediss:\/\//);
    expect(problem({ REDIS_URL, REDIS_PLACEMENT: 'storage=1' })).toMatch(/REDIS_PLACEMENT does not fit/);
    expect(problem({ REDIS_URL, REDIS_PLACEMENT: 'storage=1,index=0', REDIS_SHARDS: '2' })).toBe('');
    expect(problem({ REDIS_URL, REDIS_PLACEMENT: 'storage' })).toMatch(/name=shard pairs/);
  });

  it('leave the rest of the environment alone', () => {
    expect(common.read({ BUS_LINK: 'in-process', PATH: '/bin', HOME: '/root' }).problems).toEqual([]);
  });
});

describe('help', () => {
  it('names every variable with its default and unit', () => {
    const text = helpText('storage 1.0', [declaration]);
    for (const row of describeConfig(declaration)) {
      expect(text).toContain(row.env);
      expect(text).toContain(row.help);
      if (row.default !== '')
        expect(text).toContain(row.unit === '' ? `default ${row.default}` : `default ${row.default} ${row.unit}`);
    }
  });

  it('reads flags as variables', () => {
    const common = commonConfig({ opsPort: 9083, busLink: 'in-process' });
    const read = (...args: string[]): Readonly<Record<string, string | undefined>> =>
      readCommandLine(args, { STORAGE_SLOTS: '1' }, [common, declaration]).env;
    expect(read('--data', '/d', '--storage-slots=9', '--storage-scrub')).toEqual({
      DATA_DIR: '/d',
      STORAGE_SLOTS: '9',
      STORAGE_SCRUB: 'true',
    });
    expect(read('--storage-scrub', 'false')['STORAGE_SCRUB']).toBe('false');
    expect(() => read('--nope')).toThrow(ConfigError);
    expect(() => read('--data')).toThrow(/needs a value/);
    expect(readCommandLine(['--help'], {}, [declaration]).help).toBe(true);
  });
});
