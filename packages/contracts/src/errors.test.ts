import { describe, expect, it } from 'vitest';
import { ERRORS, ERROR_CODES, ServiceError, isErrorCode } from './errors.ts';

describe('the error table', () => {
  it.each(ERROR_CODES)('%s is lower snake case, has an error status and a meaning', (code) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(ERRORS[code].status).toBeGreaterThanOrEqual(400);
    expect(ERRORS[code].status).toBeLessThan(600);
    expect(ERRORS[code].meaning).toMatch(/\.$/);
  });

  it('calls every 429 and 503 retryable, and no other 4xx but the one that time mends', () => {
    for (const code of ERROR_CODES) {
      const { status, retryable } = ERRORS[code];
      if (status === 429 || status === 503) expect(retryable, code).toBe(true);
      else if (status < 500) expect(retryable, code).toBe(code === 'not_in_checkpoint');
    }
    expect(ERRORS.internal.retryable).toBe(false);
  });

  it('is frozen, and knows its own codes only', () => {
    expect(Object.isFrozen(ERRORS)).toBe(true);
    expect(Object.values(ERRORS).every((row) => Object.isFrozen(row))).toBe(true);
    expect(isErrorCode('not_found')).toBe(true);
    for (const other of ['', 'E_SCHEMA', 'toString', '__proto__', 'constructor'])
      expect(isErrorCode(other)).toBe(false);
  });
});

describe('ServiceError', () => {
  it('takes status, retryable and the default message from the table', () => {
    const error = new ServiceError('busy');
    expect(error).toMatchObject({ code: 'busy', status: 503, retryable: true, message: ERRORS.busy.meaning });
    expect(error.retryAfterMs).toBeUndefined();
    expect('cause' in error).toBe(false);
  });

  it('keeps what it is given', () => {
    const cause = new Error('disk');
    const error = new ServiceError('no_space', 'full', { retryAfterMs: 500, reason: 'disk', details: [1], cause });
    expect(error).toMatchObject({ message: 'full', retryAfterMs: 500, reason: 'disk', details: [1] });
    expect(error.cause).toBe(cause);
  });
});
