// Which processes a macronode on one machine has, and what each is told: a pure function of the flags.
import { join } from 'node:path';
import { SERVICES, type ServiceName } from '@macronode/contracts';

/** Services that may run any number of times; the others own data on this node and run once. */
const REPLICATED: ReadonlySet<ServiceName> = new Set<ServiceName>(['gateway', 'omnigate', 'registry']);
/** Replicas are 100 ports apart, but for the public one of the gateways, which they share. */
const REPLICAS_MAX = 16;
const PORTS_PER_REPLICA = 100;
export const OPS_PORT_BASE = 9080;
export const REGISTRY_PORT = 8085;
export const MESH_PORT = 4001;

export interface PlanOptions {
  readonly replicas: Readonly<Partial<Record<ServiceName, number>>>;
  readonly opsPortBase: number;
  readonly httpPort: number;
  /** Port of the registry itself; without it the system picks a free one. Replicas of the registry need it. */
  readonly registryPort?: number;
  readonly redisUrl: string;
  readonly dataDir: string;
  readonly nodeId: string;
  /** Whether the gateways answer POST /echo. */
  readonly echo?: boolean;
  /** Where the gateways take part in a mesh: the port of the first one, and peers they have beside one another (MESH_PEERS). */
  readonly mesh?: { readonly port: number; readonly peers: string } | undefined;
}

export interface PlannedProcess {
  readonly service: ServiceName;
  readonly index: number;
  readonly opsUrl: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Reads `gateway=2,omnigate=2`. Throws with what is wrong. */
export function parseReplicas(text: string): Partial<Record<ServiceName, number>> {
  const replicas: Partial<Record<ServiceName, number>> = {};
  for (const part of text.split(',').filter(Boolean)) {
    const [name = '', count = ''] = part.split('=');
    const service = SERVICES.find((known) => known === name.trim());
    if (service === undefined)
      throw new Error(`--replicas: there is no service '${name}'; there are ${SERVICES.join(', ')}`);
    const number = Number(count);
    if (!Number.isInteger(number) || number < 1 || number > REPLICAS_MAX) {
      throw new Error(`--replicas: ${service} needs a number from 1 to ${REPLICAS_MAX}, not '${count}'`);
    }
    if (number > 1 && !REPLICATED.has(service)) {
      throw new Error(
        `--replicas: ${service} owns the data of this node and runs once; only ${[...REPLICATED].join(', ')} take more`,
      );
    }
    replicas[service] = number;
  }
  return replicas;
}

/** Offsets from the ops base that a plan with these replicas uses. */
export function opsPortOffsets(replicas: PlanOptions['replicas']): readonly number[] {
  return SERVICES.flatMap((service, at) =>
    Array.from({ length: replicas[service] ?? 1 }, (_, index) => at + PORTS_PER_REPLICA * index),
  );
}

/** Ports of the registries of a plan with these replicas. */
export const registryPorts = ({ registry = 1 }: PlanOptions['replicas'], first: number): readonly number[] =>
  Array.from({ length: registry }, (_, index) => first + PORTS_PER_REPLICA * index);

/** Ports the gateways of a plan with these replicas have in a mesh. */
export const meshPorts = ({ gateway = 1 }: PlanOptions['replicas'], first: number): readonly number[] =>
  Array.from({ length: gateway }, (_, index) => first + PORTS_PER_REPLICA * index);

/** The first registry writes; the others follow it, each with a log of its own on disk. */
function registryEnv({ registryPort = 0, dataDir }: PlanOptions, index: number): Readonly<Record<string, string>> {
  const port = registryPort === 0 ? 0 : registryPort + PORTS_PER_REPLICA * index;
  const own = { REGISTRY_HTTP_HOST: '127.0.0.1', REGISTRY_PORT: String(port) };
  if (index === 0) return own;
  if (registryPort === 0) throw new Error('replicas of the registry need a port of the one they follow');
  return {
    ...own,
    REGISTRY_FOLLOW: `http://127.0.0.1:${registryPort}`,
    DATA_DIR: join(dataDir, `replica-${index}`),
  };
}

/** A gateway of several has a folder of its own, for the key of its mesh; on this machine they find one another. */
function gatewayEnv(
  { replicas, httpPort, dataDir, echo, mesh }: PlanOptions,
  index: number,
): Readonly<Record<string, string>> {
  return {
    HTTP_HOST: '127.0.0.1',
    PORT: String(httpPort),
    HTTP_REUSE_PORT: 'true',
    ...(echo === true ? { GATEWAY_ECHO: 'true' } : {}),
    ...(index > 0 ? { DATA_DIR: join(dataDir, `replica-${index}`) } : {}),
    ...(mesh === undefined ? {} : meshEnv(mesh, meshPorts(replicas, mesh.port), index)),
  };
}

function meshEnv(
  { peers }: NonNullable<PlanOptions['mesh']>,
  ports: readonly number[],
  index: number,
): Readonly<Record<string, string>> {
  const others = ports.filter((_, at) => at !== index).map((port) => `127.0.0.1:${port}`);
  return { MESH_PORT: String(ports[index]), MESH_PEERS: [peers, ...others].filter((some) => some !== '').join(',') };
}

/** Owners of data first, the public face last: the order of starting. Stopping goes the other way. */
export function planProcesses(options: PlanOptions): readonly PlannedProcess[] {
  const plan = SERVICES.flatMap((service, at) =>
    Array.from({ length: options.replicas[service] ?? 1 }, (_, index) => {
      const opsPort = options.opsPortBase + at + PORTS_PER_REPLICA * index;
      return {
        service,
        index,
        opsUrl: `http://127.0.0.1:${opsPort}`,
        env: {
          BUS_LINK: 'redis',
          REDIS_URL: options.redisUrl,
          DATA_DIR: options.dataDir,
          NODE_ID: options.nodeId,
          OPS_PORT: String(opsPort),
          ...(service === 'gateway' ? gatewayEnv(options, index) : {}),
          ...(service === 'registry' ? registryEnv(options, index) : {}),
        },
      };
    }),
  );
  // One list for all: a process that finds itself in it shows itself once.
  const peers = plan.map(({ service, opsUrl }) => `${service}=${opsUrl}`).join(',');
  return plan.map((planned) => ({ ...planned, env: { ...planned.env, OPS_PEERS: peers } })).reverse();
}
