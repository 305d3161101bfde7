import { type Knob, KnobProblem, type KnobType } from './knob.ts';

export type Env = Readonly<Record<string, string | undefined>>;
type Knobs = Readonly<Record<string, Knob<unknown>>>;
type ValuesOf<K extends Knobs> = { readonly [N in keyof K]: K[N] extends Knob<infer T> ? T : never };

/** The settings of one service, or those every service has. */
export interface ConfigDeclaration<C extends object> {
  /** Whose settings: the prefix of its variables follows from it. */
  readonly owner: string;
  /** Variables that start so belong to this declaration; an unknown one is a typing error. */
  readonly prefix: string | undefined;
  readonly knobs: Knobs;
  /** Reads the environment once. Collects every problem; `values` is undefined when there is one. */
  read(env: Env): { readonly values: C | undefined; readonly problems: readonly string[] };
}

export type ConfigOf<D> = D extends ConfigDeclaration<infer C> ? C : never;

export interface ConfigRules<K extends Knobs> {
  /** Groups of knobs that only make sense together: all set, or none. */
  readonly together?: readonly (readonly (keyof K & string)[])[];
  /** Conditions over several values; each answer is one problem, naming variables. */
  readonly check?: (values: ValuesOf<K>) => readonly string[];
  /** Replaces the prefix derived from the owner. */
  readonly prefix?: string | undefined;
}

/** A start-up error: everything that is wrong with the settings, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `${problems.length === 1 ? 'one setting is' : `${problems.length} settings are`} wrong:\n  ${problems.join('\n  ')}`,
    );
    this.problems = problems;
  }
}

/** Values of secrets are never shown, not even the wrong ones. */
const shown = (entry: Knob<unknown>, text: string): string => (entry.secret ? 'what is set' : JSON.stringify(text));

function readKnob(entry: Knob<unknown>, env: Env, problems: string[]): unknown {
  const text = env[entry.env]?.trim();
  // An empty variable is an unset one: compose files pass `${VAR:-}` through.
  if (text === undefined || text === '') {
    if (entry.required) problems.push(`${entry.env} is not set: ${entry.help} Example: ${entry.env}=${entry.example}`);
    return entry.default;
  }
  try {
    const value = entry.read(text);
    if (entry.fixedInProduction !== undefined && env['NODE_ENV'] === 'production' && value !== entry.default) {
      problems.push(
        `${entry.env}=${text} is refused with NODE_ENV=production: ${entry.fixedInProduction}. Unset ${entry.env}, or unset NODE_ENV for a measurement`,
      );
    }
    return value;
  } catch (error) {
    if (!(error instanceof KnobProblem)) throw error;
    problems.push(`${entry.env} ${error.message}; got ${shown(entry, text)}. Example: ${entry.env}=${entry.example}`);
    return undefined;
  }
}

function halves(names: readonly string[], knobs: Knobs, values: Readonly<Record<string, unknown>>): string | undefined {
  const variable = (name: string): string => knobs[name]?.env ?? name;
  const missing = names.filter((name) => values[name] === undefined);
  if (missing.length === 0 || missing.length === names.length) return undefined;
  const present = names.filter((name) => values[name] !== undefined);
  return `${present.map(variable).join(', ')} is set but ${missing.map(variable).join(', ')} is not: set both halves, or none`;
}

function unknownVariables(prefix: string | undefined, knobs: Knobs, env: Env): string[] {
  if (prefix === undefined) return [];
  const known = new Set(Object.values(knobs).map((entry) => entry.env));
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.has(name))
    .map(
      (name) => `${name} is not a setting. Those that start with ${prefix}: ${[...known].sort().join(', ') || 'none'}`,
    );
}

/**
 * Declares the settings of a service. Reading them collects every problem, names the variable and shows an example;
 * a variable with the service's prefix that no knob reads is a problem too, so that a typing error is never silent.
 */
export function defineConfig<const K extends Knobs>(
  owner: string,
  knobs: K,
  rules: ConfigRules<K> = {},
): ConfigDeclaration<ValuesOf<K>> {
  const prefix = 'prefix' in rules ? rules.prefix : `${owner.toUpperCase().replaceAll('-', '_')}_`;
  const read = (env: Env): { values: ValuesOf<K> | undefined; problems: readonly string[] } => {
    const problems: string[] = [];
    const entries = Object.entries(knobs).map(([name, entry]) => [name, readKnob(entry, env, problems)] as const);
    const values: Readonly<Record<string, unknown>> = Object.freeze(Object.fromEntries(entries));
    problems.push(...unknownVariables(prefix, knobs, env));
    if (problems.length > 0) return { values: undefined, problems };
    for (const group of rules.together ?? []) {
      const half = halves(group, knobs, values);
      if (half !== undefined) problems.push(half);
    }
    // Each value was read by its own knob; that the record as a whole has the mapped type is beyond the compiler.
    problems.push(...(rules.check?.(values as ValuesOf<K>) ?? []));
    return problems.length > 0 ? { values: undefined, problems } : { values: values as ValuesOf<K>, problems };
  };
  return Object.freeze({ owner, prefix, knobs, read });
}

/** Reads one declaration on its own. Throws ConfigError with every problem. */
export function readConfig<C extends object>(declaration: ConfigDeclaration<C>, env: Env): C {
  const { values, problems } = declaration.read(env);
  if (values === undefined) throw new ConfigError(problems);
  return values;
}

/** A row of the generated page of settings. */
export interface ConfigRow {
  readonly owner: string;
  readonly key: string;
  readonly env: string;
  readonly type: KnobType;
  readonly default: string;
  readonly unit: string;
  readonly accepts: string;
  readonly help: string;
  readonly reason: string;
  readonly secret: boolean;
  readonly required: boolean;
}

/** Every setting of a declaration, for `--help` and `docs/config.md`. */
export function describeConfig(declaration: ConfigDeclaration<object>): readonly ConfigRow[] {
  return Object.entries(declaration.knobs).map(([key, entry]) => ({
    owner: declaration.owner,
    key,
    env: entry.env,
    type: entry.type,
    default: entry.default === undefined ? '' : entry.secret ? '(secret)' : String(entry.default),
    unit: entry.unit ?? '',
    accepts: entry.accepts,
    help: entry.help,
    reason: entry.reason ?? '',
    secret: entry.secret,
    required: entry.required,
  }));
}

/** The values of a config as they may be logged: secrets are replaced. */
export function redactConfig<C extends object>(declaration: ConfigDeclaration<C>, values: C): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const secret = declaration.knobs[key]?.secret === true && value !== undefined;
      return [key, secret ? '[redacted]' : value];
    }),
  );
}

/** The values of `config_value{key}`. */
export function configGauges<C extends object>(
  declaration: ConfigDeclaration<C>,
  values: C,
): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(values).map(([key, value]) => [key, declaration.knobs[key]?.gauge(value) ?? NaN] as const),
  );
}
