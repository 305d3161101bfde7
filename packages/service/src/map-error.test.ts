import {
  BusCanceled,
  BusClosed,
  BusDeadline,
  BusNoResponders,
  BusOutcomeUnknown,
  BusOverflow,
  BusPayloadTooLarge,
  BusUnavailable,
  OVERFLOW_GATES,
  RemoteError,
} from '@macronode/bus';
import { ERROR_CODES, ErrorEnvelope, ERRORS, ServiceError } from '@macronode/contracts';
import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { errorAnswer } from './envelope.ts';
import { mapError, REJECT_REASONS } from './map-error.ts';

describe('every code of the table', () => {
  it.each(ERROR_CODES)('%s crosses the bus and comes back as itself', (code) => {
    const thrown = new ServiceError(code, 'a message', { retryAfterMs: 2_500, reason: 'why', details: { n: 1 } });
    const remote = new RemoteError({
      code: thrown.code,
      message: thrown.message,
      retryable: thrown.retryable,
      retryAfterMs: thrown.retryAfterMs,
      reason: thrown.reason,
      details: thrown.details,
    });
    const mapped = mapError(remote);
    expect(mapped).toMatchObject({
      code,
      status: ERRORS[code].status,
      retryAfterMs: 2_500,
      reason: 'why',
      details: { n: 1 },
    });
    expect(mapped.cause).toBe(remote);
    expect(mapError(thrown)).toBe(thrown);
  });

  it.each(ERROR_CODES)('%s is answered with its status and an envelope that fits', (code) => {
    const { status, headers, body } = errorAnswer(new ServiceError(code), 'corr');
    expect(status).toBe(ERRORS[code].status);
    expect(ErrorEnvelope.parse(body)).toEqual(body);
    expect(body.error).toMatchObject({ code, retryable: ERRORS[code].retryable, corr_id: 'corr' });
    if (status === 429 || status === 503) expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    else expect(headers['retry-after']).toBeUndefined();
  });

  it.each(ERROR_CODES)('%s can be counted', (code) => {
    expect(REJECT_REASONS).toContain(code);
  });
});

describe('Retry-After', () => {
  it.each([
    [1, '1', 1],
    [999.2, '1', 1_000],
    [1_001, '2', 1_001],
    [60_000, '60', 60_000],
    [0, '1', 1],
    [-5, '1', 1],
  ])('for %d ms is %s whole seconds', (retryAfterMs, seconds, ms) => {
    const { headers, body } = errorAnswer(new ServiceError('busy', undefined, { retryAfterMs }), 'c');
    expect(headers['retry-after']).toBe(seconds);
    expect(body.error.retry_after_ms).toBe(ms);
  });

  it('is not sent with what a repeat cannot mend', () => {
    const { headers, body } = errorAnswer(new ServiceError('schema', undefined, { retryAfterMs: 5_000 }), 'c');
    expect(headers['retry-after']).toBeUndefined();
    expect(body.error.retry_after_ms).toBeUndefined();
  });
});

describe('errors of the bus', () => {
  it.each([
    [new BusOverflow('client', 400), 'busy'],
    [new BusDeadline(), 'deadline'],
    [new BusUnavailable('connect ECONNREFUSED 10.0.0.3:6379'), 'unavailable'],
    [new BusNoResponders(), 'no_responders'],
    [new BusPayloadTooLarge('1.2 MiB'), 'too_large'],
    [new BusOutcomeUnknown(), 'outcome_unknown'],
    [new BusClosed(), 'unavailable'],
    [new BusCanceled(), 'unavailable'],
    [new DOMException('the deadline of the handler passed', 'TimeoutError'), 'deadline'],
  ] as const)('%s is %s', (error, code) => {
    const mapped = mapError(error);
    expect(mapped.code).toBe(code);
    expect(mapped.message).toBe(ERRORS[code].meaning);
    expect(JSON.stringify(errorAnswer(mapped, 'c').body)).not.toContain('10.0.0.3');
  });

  it('ask for a wait where one helps, and never for a message that is too large', () => {
    const answer = (error: unknown) => errorAnswer(mapError(error), 'c');
    expect(answer(new BusDeadline()).body.error.retry_after_ms).toBe(250);
    expect(answer(new BusOutcomeUnknown()).headers['retry-after']).toBe('1');
    const tooLarge = answer(new BusPayloadTooLarge());
    expect(tooLarge.status).toBe(413);
    expect(tooLarge.headers['retry-after']).toBeUndefined();
    expect(tooLarge.body.error).not.toHaveProperty('retry_after_ms');
  });

  it('name the bound that was full, each countable', () => {
    for (const gate of OVERFLOW_GATES) {
      const { reason } = mapError(new BusOverflow(gate, 400));
      expect(REJECT_REASONS).toContain(reason);
    }
    expect(mapError(new BusOverflow('stream', 400)).retryAfterMs).toBe(400);
  });
});

describe('what nobody foresaw', () => {
  it.each([
    new Error('password=hunter2'),
    'a string',
    undefined,
    null,
    Object.assign(new Error('sqlite'), { code: 'SQLITE_FULL' }),
    new RemoteError({ code: 'made_up', message: 'secret', retryable: false }),
    new HttpException('teapot internals', 500),
  ])('is internal, told neutrally, with its cause kept: %s', (thrown) => {
    const mapped = mapError(thrown);
    expect(mapped.code).toBe('internal');
    expect(mapped.cause).toBe(thrown);
    const { body } = errorAnswer(
      new ServiceError('internal', 'leak', { details: 'leak', reason: 'leak', cause: thrown }),
      'c',
    );
    expect(JSON.stringify(body)).not.toMatch(/leak|hunter2|internals/);
  });
});

describe('errors of the framework', () => {
  it.each([
    [new NotFoundException(), 'not_found'],
    [new BadRequestException('x'), 'bad_request'],
    [new HttpException('x', 413), 'too_large'],
    [new HttpException('x', 415), 'unsupported_media_type'],
    [new HttpException('x', 431), 'header_too_large'],
    [new HttpException('x', 418), 'bad_request'],
    [Object.assign(new Error('x'), { code: 'FST_ERR_BAD_URL', statusCode: 400 }), 'bad_request'],
    [Object.assign(new Error('x'), { code: 'busy', retryable: true, retryAfterMs: 700, reason: 'lock' }), 'busy'],
  ])('%s is %s', (thrown, code) => {
    expect(mapError(thrown).code).toBe(code);
  });
});
