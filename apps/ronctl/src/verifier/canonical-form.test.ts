import { expect, test } from 'vitest';
import { canonical } from './canonical-form.ts';
import { VerificationFailed } from './verification-failed.ts';

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

test.each([
  ['a number out of range', '[1e999]'],
  ['a lone surrogate', String.raw`{"a":"\ud800"}`],
  ['a lone surrogate in a name', String.raw`{"\ud800":1}`],
])('%s has no canonical form, and the finding says why', (_name, text) => {
  const failure = thrownBy(() => canonical(JSON.parse(text)));
  expect(failure).toBeInstanceOf(VerificationFailed);
  expect(failure).toMatchObject({ check: 'canonical', cause: { message: expect.stringMatching(/allowed/) as string } });
});

test('a fault that is not of the value is no finding', () => {
  const fault = new TypeError('not of the value');
  const value = {
    get a() {
      throw fault;
    },
  };
  expect(thrownBy(() => canonical(value))).toBe(fault);
});
