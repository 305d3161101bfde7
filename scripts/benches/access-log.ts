import { openSync } from 'node:fs';
import { devNull } from 'node:os';
import { MetricsRegistry } from '@macronode/metrics';
import { createLogger, openAccessLog } from '@macronode/service';
import { perOperation, type Bench } from '../bench-harness.ts';

/** Requests that end in one turn of the event loop of a busy gateway. */
const PER_TURN = 20;

const BINDINGS = { node_id: 'node-a', service: 'gateway' };
const FINISHED = {
  method: 'GET',
  route: '/o/{id}',
  status: 200,
  bytes: 4_096,
  seconds: 0.001234,
  corrId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  trace: undefined,
};

const inTurns = (line: () => void) => async (count: number) => {
  for (let i = 0; i < count; i += 1) {
    line();
    if (i % PER_TURN === 0) await new Promise(setImmediate);
  }
};

/** What a line of the access log takes of the thread that answers requests, beside the same line as any other of the log. */
export const accessLog: Bench = {
  summary: 'the access log: time a line takes of the thread that answers requests',
  prepare: () => {
    const metrics = new MetricsRegistry().scope({ service: 'gateway' });
    const opened = openAccessLog({ bindings: BINDINGS, metrics, wanted: true, to: openSync(devNull, 'a') });
    const ordinary = createLogger('info', BINDINGS, { write: () => undefined });
    const { method, route, status, bytes, corrId } = FINISHED;
    const measured = { unit: 'ns/op', measure: perOperation };
    return Promise.resolve({
      cases: [
        { name: 'no line', ...measured, work: inTurns(() => undefined) },
        { name: 'a line', ...measured, work: inTurns(() => opened.log?.finished(FINISHED)) },
        {
          name: 'an ordinary line, not even written',
          ...measured,
          work: inTurns(() =>
            ordinary.info({ method, route, status, bytes, duration_ms: 1.2, corr_id: corrId }, 'request'),
          ),
        },
      ],
      ratios: [{ name: 'an ordinary line over a line', of: 'an ordinary line, not even written', to: 'a line' }],
      dispose: () => opened.close(),
    });
  },
};
