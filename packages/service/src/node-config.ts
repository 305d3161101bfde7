import { commonConfig, type CommonConfig, type LinkKind, type Profile } from './common-config.ts';
import { type ConfigDeclaration, ConfigError, type Env } from './config.ts';
import type { AnyServiceDefinition } from './definition.ts';

export interface NodePlan {
  /** What the process is called in logs and probes. */
  readonly name: string;
  readonly services: readonly AnyServiceDefinition[];
  readonly profile: Profile;
}

/** The settings of a process: the common ones, then those of each of its services. */
export interface NodeConfig {
  readonly common: CommonConfig;
  readonly services: ReadonlyMap<string, object>;
}

const defaultLink = (profile: Profile): LinkKind => (profile === 'micronode' ? 'in-process' : 'redis');

/** Every declaration a process of these services reads. */
export function nodeDeclarations(plan: NodePlan): {
  readonly common: ConfigDeclaration<CommonConfig>;
  readonly services: readonly ConfigDeclaration<object>[];
} {
  const opsPort = plan.services[0]?.opsPort ?? 9_080;
  return {
    common: commonConfig({ opsPort, busLink: defaultLink(plan.profile) }),
    services: plan.services.map((service) => service.config),
  };
}

/** Reads all settings at once. Throws one ConfigError with the problems of every declaration. */
export function readNodeConfig(plan: NodePlan, env: Env): NodeConfig {
  const declarations = nodeDeclarations(plan);
  const common = declarations.common.read(env);
  const own = declarations.services.map((declaration) => declaration.read(env));
  const problems = [common, ...own].flatMap((result) => result.problems);
  if (problems.length > 0 || common.values === undefined) throw new ConfigError(problems);
  const services = new Map(plan.services.map(({ name }, i) => [name as string, own[i]?.values ?? {}]));
  return { common: common.values, services };
}
