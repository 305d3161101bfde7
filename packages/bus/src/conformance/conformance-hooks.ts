import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { BusHooks } from '../hooks.ts';
import { context, eventually, rejection, subject, topic, type World } from './conformance-world.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const ROOT = `00-${TRACE}-00f067aa0ba902b7-01`;

interface Span {
  readonly what: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly ends: unknown[];
}

/** A tracer as small as can be: every span is a child of the trace context it was told. */
class Tracer {
  readonly spans: Span[] = [];
  readonly received: string[] = [];
  readonly current = new AsyncLocalStorage<string>();

  hooks(): BusHooks {
    return {
      onSend: ({ kind, subject: to, traceparent }) => this.#span(`${kind} ${to}`, traceparent),
      onReceive: ({ kind, frames, attempt }) => this.received.push(`${kind} ${frames.length} ${attempt}`),
      onHandle: (handled, { kind }) => {
        const span = this.#span(`${kind}ed ${handled.subject}`, handled.traceparent);
        return { ...span, run: (handler) => this.current.run(span.traceparent, handler) };
      },
    };
  }

  named(what: string): Span {
    const found = this.spans.filter((span) => span.what === what);
    expect(found, what).toHaveLength(1);
    return found[0] as Span;
  }

  #span(what: string, traceparent: string | undefined): { traceparent: string; end: (error?: unknown) => void } {
    const id = String(this.spans.length + 1).padStart(16, '0');
    const span: Span = { what, id, parent: traceparent?.split('-')[2], ends: [] };
    this.spans.push(span);
    return { traceparent: `00-${TRACE}-${id}-01`, end: (error) => span.ends.push(error) };
  }
}

export function hookConformance(world: () => World): void {
  describe('hooks', () => {
    it('make one chain of parents over a forward and a call, each span ended once', async () => {
      const tracer = new Tracer();
      const options = { hooks: tracer.hooks() };
      const b = await world().bus('b', options);
      b.serve('b.get', (payload, ctx) => ctx.forward(subject('c.get'), payload));
      const c = await world().bus('c', options);
      let inside: string | undefined;
      c.serve('c.get', async (payload, ctx) => {
        const reply = await ctx.call(subject('d.get'), payload);
        inside = tracer.current.getStore();
        return reply;
      });
      const d = await world().bus('d', options);
      d.serve('d.get', () => 'answer');
      for (const bus of [b, c, d]) await bus.start();
      const a = await world().started('a', options);
      expect(await a.call(subject('b.get'), 1, context({ traceparent: ROOT }))).toBe('answer');
      const chain = [
        'request b.get',
        'requested b.get',
        'forward c.get',
        'requested c.get',
        'request d.get',
        'requested d.get',
      ];
      await eventually(() => tracer.spans.every(({ ends }) => ends.length > 0), 'all spans ended');
      let parent = '00f067aa0ba902b7';
      for (const what of chain) {
        const span = tracer.named(what);
        expect(span.parent, what).toBe(parent);
        expect(span.ends, what).toEqual([undefined]);
        parent = span.id;
      }
      expect(tracer.spans).toHaveLength(chain.length);
      expect(inside).toBe(`00-${TRACE}-${tracer.named('requested c.get').id}-01`);
      expect(tracer.received).toEqual(['request 1 1', 'request 1 1', 'request 1 1']);
    });

    it('see every other end once too: errors, deadlines, cancels, refusals and streams', async () => {
      const tracer = new Tracer();
      const b = await world().bus('b', { hooks: tracer.hooks() });
      const failure = Object.assign(new Error('no'), { code: 'not_found', retryable: false });
      b.serve('b.throws', () => {
        throw failure;
      });
      b.serve('b.rejects', () => Promise.reject(failure));
      b.serve('b.never', () => new Promise(() => undefined));
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        for (let n = 0; n < 100; n += 1) yield Buffer.alloc(32 * 1024);
      };
      b.serve('b.stream', (whole, ctx) => ctx.stream(whole, chunks()));
      await b.start();
      const a = await world().started('a', { hooks: tracer.hooks() });
      await rejection(a.call(subject('b.throws'), 1, context()));
      await rejection(a.call(subject('b.rejects'), 1, context()));
      await rejection(a.call(subject('b.never'), 1, context({ ttlMs: 150 })));
      await rejection(a.call(subject('z.nobody'), 1, context()));
      const whole = await a.read(subject('b.stream'), true, context());
      for await (const chunk of whole.body) expect(chunk.length).toBeGreaterThan(0);
      await eventually(() => tracer.spans.every(({ ends }) => ends.length > 0), 'all spans ended');
      const ends = (what: string): unknown[] => tracer.named(what).ends;
      for (const name of ['b.throws', 'b.rejects']) {
        expect(ends(`request ${name}`)).toMatchObject([{ name: 'RemoteError', code: 'not_found' }]);
        expect(ends(`requested ${name}`)).toEqual([failure]);
      }
      expect(ends('request b.never')).toMatchObject([{ name: 'BusDeadline' }]);
      expect(ends('requested b.never')).toMatchObject([{ name: 'TimeoutError' }]);
      expect(ends('request z.nobody')).toMatchObject([{ name: 'BusNoResponders' }]);
      expect(ends('request b.stream')).toEqual([undefined]);
      expect(ends('requested b.stream')).toEqual([undefined]);
      const part = await a.read(subject('b.stream'), false, context());
      part.body.cancel();
      await eventually(() => tracer.spans.every((span) => span.ends.length > 0), 'the canceled stream ended');
      expect(tracer.spans.at(-1)?.ends).toMatchObject([{ name: 'BusCanceled' }]);
      expect(tracer.spans.every((span) => span.ends.length === 1)).toBe(true);
    });

    it('follow work and hints from who publishes to who handles', async () => {
      const tracer = new Tracer();
      const b = await world().bus('b', { hooks: tracer.hooks() });
      const seen: (string | undefined)[] = [];
      await b.onWork('jobs.made', 'b', () => seen.push(tracer.current.getStore()));
      await b.onHint(
        'jobs.hint',
        () => seen.push(tracer.current.getStore()),
        () => undefined,
      );
      await b.start();
      const a = await world().started('a', { hooks: tracer.hooks() });
      await a.publishWork(topic('jobs.made'), 1, context({ traceparent: ROOT }));
      await a.publishHint(topic('jobs.hint'), 1, context({ traceparent: ROOT }));
      await eventually(() => tracer.spans.length === 4 && tracer.spans.every(({ ends }) => ends.length === 1), 'ended');
      expect(tracer.named('worked jobs.made').parent).toBe(tracer.named('work jobs.made').id);
      expect(tracer.named('hinted jobs.hint').parent).toBe(tracer.named('hint jobs.hint').id);
      expect(seen.every((trace) => trace !== undefined)).toBe(true);
      expect([...tracer.received].sort()).toEqual(['hint 1 1', 'work 1 1']);
    });

    it('that throw break no message and are counted; handlers run once', async () => {
      const fails = (): never => {
        throw new Error('a broken tracer');
      };
      let runs = 0;
      const spans: BusHooks = {
        onSend: () => ({ traceparent: 'garbage', end: fails }),
        onReceive: fails,
        onHandle: () => ({
          run: (handler) => {
            handler();
            return fails();
          },
          end: fails,
        }),
      };
      const b = await world().bus('b', { hooks: spans });
      b.serve('b.get', (_payload, ctx) => {
        runs += 1;
        return ctx.traceparent;
      });
      await b.start();
      const a = await world().started('a', { hooks: spans });
      expect(await a.call(subject('b.get'), 1, context({ traceparent: ROOT }))).toBe(ROOT);
      const c = await world().started('c', { hooks: { onSend: fails, onHandle: fails } });
      expect(await c.call(subject('b.get'), 1, context())).toBeUndefined();
      expect(runs).toBe(2);
      expect(await world().metric('bus_hook_failures_total')).toBeGreaterThanOrEqual(4);
    });
  });
}
