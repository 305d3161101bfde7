import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES } from '@macronode/contracts';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { HEAP_FLAGS, REGISTRY_HEAP_FLAGS } from '../scripts/bootstrap.mjs';

const ROOT = new URL('..', import.meta.url).pathname;
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface ComposeService {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly healthcheck?: { readonly start_interval?: string };
  readonly build?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>> | readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly deploy?: { readonly resources: { readonly limits: { readonly cpus?: string; readonly memory?: string } } };
}

const compose = parse(text('compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
};
const env = Object.fromEntries(
  text('.env')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => line.split('=', 2) as [string, string]),
);
const services = Object.entries(compose.services);
const core = services.filter(([, { profiles }]) => profiles === undefined);

/** The core of the node, what people run beside other things: six services, Redis and what watches them. The registry may take 512 while it compacts. */
const CORE_MIB_MAX = 2_560;
/** Images without a shell or a client: there is nothing in them a health check could run. */
const WITHOUT_A_PROBE = new Set(['tempo', 'collector']);
/** Grafana unpacks into its own folders. */
const WRITES_ITS_ROOT = new Set(['grafana']);

const mebibytes = (limit: string | undefined): number => Number(/^(\d+)m$/.exec(limit ?? '')?.[1] ?? NaN);

describe('compose', () => {
  it.each(services)('%s: is limited, restarted and closed', (name, service) => {
    const { limits } = service.deploy?.resources ?? { limits: {} };
    expect(mebibytes(limits.memory), 'memory').toBeGreaterThan(0);
    expect(Number(limits.cpus), 'cpus').toBeGreaterThan(0);
    expect(service.restart).toBe('unless-stopped');
    if (!WRITES_ITS_ROOT.has(name)) expect(service.read_only, 'read_only').toBe(true);
  });

  it.each(services)('%s: its image is pinned', (_name, { image }) => {
    const named = /^\$\{(\w+)\}$/.exec(image)?.[1];
    expect(named === undefined ? image : env[named]).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+/);
  });

  it.each(services.filter(([name]) => !WITHOUT_A_PROBE.has(name)))(
    '%s: says whether it is well, soon',
    (name, service) => {
      const image = text('infra/Dockerfile');
      // Our own images carry theirs.
      if (service.build !== undefined) expect(image).toMatch(/HEALTHCHECK .*--start-interval/);
      else expect(service.healthcheck?.start_interval, name).toBeDefined();
    },
  );

  it.each(services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port] as const)))(
    '%s: the port %s of this machine can be changed',
    (_name, port) => {
      expect(port).toMatch(/^((127\.0\.0\.1|\$\{GATEWAY_MESH_HOST:-127\.0\.0\.1\}):)?\$\{[A-Z\d_]+:-\d+\}:\d+$/);
    },
  );

  it('gives the core two GiB and a quarter in all', () => {
    const sum = core.reduce((total, [, { deploy }]) => total + mebibytes(deploy?.resources.limits.memory), 0);
    expect(sum).toBeLessThanOrEqual(CORE_MIB_MAX);
  });

  it.each([
    ['gateway', 'gateway-2'],
    ['gateway-2', 'gateway'],
  ])('%s takes part in a mesh only when it is told to, with a key of its own', (name, other) => {
    const { environment = {}, volumes = [], ports = [] } = compose.services[name] ?? { image: '' };
    expect(environment).toMatchObject({
      MESH: '${MESH:-false}',
      MESH_PEERS: `\${MESH_PEERS:-${other}:4001}`,
      MESH_TRUST: '${MESH_TRUST:+/etc/macronode/mesh-trust.txt}',
    });
    expect(environment['MESH_ENFORCE']).toMatch(/MESH_ENFORCE:-false\}+$/);
    expect(volumes).toContain(`${name}-data:/data`);
    expect(ports.filter((port) => port.endsWith(':4001'))).toHaveLength(1);
    expect(text('infra/Dockerfile')).toMatch(/^FROM stateful AS gateway\nEXPOSE 8080 9080 4001$/m);
  });

  it.each(SERVICES)('%s waits for a healthy Redis and has time to drain', (name) => {
    const { depends_on, stop_grace_period, cap_drop } = compose.services[name] ?? { image: '' };
    expect(depends_on).toMatchObject({ redis: { condition: 'service_healthy' } });
    expect(Number.parseInt(stop_grace_period ?? '', 10)).toBeGreaterThan(10);
    expect(cap_drop).toEqual(['ALL']);
  });

  it('mounts only what is there', () => {
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes.filter((one) => one.startsWith('./'))) {
        const [path = ''] = volume.replace('${SLO_WINDOW:-28d}', '28d').split(':');
        expect(existsSync(join(ROOT, path)), `${name}: ${path}`).toBe(true);
      }
    }
    expect(existsSync(join(ROOT, 'infra/prometheus/24h/prometheus.yml'))).toBe(true);
  });
});

describe('the images', () => {
  it('start services with the heap they have everywhere else', () => {
    const entrypoints = text('infra/Dockerfile').matchAll(/^ENTRYPOINT (\["node", "--.*\])$/gm);
    const flags = [...entrypoints].map(([, entrypoint = '[]']) => (JSON.parse(entrypoint) as string[]).slice(1));
    expect(flags).toEqual([HEAP_FLAGS, REGISTRY_HEAP_FLAGS]);
  });
});

describe('Grafana', () => {
  interface DataSource {
    readonly uid: string;
    readonly jsonData?: {
      readonly timeInterval?: string;
      readonly exemplarTraceIdDestinations?: readonly { readonly name: string; readonly datasourceUid: string }[];
      readonly tracesToMetrics?: { readonly datasourceUid: string };
    };
  }
  const { datasources } = parse(text('grafana/provisioning/datasources/datasources.yaml')) as {
    readonly datasources: readonly DataSource[];
  };
  const prometheus = datasources.find(({ uid }) => uid === 'prometheus');
  const uids = new Set(datasources.map(({ uid }) => uid));

  it('asks as often as Prometheus scrapes', () => {
    const { global } = parse(text('infra/prometheus/28d/prometheus.yml')) as { global: { scrape_interval: string } };
    expect(prometheus?.jsonData?.timeInterval).toBe(global.scrape_interval);
  });

  it('leads from an exemplar to a trace and from a trace to metrics that are there', () => {
    expect(prometheus?.jsonData?.exemplarTraceIdDestinations).toEqual([{ name: 'trace_id', datasourceUid: 'tempo' }]);
    for (const { jsonData } of datasources) {
      const target = jsonData?.tracesToMetrics?.datasourceUid;
      if (target !== undefined) expect(uids).toContain(target);
    }
  });

  it('finds its dashboards where compose puts them, and opens the overview', () => {
    const { providers } = parse(text('grafana/provisioning/dashboards/dashboards.yaml')) as {
      providers: readonly { options: { path: string } }[];
    };
    const { volumes = [], environment = {} } = compose.services['grafana'] ?? {};
    const mounts = volumes.map((volume) => volume.split(':').slice(0, 2));
    for (const { options } of providers) expect(mounts).toContainEqual(['./grafana/dashboards', options.path]);
    const home = environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '';
    expect(existsSync(join(ROOT, home.replace('/var/lib/grafana/dashboards', 'grafana/dashboards')))).toBe(true);
  });
});
