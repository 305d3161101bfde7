import { Bus, type BusSubject, InProcessLink } from '@macronode/bus';
import { MetricsRegistry } from '@macronode/metrics';
import { type Bench, type BenchCase, perOperation } from '../bench-harness.ts';
import { makePayload, type PayloadName } from './bus/payloads.ts';

const passing = { parse: (value: unknown): unknown => value };
const SUBJECT: BusSubject<unknown, unknown> = {
  name: 'bench.echo',
  service: 'bench',
  request: passing,
  reply: passing,
  stream: 'none',
  idempotent: true,
  deadlineMs: 10_000,
};

/** Calls with `concurrency` in flight. */
function calling(bus: Bus, concurrency: number, payloadName: PayloadName): BenchCase['work'] {
  const payload = makePayload(payloadName);
  return async (count) => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await bus.call(SUBJECT, payload, { corrId: left.toString(36).padStart(26, '0') });
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
  };
}

const perSecond = { unit: 'calls/s', measure: (count: number, elapsedMs: number) => (count * 1_000) / elapsedMs };

/** The link of the micronode: everything encoded, bounded and metered as over Redis, in one process. */
export const busInProcess: Bench = {
  summary: 'request and reply over the in-process link, caller and handler on one core',
  prepare: async () => {
    const link = new InProcessLink();
    const registry = new MetricsRegistry();
    const make = (service: string): Bus => new Bus({ service, link, metrics: registry.scope({ service }) });
    const [server, caller] = [make('bench'), make('caller')];
    server.serve(SUBJECT.name, (request) => request);
    await server.start();
    await caller.start();
    return {
      cases: [
        { name: '256 B, 512 in flight', ...perSecond, work: calling(caller, 512, '256') },
        { name: '256 B, 1 in flight', unit: 'ns/call', measure: perOperation, work: calling(caller, 1, '256') },
        { name: '64 KiB of bytes, 64 in flight', ...perSecond, work: calling(caller, 64, '65536_binary') },
      ],
      dispose: async () => {
        await caller.close();
        await server.close();
        await link.close();
      },
    };
  },
};
