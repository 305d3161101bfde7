const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** Seconds of `90s`, `5m`, `24h` or `1h30m`. Throws on anything else, and on 0. */
export function parseSeconds(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(s|m|h)/g)];
  const seconds = parts.reduce((sum, [, value, unit]) => sum + Number(value) * (UNIT_S[unit ?? ''] ?? 0), 0);
  if (parts.map(([all]) => all).join('') !== text || !(seconds > 0)) {
    throw new Error(`'${text}' is no duration: write 90s, 5m, 24h or 1h30m`);
  }
  return seconds;
}
