/** How the summary of an alert says its value. */
export type ValueFormat = 'percentage' | 'duration' | 'bytes' | 'number' | 'count';

/** The function of Prometheus templates that does it. */
export const TEMPLATE_OF: Readonly<Record<ValueFormat, string>> = {
  percentage: '{{ $value | humanizePercentage }}',
  duration: '{{ $value | humanizeDuration }}',
  bytes: '{{ $value | humanize1024 }}B',
  number: '{{ $value | printf "%.4g" }}',
  count: '{{ $value | humanize }}',
};

/** A number as C's `%.4g` prints one that needs no exponent. */
const short = (value: number): string => String(Number(value.toPrecision(4)));

const BINARY = ['', 'ki', 'Mi', 'Gi', 'Ti'] as const;
const DECIMAL = ['', 'k', 'M', 'G', 'T'] as const;

function prefixed(value: number, step: number, prefixes: readonly string[]): string {
  let scaled = value;
  let prefix = 0;
  while (scaled >= step && prefix < prefixes.length - 1) {
    scaled /= step;
    prefix += 1;
  }
  return `${short(scaled)}${prefixes[prefix] ?? ''}`;
}

function duration(seconds: number): string {
  if (seconds < 1) return `${short(seconds * 1_000)}ms`;
  const whole = Math.floor(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  return minutes > 0 ? `${minutes}m ${rest}s` : `${short(seconds)}s`;
}

/** The same text as Prometheus makes of it, for the unit tests. */
export function humanized(format: ValueFormat, value: number): string {
  switch (format) {
    case 'percentage':
      return `${short(value * 100)}%`;
    case 'duration':
      return duration(value);
    case 'bytes':
      return `${prefixed(value, 1_024, BINARY)}B`;
    case 'number':
      return short(value);
    case 'count':
      return prefixed(value, 1_000, DECIMAL);
  }
}
