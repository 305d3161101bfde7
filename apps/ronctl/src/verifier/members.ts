import { VerificationFailed } from './verification-failed.ts';

const INSTANT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z$/;

/** The members of a JSON object, each read as what it must be. What is missing or of another type fails the check `shape`. */
export class Members {
  readonly #what: string;
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(what: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new VerificationFailed('shape', `${what} is not an object`);
    }
    this.#what = what;
    this.#members = value as Record<string, unknown>;
  }

  static parse(what: string, text: string): Members {
    try {
      return new Members(what, JSON.parse(text));
    } catch (error) {
      if (error instanceof SyntaxError) throw new VerificationFailed('shape', `${what} is not JSON`);
      throw error;
    }
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined;
  }

  value(name: string): unknown {
    return this.#members[name];
  }

  text(name: string): string {
    const value = this.#members[name];
    return typeof value === 'string' ? value : this.#refuse(name, 'a text');
  }

  textOrNull(name: string): string | null {
    return this.#members[name] === null ? null : this.text(name);
  }

  count(name: string): number {
    const value = this.#members[name];
    return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : this.#refuse(name, 'a whole number');
  }

  list(name: string): readonly unknown[] {
    const value = this.#members[name];
    return Array.isArray(value) ? value : this.#refuse(name, 'a list');
  }

  /** Milliseconds of an instant such as 2026-01-01T00:00:00Z: RFC 3339 in UTC, and no other spelling. */
  instant(name: string): number {
    const text = this.text(name);
    const value = INSTANT.test(text) ? Date.parse(text) : NaN;
    // Date.parse takes February 30 for March 2.
    const exists = !Number.isNaN(value) && new Date(value).toISOString().slice(0, 19) === text.slice(0, 19);
    return exists ? value : this.#refuse(name, 'an instant');
  }

  /** Fails when there is any other member: it would be signed and say nothing. */
  only(names: ReadonlySet<string>): void {
    const other = Object.keys(this.#members).find((name) => !names.has(name));
    if (other !== undefined) throw new VerificationFailed('shape', `${this.#what} has a member nobody knows: ${other}`);
  }

  #refuse(name: string, kind: string): never {
    throw new VerificationFailed('shape', `${name} of ${this.#what} is not ${kind}`);
  }
}
