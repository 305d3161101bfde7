import { isIPv4, isIPv6 } from 'node:net';

/** The longest text of an IPv6 address, one with an IPv4 tail: longer text is not looked at. */
const TEXT_MAX = 45;
/** Bytes of an address in an envelope. */
export const ADDRESS_BYTES = 16;

/**
 * The one spelling of an IP address: IPv4 dotted, also when it comes as IPv4-mapped IPv6; other IPv6 as RFC 5952 has it.
 * Undefined for anything else: a port, brackets, a name, leading zeros, or a zone (`%eth0`), as an address of one link
 * means nothing to another node.
 */
export function canonicalAddress(text: string): string | undefined {
  if (text.length > TEXT_MAX) return undefined;
  if (isIPv4(text)) return text;
  const words = ipv6Words(text);
  return words === undefined ? undefined : textOf(words);
}

/** The 16 bytes of a canonical address, IPv4 as IPv4-mapped IPv6; undefined when `text` is not in its canonical form. */
export function addressBytes(text: string): Uint8Array | undefined {
  if (canonicalAddress(text) !== text) return undefined;
  const words = isIPv4(text) ? [0, 0, 0, 0, 0, 0xffff, ...ipv4Words(text)] : ipv6Words(text);
  return words && Uint8Array.from(words.flatMap((word) => [word >>> 8, word & 0xff]));
}

/** The canonical text of 16 bytes: every 16 bytes are an address. */
export function addressText(bytes: Uint8Array): string {
  const words: number[] = [];
  for (let i = 0; i < ADDRESS_BYTES; i += 2) words.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  return textOf(words);
}

function ipv4Words(text: string): readonly number[] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}

function ipv6Words(text: string): readonly number[] | undefined {
  if (text.includes('%') || !isIPv6(text)) return undefined;
  const [head = '', tail] = text.split('::');
  const front = wordsOf(head);
  if (tail === undefined) return front;
  const back = wordsOf(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

const wordsOf = (part: string): readonly number[] =>
  part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? ipv4Words(group) : parseInt(group, 16)));

function textOf(words: readonly number[]): string {
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    const [high = 0, low = 0] = words.slice(6);
    return `${high >>> 8}.${high & 0xff}.${low >>> 8}.${low & 0xff}`;
  }
  const { start, length } = longestZeros(words);
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  return length < 2 ? hex(words) : `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}

/** The first of the longest runs of zero groups: what `::` stands for. */
function longestZeros(words: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0, run = 0; i < words.length; i += 1) {
    run = words[i] === 0 ? run + 1 : 0;
    if (run > best.length) best = { start: i - run + 1, length: run };
  }
  return best;
}
