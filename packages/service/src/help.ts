import { type ConfigDeclaration, ConfigError, describeConfig, type Env } from './config.ts';

/** What `--help` prints: every variable with default, unit, range and meaning. */
export function helpText(title: string, declarations: readonly ConfigDeclaration<object>[]): string {
  const lines = [title, '', 'Settings are environment variables; --name value sets NAME for this run.'];
  for (const declaration of declarations) {
    lines.push('', `${declaration.owner}:`);
    for (const row of describeConfig(declaration)) {
      const fallback = row.required ? 'required' : row.default === '' ? 'not set' : `default ${row.default}`;
      const unit = row.unit === '' ? '' : ` ${row.unit}`;
      lines.push(`  ${row.env.padEnd(30)} ${fallback}${row.default === '' ? '' : unit}; ${row.accepts}${unit}`);
      lines.push(`  ${''.padEnd(30)} ${row.help}${row.reason === '' ? '' : ` ${row.reason}`}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Short forms of flags people type often. */
const ALIASES: Readonly<Record<string, string>> = { data: 'DATA_DIR' };

export interface CommandLine {
  readonly help: boolean;
  readonly version: boolean;
  /** The environment with the flags laid over it. */
  readonly env: Env;
}

/**
 * Lays `--name value` and `--name=value` over the environment as NAME. A boolean may stand alone.
 * Throws ConfigError for a flag no declaration knows.
 */
export function readCommandLine(
  args: readonly string[],
  env: Env,
  declarations: readonly ConfigDeclaration<object>[],
): CommandLine {
  const knobs = new Map(declarations.flatMap((d) => Object.values(d.knobs)).map((entry) => [entry.env, entry]));
  const overlay: Record<string, string> = {};
  const problems: string[] = [];
  let help = false;
  let version = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--help' || arg === '-h') help = true;
    else if (arg === '--version') version = true;
    else {
      const [, name, inline] = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(arg) ?? [];
      const variable = name === undefined ? '' : (ALIASES[name] ?? name.toUpperCase().replaceAll('-', '_'));
      const entry = knobs.get(variable);
      if (entry === undefined) problems.push(`${arg} is not an option; --help lists them`);
      else if (inline !== undefined) overlay[variable] = inline;
      else if (entry.type === 'bool' && (args[i + 1] ?? '--').startsWith('--')) overlay[variable] = 'true';
      else if (args[i + 1] === undefined) problems.push(`${arg} needs a value. Example: ${arg} ${entry.example}`);
      else overlay[variable] = args[++i] ?? '';
    }
  }
  if (problems.length > 0 && !help) throw new ConfigError(problems);
  return { help, version, env: { ...env, ...overlay } };
}
