/** A line that has the shape of a record. Nothing of it can be believed before its seal is checked. */
export interface RecordLine {
  /** The bytes that were sealed, but for the brace that ends them. */
  readonly event: Buffer;
  readonly prevHash: string;
  readonly hmac: string;
  readonly seq: number;
  readonly kind: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

const PREV = ',"prev_hash":"';
const HMAC = '","hmac":"';
const END = '"}';
const DIGITS = 64;
const SEAL_CHARS = PREV.length + DIGITS + HMAC.length + DIGITS + END.length;
const SEAL = /^,"prev_hash":"([0-9a-f]{64})","hmac":"([0-9a-f]{64})"\}$/;
const WHOLE_AND_MORE = /,"prev_hash":"[0-9a-f]{64}","hmac":"[0-9a-f]{64}"\}./s;

/** The record a line is; undefined for a line that is none. */
export function recordOf(line: Buffer): RecordLine | undefined {
  const cut = line.length - SEAL_CHARS;
  const [, prevHash, hmac] = cut > 0 ? (SEAL.exec(line.toString('latin1', cut)) ?? []) : [];
  if (prevHash === undefined || hmac === undefined) return undefined;
  const event = line.subarray(0, cut);
  const { seq, kind, detail } = parsed(`${event.toString('utf8')}}`);
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0 || typeof kind !== 'string') return undefined;
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return undefined;
  return { event, prevHash, hmac, seq, kind, detail: detail as Readonly<Record<string, unknown>> };
}

/** Whether a line holds a whole record and bytes after it: what no interrupted write leaves. */
export const isMoreThanRecord = (line: Buffer): boolean => WHOLE_AND_MORE.test(line.toString('latin1'));

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
