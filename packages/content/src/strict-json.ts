/** Why a text is refused. `number`: a literal no double can hold (`1e999`), which JSON.parse turns into Infinity. */
export type StrictJsonReason = 'syntax' | 'duplicate_key' | 'depth' | 'encoding' | 'number';

/** Thrown by {@link parseStrictJson}. Messages never quote the input. */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError';
  readonly reason: StrictJsonReason;

  constructor(reason: StrictJsonReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface StrictJsonLimits {
  /** Deepest nesting of objects and arrays; default 32. A scalar has depth 0. */
  readonly maxDepth?: number;
}

export const STRICT_JSON_MAX_DEPTH = 32;

/**
 * JSON as RFC 8259 and I-JSON (RFC 7493) mean it, for input that will be signed, hashed or compared: what JSON.parse
 * lets pass in silence is refused. Duplicate keys (also when spelled with different escapes), invalid UTF-8, a byte
 * order mark, lone surrogates, numbers that overflow, and nesting over the limit throw {@link StrictJsonError}.
 *
 * `__proto__` is an ordinary own key of the result, as with JSON.parse: it never reaches a prototype.
 */
export function parseStrictJson(input: string | Uint8Array, limits: StrictJsonLimits = {}): unknown {
  const text = typeof input === 'string' ? wellFormed(input) : decode(input);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StrictJsonError('syntax', 'not JSON', { cause });
  }
  // JSON.parse has vouched for the grammar, so the scan below only looks for what it lets pass.
  scan(text, limits.maxDepth ?? STRICT_JSON_MAX_DEPTH);
  return value;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new StrictJsonError('encoding', 'not UTF-8', { cause });
  }
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new StrictJsonError('encoding', 'lone surrogate');
  return text;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;

/** Walks valid JSON once, in linear time. An array on the way pushes `undefined`: it has no keys. */
function scan(text: string, maxDepth: number): void {
  const open: (Set<string> | undefined)[] = [];
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfText(text, at);
      const raw = text.slice(at, end);
      const content = raw.includes('\\') ? unescape(raw) : raw.slice(1, -1);
      at = skipSpace(text, end);
      if (text.charCodeAt(at) === COLON) noteKey(open.at(-1), content);
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      open.push(code === OPEN_OBJECT ? new Set() : undefined);
      if (open.length > maxDepth) throw new StrictJsonError('depth', `nesting is over ${maxDepth}`);
      at += 1;
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      open.pop();
      at += 1;
    } else if (code === MINUS || isDigit(code)) {
      at = checkNumber(text, at);
    } else {
      at += 1;
    }
  }
}

function noteKey(keys: Set<string> | undefined, key: string): void {
  if (keys === undefined) return;
  if (keys.has(key)) throw new StrictJsonError('duplicate_key', 'an object has the same key twice');
  keys.add(key);
}

/** Index after the closing quote of the text literal that opens at `start`. */
function endOfText(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, quote: number): boolean {
  let at = quote - 1;
  while (text.charCodeAt(at) === BACKSLASH) at -= 1;
  return (quote - at) % 2 === 0;
}

function unescape(raw: string): string {
  return wellFormed(JSON.parse(raw) as string);
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** `+ - . E e` and digits: all a number may contain after its first character. */
const isNumberPart = (code: number): boolean =>
  isDigit(code) || code === 0x2b || code === MINUS || code === 0x2e || code === 0x45 || code === 0x65;

function checkNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && isNumberPart(text.charCodeAt(end))) end += 1;
  if (!Number.isFinite(Number(text.slice(start, end)))) {
    throw new StrictJsonError('number', 'a number is too large for a double');
  }
  return end;
}
