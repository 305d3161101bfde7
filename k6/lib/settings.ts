/** What a run is told from outside; README.md has the table. k6 keeps names that start with K6_ for itself. */
export interface Settings {
  readonly profile: string;
  /** Base address of the gateway, without a trailing slash. */
  readonly baseUrl: string;
  readonly token: string | undefined;
  /** Ops addresses whose `/readyz` must answer 200 before the run starts. */
  readonly opsUrls: readonly string[];
  /** Where the result goes as JSON; empty for nowhere. */
  readonly summaryFile: string;
}

/** These replace the scenarios of a profile without a word, so a run with one of them measures something else. */
const RESERVED = ['K6_VUS', 'K6_DURATION', 'K6_ITERATIONS', 'K6_STAGES'];

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const taken = RESERVED.filter((name) => (env[name] ?? '') !== '');
  if (taken.length > 0) throw new Error(`${taken.join(', ')} would replace the scenarios of the profile: unset it`);
  const token = env['TOKEN'] ?? '';
  return {
    profile: env['PROFILE'] ?? 'smoke',
    baseUrl: withoutSlash(env['BASE_URL'] ?? 'http://127.0.0.1:8080'),
    token: token === '' ? undefined : token,
    opsUrls: (env['OPS_URLS'] ?? '')
      .split(',')
      .map(withoutSlash)
      .filter((url) => url !== ''),
    summaryFile: env['SUMMARY_FILE'] ?? '',
  };
}
