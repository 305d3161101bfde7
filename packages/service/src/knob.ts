/** What every knob says about itself: the same text feeds `--help`, start-up errors and `docs/config.md`. */
export interface KnobOptions {
  /** Name of the environment variable. */
  readonly env: string;
  readonly help: string;
  /** Why the default, or the bound, is what it is. */
  readonly reason?: string;
  /** Never printed: not in `--help`, not in errors, not in logs. */
  readonly secret?: boolean;
  /** Another value than the default is refused with NODE_ENV=production; says why, or what to do instead. */
  readonly fixedInProduction?: string;
  /** Must be set; there is no sensible default. */
  readonly required?: boolean;
}

export type KnobType = 'int' | 'bool' | 'string' | 'choice' | 'path' | 'url';

/** One setting: how to read it from its variable and how to show it. */
export interface Knob<T> {
  readonly type: KnobType;
  readonly env: string;
  readonly help: string;
  readonly reason: string | undefined;
  readonly secret: boolean;
  readonly required: boolean;
  readonly fixedInProduction: string | undefined;
  readonly unit: string | undefined;
  readonly default: T | undefined;
  /** The range or the choices, in words. */
  readonly accepts: string;
  readonly example: string;
  /** Throws KnobProblem when the text is not a value of this knob. */
  read(text: string): T;
  /** The value of `config_value{key}`. */
  gauge(value: unknown): number;
}

/** What is wrong with one value, without the name of its variable. */
export class KnobProblem extends Error {
  override readonly name = 'KnobProblem';
}

type Value<O, T> = O extends { readonly default: T } | { readonly required: true } ? T : T | undefined;
type WithDefault<T> = KnobOptions & { readonly default?: T };

export interface IntOptions extends WithDefault<number> {
  readonly unit: string;
  readonly min: number;
  readonly max: number;
}
export interface ChoiceOptions<C extends string> extends WithDefault<C> {
  readonly choices: readonly C[];
}
export interface StringOptions extends WithDefault<string> {
  /** What the value must look like, and in words. */
  readonly pattern?: RegExp;
  readonly accepts?: string;
  readonly example?: string;
}
export interface UrlOptions extends WithDefault<string> {
  /** Allowed schemes, without the colon. */
  readonly schemes: readonly string[];
  readonly example: string;
  /** Examines an address that is no plain URL (several hosts): what is wrong with it, in words that follow its name. */
  readonly check?: (text: string) => string | undefined;
}

const isSet = (value: unknown): number => (value === undefined || value === '' ? 0 : 1);

function base(options: KnobOptions) {
  const { env, help, reason, secret = false, required = false, fixedInProduction } = options;
  return { env, help, reason, secret, required, fixedInProduction, unit: undefined };
}

function int<const O extends IntOptions>(options: O): Knob<Value<O, number>> {
  const { min, max, unit } = options;
  return Object.freeze({
    ...base(options),
    type: 'int' as const,
    unit,
    // The default's type is part of O; reading it back through the interface loses that.
    default: options.default,
    accepts: `${min} to ${max}`,
    example: String(options.default ?? min),
    read(text: string) {
      const value = Number(text);
      if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value))
        throw new KnobProblem(`must be a whole number (${unit})`);
      if (value < min || value > max) throw new KnobProblem(`must be from ${min} to ${max} (${unit})`);
      return value;
    },
    gauge: (value: unknown) => (typeof value === 'number' ? value : NaN),
  });
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  1: true,
  yes: true,
  false: false,
  off: false,
  0: false,
  no: false,
};

function bool<const O extends WithDefault<boolean>>(options: O): Knob<Value<O, boolean>> {
  return Object.freeze({
    ...base(options),
    type: 'bool' as const,
    default: options.default,
    accepts: 'true or false',
    example: 'true',
    read(text: string) {
      const value = BOOLEANS[text.toLowerCase()];
      if (value === undefined) throw new KnobProblem('must be true or false');
      return value;
    },
    gauge: (value: unknown) => (value === true ? 1 : 0),
  });
}

function choice<const C extends string, const O extends ChoiceOptions<C>>(
  options: O & { readonly choices: readonly C[] },
): Knob<Value<O, C>> {
  const { choices } = options;
  return Object.freeze({
    ...base(options),
    type: 'choice' as const,
    default: options.default,
    accepts: choices.join(', '),
    example: options.default ?? choices[0] ?? '',
    read(text: string) {
      const value = choices.find((c) => c === text);
      if (value === undefined) throw new KnobProblem(`must be one of: ${choices.join(', ')}`);
      return value;
    },
    gauge: (value: unknown) => choices.findIndex((c) => c === value),
  });
}

function string<const O extends StringOptions>(options: O): Knob<Value<O, string>> {
  const accepts = options.accepts ?? 'text';
  return Object.freeze({
    ...base(options),
    type: 'string' as const,
    default: options.default,
    accepts,
    example: options.example ?? options.default ?? 'text',
    read(text: string) {
      if (options.pattern?.test(text) === false) throw new KnobProblem(`must be ${accepts}`);
      return text;
    },
    gauge: isSet,
  });
}

function path<const O extends WithDefault<string> & { readonly example: string }>(options: O): Knob<Value<O, string>> {
  return Object.freeze({
    ...base(options),
    type: 'path' as const,
    default: options.default,
    accepts: 'a path',
    example: options.example,
    read(text: string) {
      if (text.includes('\0')) throw new KnobProblem('must be a path');
      return text;
    },
    gauge: isSet,
  });
}

function url<const O extends UrlOptions>(options: O): Knob<Value<O, string>> {
  const { schemes } = options;
  return Object.freeze({
    ...base(options),
    type: 'url' as const,
    default: options.default,
    accepts: `a ${schemes.join(': or ')}: URL`,
    example: options.example,
    read(text: string) {
      const known = schemes.some((scheme) => text.startsWith(`${scheme}:`));
      if (!known || (options.check === undefined && !URL.canParse(text))) {
        throw new KnobProblem(`must be a URL starting with ${schemes.join(':// or ')}://`);
      }
      const fault = options.check?.(text);
      if (fault !== undefined) throw new KnobProblem(fault);
      return text;
    },
    gauge: isSet,
  });
}

/** The kinds of settings. Without a default and not required, the value may be undefined. */
export const knob = Object.freeze({ int, bool, choice, string, path, url });
