import { SERVICES, Version } from '@macronode/contracts';
import { Client } from './client.ts';
import { until } from './poll.ts';
import { opsOf, target } from './target.ts';

/** Runs once before all files: the node must be ready, and the run says which build it talks to. */
export async function setup(): Promise<void> {
  await until(
    async () => {
      const urls = new Set(SERVICES.flatMap((service) => opsOf(service)));
      const statuses = await Promise.all(
        [...urls].map(async (url) => (await new Client({ url }).get('/readyz')).status),
      );
      return statuses.every((status) => status === 200);
    },
    { what: `every service of ${target.url} to be ready`, deadlineMs: 60_000 },
  );
  const version = Version.parse((await new Client({ url: opsOf('gateway')[0] ?? '' }).get('/version')).json());
  process.stdout.write(
    `e2e against ${target.name} at ${target.url}: ${version.profile} ${version.version} (${version.git_sha}) on Node ${version.node}\n`,
  );
}
