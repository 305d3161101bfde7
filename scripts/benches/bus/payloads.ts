const KIB = 1_024;

/** What is sent, and echoed: text in an object, as JSON APIs send it, or bytes. */
export const PAYLOADS = Object.freeze({
  '256': { bytes: 256, binary: false },
  '4096': { bytes: 4 * KIB, binary: false },
  '65536': { bytes: 64 * KIB, binary: false },
  '65536_binary': { bytes: 64 * KIB, binary: true },
} as const);
export type PayloadName = keyof typeof PAYLOADS;

export const PAYLOAD_NAMES = Object.keys(PAYLOADS) as readonly PayloadName[];

const PRINTABLE_FIRST = 32;
const PRINTABLE_COUNT = 95;

/** Printable ASCII, or any bytes; the same in every process, so that the echo can be checked. */
export function makePayload(name: PayloadName): unknown {
  const { bytes, binary } = PAYLOADS[name];
  const body = Buffer.alloc(bytes);
  for (let at = 0, state = 1; at < bytes; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    body[at] = binary ? state >>> 24 : PRINTABLE_FIRST + ((state >>> 16) % PRINTABLE_COUNT);
  }
  return binary ? body : { text: body.toString('latin1') };
}

/** Length of what came back, however the contestant delivers it: bytes, the JSON form of a Buffer, or text in an object. */
export function lengthOf(reply: unknown): number {
  if (reply instanceof Uint8Array) return reply.length;
  if (typeof reply !== 'object' || reply === null) return -1;
  if ('text' in reply && typeof reply.text === 'string') return reply.text.length;
  return 'data' in reply && Array.isArray(reply.data) ? reply.data.length : -1;
}

/** True when a reply is the payload, byte for byte. */
export function isEcho(payload: unknown, reply: unknown): boolean {
  if (payload instanceof Uint8Array) {
    const bytes = reply instanceof Uint8Array ? reply : (reply as { readonly data?: readonly number[] } | null)?.data;
    return bytes !== undefined && Buffer.from(bytes).equals(payload);
  }
  return JSON.stringify(reply) === JSON.stringify(payload);
}
