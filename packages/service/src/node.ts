import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus, BusServer, type Link } from '@macronode/bus';
import { addConsole, parsePeers } from '@macronode/console';
import { ServiceError, type ServiceName } from '@macronode/contracts';
import { type BuildInfo, MetricsRegistry, registerProcessMetrics } from '@macronode/metrics';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { DestinationStream } from 'pino';
import { AdminGuard } from './admin-guard.ts';
import { AdminRoutes } from './admin-routes.ts';
import { readBuildInfo } from './build-info.ts';
import { addBusAdmin } from './bus-admin.ts';
import { addTasks } from './tasks.ts';
import { createLink, linkAddress } from './bus-link.ts';
import { CloseStack, within } from './close-stack.ts';
import type { Profile } from './common-config.ts';
import type { Env } from './config.ts';
import type { AnyServiceDefinition, ServiceDeps } from './definition.ts';
import { HttpErrorFilter } from './error-filter.ts';
import type { Hosted } from './hosted.ts';
import { createFace, type HttpFace, listenFace } from './http-face.ts';
import { createLogger, type Logger, NestLogger } from './logging.ts';
import { type NodeConfig, nodeDeclarations, type NodePlan, readNodeConfig } from './node-config.ts';
import { OpsServer } from './ops-server.ts';
import { nodeReadiness, type NodeReadiness, ReadinessRegistry } from './readiness.ts';
import { openTracing } from './tracing/open-tracing.ts';
import { traceFields } from './trace-id.ts';
import { bindRefusals, bindServiceState } from './service-metrics.ts';

/** How long a start waits for the bus before the rest goes on without it. Below the 2 s a cold start may take. */
const BUS_WAIT_MS = 1_500;
/** Kept back of the drain for what closes after HTTP. */
const CLOSE_RESERVE_MS = 1_000;

export interface NodeOptions {
  readonly services: readonly AnyServiceDefinition[];
  readonly profile: Profile;
  readonly env: Env;
  /** Name of the process; by default that of its only service, else the profile. */
  readonly name?: string;
  /** A medium shared with others, closed by whoever made it. By default the one the settings ask for. */
  readonly link?: Link;
  /** Where log lines go; stdout by default. */
  readonly logStream?: DestinationStream;
  /** Told when the node cannot go on (a medium it cannot use). */
  readonly onFatal?: (error: unknown) => void;
}

/** A process's worth of services, started. The same for one service, for a micronode, and for a module's test. */
export class RunningNode implements AsyncDisposable {
  readonly name: string;
  readonly link: Link;
  readonly metrics: MetricsRegistry;
  readonly app: INestApplication;
  readonly opsUrl: string;
  /** Where the public surface listens; undefined when no service has one. */
  readonly httpUrl: string | undefined;
  readonly log: Logger;
  readonly #hosted: readonly Hosted[];
  readonly #drain: () => Promise<readonly string[]>;
  #closing: Promise<readonly string[]> | undefined;

  constructor(fields: {
    readonly assembly: NodeAssembly;
    readonly app: INestApplication;
    readonly httpUrl: string | undefined;
    readonly drain: () => Promise<readonly string[]>;
  }) {
    const { assembly } = fields;
    this.name = assembly.plan.name;
    this.link = assembly.link;
    this.metrics = assembly.metrics;
    this.app = fields.app;
    this.opsUrl = assembly.ops.url;
    this.httpUrl = fields.httpUrl;
    this.log = assembly.log;
    this.#hosted = assembly.hosted;
    this.#drain = fields.drain;
  }

  /** The bus of one of its services. Throws for a service that does not run here. */
  bus(service: ServiceName): Bus {
    return this.deps(service).bus;
  }

  /** What one of its services was given. Throws for a service that does not run here. */
  deps(service: ServiceName): ServiceDeps<object> {
    const found = this.#hosted.find(({ definition }) => definition.name === service);
    if (found === undefined) throw new Error(`${service} does not run in ${this.name}`);
    return found.deps;
  }

  readiness(): NodeReadiness {
    return nodeReadiness(
      this.name,
      this.#hosted.map(({ deps }) => deps.readiness),
    );
  }

  /** Drains and closes. Answers the names of what did not close in time. Every call gets the same answer. */
  close(): Promise<readonly string[]> {
    return (this.#closing ??= this.#drain());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What a start has put together so far. Whatever happens, `closing` undoes it. */
class NodeAssembly {
  readonly plan: NodePlan;
  readonly config: NodeConfig;
  readonly log: Logger;
  readonly build: BuildInfo;
  readonly metrics = new MetricsRegistry();
  readonly closing: CloseStack;
  readonly link: Link;
  readonly ops: OpsServer;
  readonly admin: AdminRoutes;
  readonly hosted: Hosted[] = [];
  readonly #options: NodeOptions;
  readonly #base: Logger;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { services, profile } = options;
    const name = options.name ?? (services.length === 1 ? services[0]?.name : undefined) ?? profile;
    this.plan = { name, services, profile };
    this.config = readNodeConfig(this.plan, options.env);
    const { common } = this.config;
    // Siblings, not parent and child: a key bound twice would be written twice.
    this.#base = createLogger(common.logLevel, { node_id: common.nodeId }, options.logStream);
    this.log = this.#base.child({ service: name });
    this.closing = new CloseStack(this.log);
    this.build = readBuildInfo(common.gitSha);
    this.link = options.link ?? createLink(common, name, this.metrics.scope({ service: name }), this.log);
    const version = {
      service: name,
      version: this.build.version,
      git_sha: this.build.gitSha,
      node: this.build.node,
      profile,
      amnesia: common.dataDir === undefined,
    };
    this.ops = new OpsServer({ metrics: this.metrics, readiness: () => this.readiness(), version });
    addConsole(this.ops.routes, {
      node: name,
      self: async () => ({ readiness: this.readiness(), version, metrics: await this.metrics.render() }),
      peers: parsePeers(common.opsPeers),
    });
    const guard = new AdminGuard(common.adminToken);
    addTasks(this.ops.routes, { guard, metrics: this.metrics });
    addBusAdmin(this.ops.routes, {
      link: this.link,
      guard,
      services: services.map((service) => service.name),
      log: this.log,
    });
    const declared = services.flatMap(({ admin = [] }) => admin);
    this.admin = new AdminRoutes(this.ops.routes, guard, declared);
  }

  readiness(): NodeReadiness {
    if (this.hosted.length < this.plan.services.length) {
      return { service: this.plan.name, ready: false, write_ready: false, missing: ['starting'], retry_after: 1 };
    }
    return nodeReadiness(
      this.plan.name,
      this.hosted.map(({ deps }) => deps.readiness),
    );
  }

  /** Metrics and the ops port first: a node that cannot start is seen while it tries. */
  async openOps(): Promise<void> {
    const { opsHost, opsPort } = this.config.common;
    await this.ops.listen(opsHost, opsPort);
    this.closing.add('ops port', () => this.ops.close());
    const processMetrics = registerProcessMetrics(this.metrics.scope({ service: this.plan.name }));
    this.closing.add('process metrics', () => processMetrics.close());
    if (this.#options.link === undefined) this.closing.add('bus link', () => this.link.close());
  }

  /** Gives every service its values; its module is made by the caller, in the order of `services`. */
  async host(definition: AnyServiceDefinition): Promise<Hosted> {
    const { name } = definition;
    const { common, services } = this.config;
    const metrics = this.metrics.scope({ service: name });
    const readiness = new ReadinessRegistry(name);
    const log = this.#base.child({ service: name });
    const count = bindRefusals(metrics, common.restarts, definition.rejectReasons);
    const tracing = await openTracing({
      service: name,
      nodeId: common.nodeId,
      version: this.build.version,
      metrics,
      endpoint: common.tracing ? common.otlpEndpoint : undefined,
      ratio: Number(common.traceRatio),
    });
    if (tracing !== undefined) this.closing.add(`${name} tracing`, () => tracing.close());
    const bus = new Bus({
      service: name,
      hooks: tracing?.busHooks,
      link: this.link,
      metrics,
      // Handlers of controllers never come here: the exception filter has made domain errors of theirs.
      onHandlerError: (err, { corrId, subject, traceparent }) => {
        count(new ServiceError('internal'));
        log.error({ corr_id: corrId, ...traceFields(traceparent), subject, err }, 'handler failed');
      },
    });
    const config = services.get(name) ?? {};
    const dataDir = common.dataDir === undefined ? undefined : join(common.dataDir, name);
    if (dataDir !== undefined) await mkdir(dataDir, { recursive: true, mode: 0o700 });
    this.closing.add(`${name} bus`, () => bus.close());
    this.closing.add(`${name} readiness`, () => readiness.close());
    readiness.check('bus', () => bus.status() === 'ready', { gates: 'ready' });
    bindServiceState(metrics, {
      readiness,
      build: this.build,
      configs: [
        { declaration: nodeDeclarations(this.plan).common, values: common },
        { declaration: definition.config, values: config },
      ],
    });
    const hosted: Hosted = {
      definition,
      reporter: { log, count },
      tracing,
      deps: {
        service: name,
        config,
        bus,
        metrics,
        readiness,
        log,
        profile: this.plan.profile,
        toggles: common,
        dataDir,
        nodeId: common.nodeId,
        version: this.build.version,
        spans: tracing?.background,
        onAdmin: (route, handler) => this.admin.answer(route, handler),
        onClose: (what, close) => this.closing.add(`${name} ${what}`, close),
      },
    };
    this.hosted.push(hosted);
    return hosted;
  }
}

class NodeModule {}

async function createApp(
  assembly: NodeAssembly,
  modules: DynamicModule[],
  http: HttpFace | undefined,
): Promise<INestApplication> {
  const app = await NestFactory.create(
    { module: NodeModule, imports: modules },
    http?.server.adapter ?? new FastifyAdapter({ logger: false }),
    { bodyParser: false, abortOnError: false, logger: new NestLogger(assembly.log) },
  );
  const reporters = new Map(assembly.hosted.map(({ definition, reporter }) => [definition.name as string, reporter]));
  app.useGlobalFilters(new HttpErrorFilter(http?.server.errors, reporters));
  for (const { deps } of assembly.hosted) {
    app.connectMicroservice({ strategy: new BusServer({ bus: deps.bus }) }, { inheritAppConfig: true });
  }
  return app;
}

/** Brings up the bus. With its medium away this takes as long as the medium does; the services are unready until then. */
async function startBus(assembly: NodeAssembly, app: INestApplication): Promise<void> {
  // First and once: each bus would start a link that is not, and several share this one.
  if (assembly.link.status() === 'connecting') await assembly.link.start();
  await app.startAllMicroservices();
  await Promise.all(assembly.hosted.map(({ deps }) => deps.bus.start()));
}

async function waitForBus(
  assembly: NodeAssembly,
  app: INestApplication,
  onFatal: (error: unknown) => void,
): Promise<void> {
  let stopped = false;
  assembly.closing.add('bus start', () => {
    stopped = true;
  });
  const started = startBus(assembly, app);
  if (await within(BUS_WAIT_MS, () => started)) return;
  const medium = linkAddress(assembly.config.common);
  assembly.log.warn({ medium }, 'the bus is not reached yet: unready, and trying on');
  started.then(
    () => assembly.log.info({ medium }, 'the bus is reached'),
    (error: unknown) => {
      if (!stopped) onFatal(error);
    },
  );
}

/** The drain: unready, a pause for balancers, no new connections, answers finished, everything closed in reverse. */
async function drain(assembly: NodeAssembly, http: HttpFace | undefined): Promise<readonly string[]> {
  const { drainTimeoutMs, drainGraceMs } = assembly.config.common;
  const deadlineAt = performance.now() + drainGraceMs + drainTimeoutMs;
  for (const { deps } of assembly.hosted) deps.readiness.setDraining();
  http?.server.setDraining();
  assembly.log.info({ drain_timeout_ms: drainTimeoutMs }, 'draining');
  if (drainGraceMs > 0) await new Promise((resolve) => setTimeout(resolve, drainGraceMs));
  const failed = await assembly.closing.close(deadlineAt);
  assembly.log.info({ not_closed: failed }, 'closed');
  return failed;
}

/** Registers how to stop what takes requests; closed before anything those requests need. */
function closeIntake(assembly: NodeAssembly, app: INestApplication, http: HttpFace | undefined): void {
  const { drainTimeoutMs } = assembly.config.common;
  const share = Math.max(drainTimeoutMs / 2, drainTimeoutMs - CLOSE_RESERVE_MS);
  assembly.closing.add('application', () => app.close());
  assembly.closing.add('bus intake', () => Promise.all(assembly.hosted.map(({ deps }) => deps.bus.drain(share))));
  if (http === undefined) return;
  assembly.closing.add('http', async () => {
    if (!(await http.server.stop(share))) assembly.log.warn('requests over the drain time were cut');
  });
}

async function assemble(assembly: NodeAssembly, options: NodeOptions): Promise<RunningNode> {
  await assembly.openOps();
  const modules: DynamicModule[] = [];
  for (const definition of options.services) {
    const { deps } = await assembly.host(definition);
    modules.push(await definition.module.register(deps));
  }
  const http = createFace({
    hosted: assembly.hosted,
    common: assembly.config.common,
    closing: assembly.closing,
    logStream: options.logStream,
  });
  const app = await createApp(assembly, modules, http);
  closeIntake(assembly, app, http);
  await app.init();
  await waitForBus(assembly, app, options.onFatal ?? (() => undefined));
  const httpUrl = http === undefined ? undefined : await listenFace(http);
  for (const { deps } of assembly.hosted) deps.readiness.setServing();
  return new RunningNode({ assembly, app, httpUrl, drain: () => drain(assembly, http) });
}

/**
 * Starts services in this process: config, metrics, ops port, modules, bus, HTTP, ready. Throws ConfigError for wrong
 * settings and whatever else failed; by then everything that was open is closed again.
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const assembly = new NodeAssembly(options);
  try {
    const node = await assemble(assembly, options);
    const { common } = assembly.config;
    node.log.info(
      {
        http: node.httpUrl,
        ops: node.opsUrl,
        profile: options.profile,
        bus: linkAddress(common),
        data: common.dataDir ?? 'memory only',
        version: assembly.build.version,
        git_sha: assembly.build.gitSha,
      },
      `${node.name} listens on ${[node.httpUrl, node.opsUrl].filter(Boolean).join(' and ')}`,
    );
    return node;
  } catch (error) {
    await assembly.closing.close(performance.now() + CLOSE_RESERVE_MS);
    throw error;
  }
}
