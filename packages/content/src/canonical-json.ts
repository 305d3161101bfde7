/** Why a value has no canonical form. */
export type CanonicalJsonReason = 'number' | 'text' | 'type' | 'depth';

/** Thrown by {@link canonicalJson}. `path` names the offending member, as `$.a[0].b`. */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError';
  readonly reason: CanonicalJsonReason;
  readonly path: string;

  constructor(reason: CanonicalJsonReason, path: string, message: string) {
    super(`${message} at ${path}`);
    this.reason = reason;
    this.path = path;
  }
}

/** Nesting above which a value is refused; it also turns a cycle into an error instead of a stack overflow. */
export const CANONICAL_MAX_DEPTH = 512;

/**
 * The JSON Canonicalization Scheme (RFC 8785): one spelling per value, so that it can be hashed and signed.
 *
 * What RFC 8785 leaves to the platform is refused, not repaired: lone surrogates, NaN and infinities, `undefined`
 * (also as a member or a hole), functions, symbols, bigints, and objects with a prototype of their own (Date, Map, …),
 * so `toJSON` is never called. Throws {@link CanonicalJsonError}.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '$', 0);
}

function write(value: unknown, path: string, depth: number): string {
  switch (typeof value) {
    case 'string':
      return writeText(value, path);
    case 'number':
      // ECMAScript's own number-to-text is what RFC 8785 (3.2.2.3) prescribes; JSON.stringify also turns -0 into 0.
      if (!Number.isFinite(value)) throw new CanonicalJsonError('number', path, `${value} has no JSON form`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth >= CANONICAL_MAX_DEPTH) {
        throw new CanonicalJsonError('depth', path.slice(0, 80), `nesting is over ${CANONICAL_MAX_DEPTH}`);
      }
      return Array.isArray(value) ? writeArray(value, path, depth) : writeObject(value, path, depth);
    default:
      throw new CanonicalJsonError('type', path, `${typeof value} has no JSON form`);
  }
}

function writeText(text: string, path: string): string {
  if (!text.isWellFormed()) throw new CanonicalJsonError('text', path, 'lone surrogate');
  return JSON.stringify(text);
}

function writeArray(items: readonly unknown[], path: string, depth: number): string {
  let out = '[';
  for (let i = 0; i < items.length; i += 1) {
    if (i > 0) out += ',';
    out += write(items[i], `${path}[${i}]`, depth + 1);
  }
  return `${out}]`;
}

function writeObject(value: object, path: string, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new CanonicalJsonError('type', path, 'not a plain object');
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw new CanonicalJsonError('type', path, 'symbol key');
  const members = value as Readonly<Record<string, unknown>>;
  let out = '{';
  // The default order of sort() is by UTF-16 code units: the order RFC 8785 (3.2.3) asks for.
  for (const key of Object.keys(members).sort()) {
    if (out.length > 1) out += ',';
    out += `${writeText(key, path)}:${write(members[key], `${path}.${key}`, depth + 1)}`;
  }
  return `${out}}`;
}
