/** One entry as Redis returned it. `frames` is what its writer declared. */
export interface StreamEntry {
  readonly id: string;
  readonly entry: Buffer;
  readonly frames: number;
  /** The only group it is meant for; empty: every group of the stream. */
  readonly group: string;
}

/** One hint as Redis returned it. */
export interface HintEntry {
  readonly id: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly entry: Buffer;
}

const NOTHING = Buffer.alloc(0);

export const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const asText = (value: unknown): string =>
  Buffer.isBuffer(value) ? value.toString('utf8') : String(value ?? '');
export const asNumber = (value: unknown): number => {
  const number = typeof value === 'number' ? value : Number(asText(value));
  return Number.isFinite(number) ? number : 0;
};
export const asBytes = (value: unknown): Buffer => (Buffer.isBuffer(value) ? value : NOTHING);

/** Entries by stream of an XREAD or XREADGROUP reply (RESP2 shape); null after a block that ran out. */
export function streamsOf(reply: unknown): [key: string, entries: readonly unknown[]][] {
  return asArray(reply).map((pair) => {
    const [key, entries] = asArray(pair);
    return [asText(key), asArray(entries)];
  });
}

/** A foreign entry without our field reads as empty bytes: the codec finds it malformed, and it becomes a dead letter. */
export function streamEntry(item: unknown): StreamEntry {
  const [id, fields] = asArray(item);
  const values = fieldsOf(fields);
  return {
    id: asText(id),
    entry: asBytes(values.f),
    frames: Math.max(1, asNumber(values.n ?? 1)),
    group: asText(values.g),
  };
}

export function hintEntry(item: unknown): HintEntry {
  const [id, fields] = asArray(item);
  const values = fieldsOf(fields);
  return {
    id: asText(id),
    epoch: asText(values.e),
    sequence: asNumber(values.s),
    entry: asBytes(values.f),
  };
}

/** Milliseconds part of an entry id. */
export const idMs = (id: string): number => Number(id.slice(0, id.indexOf('-')));

/** The id right behind `id`. */
export function idAfter(id: string): string {
  const dash = id.indexOf('-');
  return `${id.slice(0, dash)}-${BigInt(id.slice(dash + 1)) + 1n}`;
}

interface Fields {
  f?: unknown;
  n?: unknown;
  s?: unknown;
  e?: unknown;
  g?: unknown;
}

function fieldsOf(fields: unknown): Fields {
  const list = asArray(fields);
  const values: Fields = {};
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i];
    if (!Buffer.isBuffer(name) || name.length !== 1) continue;
    if (name[0] === 0x66) values.f = list[i + 1];
    else if (name[0] === 0x6e) values.n = list[i + 1];
    else if (name[0] === 0x73) values.s = list[i + 1];
    else if (name[0] === 0x65) values.e = list[i + 1];
    else if (name[0] === 0x67) values.g = list[i + 1];
  }
  return values;
}
