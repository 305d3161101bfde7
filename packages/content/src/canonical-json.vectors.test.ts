import { expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { officialVectors } from './official-vectors.ts';

it.each(['arrays', 'french', 'structures', 'unicode', 'values', 'weird'])('writes the RFC 8785 sample %s', (name) => {
  const input: unknown = JSON.parse(officialVectors(`rfc8785/input/${name}.json`));
  expect(canonicalJson(input)).toBe(officialVectors(`rfc8785/output/${name}.json`).trimEnd());
});
