import type { AnyServiceDefinition, ServiceDeps } from './definition.ts';
import type { ErrorReporter } from './error-filter.ts';
import type { Tracing } from './tracing/tracing.ts';

/** One service of a running node, before and after its module is made. */
export interface Hosted {
  readonly definition: AnyServiceDefinition;
  readonly deps: ServiceDeps<object>;
  readonly reporter: ErrorReporter;
  readonly tracing: Tracing | undefined;
}
