import type { Unit } from '../panels/panel.ts';

/** A number as people read it, and the unit behind it. */
export interface Written {
  readonly number: string;
  readonly unit: string;
}

const NOTHING: Written = { number: '–', unit: '' };

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Three significant digits, grouped; whole numbers stay whole. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  const fixed = Number.isInteger(value) ? value : Number(value.toFixed(decimals));
  return fixed.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

function scaled(value: number, base: number, units: readonly string[]): Written {
  let left = value;
  let at = 0;
  while (Math.abs(left) >= base && at < units.length - 1) {
    left /= base;
    at += 1;
  }
  return { number: digits(left), unit: units[at] ?? '' };
}

function duration(seconds: number): Written {
  const size = Math.abs(seconds);
  if (size === 0) return { number: '0', unit: 'ms' };
  if (size < 1e-3) return { number: digits(seconds * 1e6), unit: 'µs' };
  if (size < 1) return { number: digits(seconds * 1e3), unit: 'ms' };
  if (size < 2 * MINUTE) return { number: digits(seconds), unit: 's' };
  if (size < 2 * HOUR) return { number: digits(Math.floor(seconds / MINUTE)), unit: 'min' };
  if (size < 2 * DAY) return { number: digits(Math.floor(seconds / HOUR)), unit: 'h' };
  return { number: digits(Math.floor(seconds / DAY)), unit: 'd' };
}

/** Never rounded up: 100 % means all of them. */
const share = (value: number): Written => ({
  number: String(Math.floor(Number((value * 100_000).toFixed(6))) / 1_000),
  unit: '%',
});

/** Writes a number in its unit, scaled so that few digits are needed. */
export function write(value: number | undefined, unit: Unit): Written {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  switch (unit) {
    case 'count':
      return value < 100_000 ? { number: digits(value), unit: '' } : scaled(value, 1_000, ['', 'k', 'M', 'G']);
    case 'per_second':
      return { ...scaled(value, 100_000, ['/s']), unit: '/s' };
    case 'bytes':
      return scaled(value, 1_024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
    case 'bytes_per_second':
      return scaled(value, 1_024, ['B/s', 'KiB/s', 'MiB/s', 'GiB/s']);
    case 'seconds':
      return duration(value);
    case 'share':
      return share(value);
    case 'cores':
      return { number: digits(value), unit: 'cores' };
  }
}

/** The same as one piece of text. */
export function writeText(value: number | undefined, unit: Unit): string {
  const written = write(value, unit);
  return written.unit === '' ? written.number : `${written.number} ${written.unit}`;
}

/** Time of day, of Unix time in ms. */
export const writeClock = (at: number): string => new Date(at).toLocaleTimeString('en-GB');
