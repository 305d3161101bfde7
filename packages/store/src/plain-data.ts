/** Nesting of a command's input or result; deeper data is a defect, not a document. */
const DEPTH_MAX = 32;

export interface PlainData {
  readonly value: unknown;
  /** Approximate size: bytes of strings and byte arrays, 8 for every other scalar. */
  readonly bytes: number;
}

/**
 * Checks that a value is plain data, measures it, and cuts byte arrays loose from larger buffers: a clone copies the
 * whole buffer below a view, and a small Buffer is a view on a pool.
 *
 * Plain data: null, undefined, booleans, numbers, bigints, strings, Uint8Array, arrays and plain objects of these.
 * @throws TypeError for anything else, so that both drivers refuse the same inputs.
 */
export function plainData(value: unknown, depth = 0): PlainData {
  switch (typeof value) {
    case 'string':
      return { value, bytes: value.length };
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'undefined':
      return { value, bytes: 8 };
    case 'object':
      if (value === null) return { value, bytes: 8 };
      if (depth >= DEPTH_MAX) throw new TypeError(`a command's data is nested deeper than ${DEPTH_MAX}`);
      if (value instanceof Uint8Array) return { value: ownBytes(value), bytes: value.byteLength };
      if (Array.isArray(value)) return plainArray(value, depth);
      return plainObject(value, depth);
    default:
      throw new TypeError(`a command's data holds a ${typeof value}`);
  }
}

const ownBytes = (view: Uint8Array): Uint8Array =>
  view.byteLength === view.buffer.byteLength ? view : new Uint8Array(view);

function plainArray(value: readonly unknown[], depth: number): PlainData {
  let bytes = 8;
  const copy = value.map((item) => {
    const plain = plainData(item, depth + 1);
    bytes += plain.bytes;
    return plain.value;
  });
  return { value: copy, bytes };
}

function plainObject(value: object, depth: number): PlainData {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new TypeError(`a command's data holds an instance of ${value.constructor.name}`);
  }
  let bytes = 8;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    const plain = plainData(item, depth + 1);
    bytes += key.length + plain.bytes;
    return [key, plain.value];
  });
  return { value: Object.fromEntries(entries), bytes };
}
