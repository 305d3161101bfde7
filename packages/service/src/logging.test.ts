import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger, NestLogger } from './logging.ts';
import { RequestContext } from './request-context.ts';

function setup(level: 'debug' | 'info' = 'info') {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { lines, log: createLogger(level, { service: 'gateway', node_id: 'n' }, stream) };
}

describe('the log', () => {
  it('is one JSON object a line, with level, time and service', () => {
    const { lines, log } = setup();
    log.info({ n: 1 }, 'hello');
    log.debug('unseen');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      service: 'gateway',
      node_id: 'n',
      n: 1,
      message: 'hello',
    });
  });

  it('never holds secrets or payloads', () => {
    const { lines, log } = setup();
    log.info({
      authorization: 'hunter2',
      headers: { cookie: 'hunter2' },
      req: { headers: { authorization: 'hunter2' } },
    });
    log.info({ payload_b64: 'hunter2', message_in: { payload: 'hunter2' }, config: { redisUrl: 'hunter2' } });
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).toContain('[redacted]');
  });

  it('carries the ids of a request on every line of it', () => {
    const { lines, log } = setup();
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const ctx = new RequestContext('01ARZ3NDEKTSV4RRFFQ69G5FAV', `00-${trace}-00f067aa0ba902b7-01`, log);
    ctx.log.warn('first');
    ctx.log.warn('second');
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ corr_id: ctx.corrId, trace_id: trace });
    expect(lines).toHaveLength(2);
  });

  it('takes what NestJS says: chatter as debug, the rest as it is', () => {
    const { lines, log } = setup();
    const nest = new NestLogger(log);
    nest.log('mapped a route', 'Router');
    nest.warn('careful', 'Router');
    nest.error(new Error('broken'), 'Router');
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['warn', 'error']);
  });
});
