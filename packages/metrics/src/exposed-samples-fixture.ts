/** The samples of an exposition, keyed by the whole series text. */
export function samplesOf(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n').filter((l) => l !== '' && !l.startsWith('#'))) {
    const space = line.lastIndexOf(' ');
    found.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return found;
}
