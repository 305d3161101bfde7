import type { Wishes } from '../profiles/profiles.ts';
import { parseSeconds } from './seconds.ts';

/** What a run is told from outside; README.md has the table. k6 keeps names that start with K6_ for itself. */
export interface Settings {
  readonly profile: string;
  readonly wishes: Wishes;
  /** Base address of the gateway, without a trailing slash. */
  readonly baseUrl: string;
  readonly token: string | undefined;
  /** Part of every name and topic the run makes; empty for a random one. */
  readonly run: string;
  /** Ops addresses whose `/readyz` must answer 200 before the run starts. */
  readonly opsUrls: readonly string[];
  /** Folder of the fresh objects that `npm run load` prepared; empty to hash them here, which is slow. */
  readonly poolDir: string;
  /** Where the result goes as JSON; empty for nowhere. */
  readonly summaryFile: string;
  /** Keys of the signers of the registry, as JSON in a file; empty where it is only read. */
  readonly signersFile: string;
  /** Base address of the API of toxiproxy; empty where the profile needs none. */
  readonly toxiproxyUrl: string;
}

/** These replace the scenarios of a profile without a word, so a run with one of them measures something else. */
const RESERVED = ['K6_VUS', 'K6_DURATION', 'K6_ITERATIONS', 'K6_STAGES'];

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const taken = RESERVED.filter((name) => (env[name] ?? '') !== '');
  if (taken.length > 0) throw new Error(`${taken.join(', ')} would replace the scenarios of the profile: unset it`);
  const text = (name: string): string => env[name] ?? '';
  const token = text('TOKEN');
  return {
    profile: env['PROFILE'] ?? 'smoke',
    wishes: {
      rate: rateOf(text('RATE')),
      flows: listOf(text('FLOWS')),
      seconds: text('DURATION') === '' ? undefined : parseSeconds(text('DURATION')),
      region: text('REGION') === 'far' ? 'far' : 'near',
      timetable: text('TIMETABLE'),
      signs: text('SIGNERS_FILE') !== '',
    },
    baseUrl: withoutSlash(env['BASE_URL'] ?? 'http://127.0.0.1:8080'),
    token: token === '' ? undefined : token,
    run: text('RUN'),
    opsUrls: listOf(text('OPS_URLS')).map(withoutSlash),
    poolDir: text('POOL_DIR'),
    summaryFile: text('SUMMARY_FILE'),
    signersFile: text('SIGNERS_FILE'),
    toxiproxyUrl: withoutSlash(text('TOXIPROXY_URL')),
  };
}

function rateOf(text: string): number | undefined {
  if (text === '') return undefined;
  const rate = Number(text);
  if (!(rate > 0)) throw new Error(`RATE=${text}: it is a number of requests a second above 0`);
  return rate;
}
