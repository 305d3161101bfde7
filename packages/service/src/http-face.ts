import { LIMITS, ROUTES } from '@macronode/contracts';
import type { DestinationStream } from 'pino';
import { openAccessLog } from './access-log.ts';
import type { CloseStack } from './close-stack.ts';
import type { CommonConfig } from './common-config.ts';
import type { HttpListen } from './definition.ts';
import type { Hosted } from './hosted.ts';
import { HttpServer } from './http-server.ts';
import { RouteTable } from './route-table.ts';
import { bindHttpGolden } from './service-metrics.ts';

const STDOUT = 1;

/** The one public surface of a process. */
export interface HttpFace {
  readonly server: HttpServer;
  readonly listen: HttpListen;
}

interface FaceOptions {
  readonly hosted: readonly Hosted[];
  readonly common: CommonConfig;
  readonly closing: CloseStack;
  /** Where lines of the access log go; stdout by default. */
  readonly logStream: DestinationStream | undefined;
}

/** Makes the public surface, when a service has one. */
export function createFace({ hosted: all, common, closing, logStream }: FaceOptions): HttpFace | undefined {
  const faces = all.flatMap((hosted) => {
    const listen = hosted.definition.http?.(hosted.deps.config);
    return listen === undefined ? [] : [{ hosted, listen }];
  });
  const [face] = faces;
  if (face === undefined) return undefined;
  if (faces.length > 1) throw new Error('one process has one public surface; these services each have one');
  const { definition, deps, reporter, tracing } = face.hosted;
  const { accessLog: wanted, logLevel, nodeId } = common;
  const accessLog = openAccessLog({
    bindings: { node_id: nodeId, service: deps.service },
    metrics: deps.metrics,
    wanted: wanted && (logLevel === 'info' || logLevel === 'debug'),
    to: logStream ?? STDOUT,
  });
  closing.add('access log', () => accessLog.close());
  const routes = new RouteTable(definition.routes?.(deps.config) ?? Object.values(ROUTES));
  const server = new HttpServer({
    reporter,
    routes,
    metrics: deps.metrics,
    golden: bindHttpGolden(deps.metrics, routes.templates, definition.rejectReasons),
    maxConnections: face.listen.maxConnections ?? LIMITS.http_connections.value,
    spans: tracing?.http,
    accessLog: accessLog.log,
  });
  return { server, listen: face.listen };
}

/** Port of a listening server, as part of a URL a client on this machine can use. */
function urlOf(address: unknown, host: string): string {
  const port = typeof address === 'object' && address !== null && 'port' in address ? Number(address.port) : 0;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** Takes the port; answers where it is. */
export async function listenFace({ server, listen }: HttpFace): Promise<string> {
  const { host, port, reusePort } = listen;
  await server.instance.ready();
  await server.instance.listen({ host, port, ...(reusePort === true && { reusePort: true }) });
  return urlOf(server.instance.server.address(), host);
}
