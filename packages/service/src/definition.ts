import type { Bus } from '@macronode/bus';
import type { Route, ServiceName } from '@macronode/contracts';
import type { Declaration, MetricsScope } from '@macronode/metrics';
import type { DynamicModule } from '@nestjs/common';
import type { AdminHandler, AdminRoute } from './admin-routes.ts';
import type { Profile } from './common-config.ts';
import type { Toggles } from './toggles.ts';
import type { ConfigDeclaration } from './config.ts';
import type { Logger } from './logging.ts';
import type { ReadinessRegistry } from './readiness.ts';
import type { BackgroundSpans } from './tracing/background-spans.ts';

/** Everything a service is given: values, wired once, by whoever runs the node. */
export interface ServiceDeps<C extends object> {
  readonly service: ServiceName;
  readonly config: C;
  readonly bus: Bus;
  /** Every series made here carries `service`. */
  readonly metrics: MetricsScope;
  readonly readiness: ReadinessRegistry;
  readonly log: Logger;
  readonly profile: Profile;
  /** What a measurement may switch off. */
  readonly toggles: Toggles;
  /** This service's own folder, made before the module is; undefined: keep nothing (amnesia). */
  readonly dataDir: string | undefined;
  readonly nodeId: string;
  /** Of the build. */
  readonly version: string;
  /** Spans of work no request asked for; undefined where tracing is off. */
  readonly spans: BackgroundSpans | undefined;
  /** Says how one of its admin routes answers; until then it is `unavailable`. */
  onAdmin(route: AdminRoute, handler: AdminHandler): void;
  /** Closed in reverse order, after the last request was answered. */
  onClose(name: string, close: () => Promise<void> | void): void;
}

/** One service, as `runService` and a micronode start it. Methods, so that definitions of different configs share a list. */
export interface ServiceDefinition<C extends object> {
  readonly name: ServiceName;
  readonly config: ConfigDeclaration<C>;
  readonly opsPort: number;
  /** Where its public surface listens; a service without one speaks over the bus only. */
  http?(config: C): HttpListen | undefined;
  /** The routes of that surface: labels of its metrics, and what `Allow` lists. The gateway's by default. */
  routes?(config: C): readonly Pick<Route, 'method' | 'template' | 'rest'>[];
  /** Words it puts into `reason` of its errors, beside the codes and the bounds of the bus. */
  readonly rejectReasons?: readonly string[];
  /** What it adds to the ops port, for whoever has the admin token. */
  readonly admin?: readonly AdminRoute[];
  readonly module: { register(deps: ServiceDeps<C>): DynamicModule | Promise<DynamicModule> };
  /** Its metrics, for the generated pages. */
  readonly declarations: readonly Declaration[];
}

export interface HttpListen {
  readonly host: string;
  readonly port: number;
  /** Several processes share the port; the kernel spreads connections. */
  readonly reusePort?: boolean;
  /** Open client connections; the next one is closed at once. */
  readonly maxConnections?: number;
}

export type AnyServiceDefinition = ServiceDefinition<object>;
