// npm run load: a k6 profile against a running node.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './bootstrap.mjs';
import { findGoTool, K6, provideGoTool, versionOf } from './go-tools.ts';
import { exitCodeOf, runProgram } from './stages.ts';
import { endWith } from './verb.ts';

const PROFILES = join(ROOT, 'k6', 'profiles');
const BUNDLE = join(ROOT, 'k6', 'dist', 'main.js');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    token: { type: 'string', default: process.env['E2E_TOKEN'] ?? '' },
  },
});

await endWith(async () => {
  const [profile, ...k6Args] = positionals;
  const known = readdirSync(PROFILES)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -'.ts'.length));
  if (profile === undefined) {
    process.stdout.write(`${known.join('\n')}\n`);
    return;
  }
  if (!known.includes(profile)) throw new Error(`There is no profile '${profile}'; there are: ${known.join(', ')}.`);
  await runProgram(['npm', 'run', 'bundle', '--silent', '--workspace', '@macronode/k6']);
  const settings = { PROFILE: profile, BASE_URL: values.url, ...(values.token === '' ? {} : { TOKEN: values.token }) };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
  process.exitCode = await exitCodeOf([...(await k6Command()), ...flags, ...k6Args]);
});

/** The command up to the script: k6 on PATH or built earlier, its image, or a build of the version pinned in infra/tools. */
async function k6Command(): Promise<[string, ...string[]]> {
  const binary = findGoTool(K6);
  if (binary !== undefined) return [binary, 'run', BUNDLE];
  const image = `grafana/k6:${versionOf(K6).slice(1)}`;
  if (isImageHere(image)) {
    return ['docker', 'run', '--rm', '--network=host', '-v', `${BUNDLE}:/main.js:ro`, image, 'run', '/main.js'];
  }
  return [await provideGoTool(K6, `, or pull ${image}`), 'run', BUNDLE];
}

/** Only an image that was pulled: a download nobody asked for may take longer than the build. */
function isImageHere(image: string): boolean {
  return spawnSync('docker', ['image', 'inspect', image], { stdio: 'ignore' }).status === 0;
}
