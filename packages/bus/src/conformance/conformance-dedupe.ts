import { describe, expect, it } from 'vitest';
import type { BusHandler } from '../bus-context.ts';
import { BusOutcomeUnknown, BusUnavailable } from '../errors.ts';
import type { Link } from '../link.ts';
import { encodeEntry } from '../wire/codec.ts';
import { frame, KIND } from '../wire/frame.ts';
import { context, eventually, Gate, rejection, subject, type World } from './conformance-world.ts';

const once = subject('b.once');

/** A link whose claims fail as they do while the medium is away; all else is as it is. */
const withoutClaims = (link: Link): Link =>
  new Proxy(link, {
    get: (target, name) => {
      if (name === 'claim') return () => Promise.reject(new BusUnavailable());
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

export function dedupeConformance(world: () => World): void {
  describe('the dedupe window', () => {
    const duplicates = (action: string): Promise<number> =>
      world().metric('bus_duplicates_total', `action="${action}"`);

    it('starts a request to a non-idempotent handler once, however often its entry is delivered', async () => {
      const gate = new Gate();
      let runs = 0;
      const server = await world().bus('b');
      const handler: BusHandler = async () => {
        runs += 1;
        await gate.opened;
      };
      server.serve('b.once', handler, { idempotent: false });
      await server.start();
      const client = await world().started('a');
      const entry = encodeEntry([
        frame(KIND.REQ, { call: 77, replyTo: client.instance, route: 'b.once', ttlMs: 60_000 }),
      ]);
      const link = world().linkOf(client);
      await link.appendRequest('b', 'fast', entry, 1);
      await eventually(() => runs === 1, 'the first runs');
      await link.appendRequest('b', 'fast', entry, 1);
      await eventually(async () => (await duplicates('dropped')) === 1, 'the second is dropped beside the first');
      gate.open();
      await eventually(async () => (await world().metric('bus_replies_orphaned_total')) === 1, 'the first is answered');
      await link.appendRequest('b', 'fast', entry, 1);
      await eventually(async () => (await duplicates('outcome_unknown')) === 1, 'the third is answered, not run');
      expect(runs).toBe(1);
    });

    for (const idempotent of [false, true]) {
      it(`${idempotent ? 'runs an idempotent handler again' : 'tells that the outcome is unknown'} when its instance was killed`, async () => {
        world().medium({ minIdleMs: 400 });
        let runs = 0;
        const first = await world().bus('b');
        const never = new Promise(() => undefined);
        first.serve('b.once', () => ((runs += 1), never), { idempotent });
        await first.start();
        const client = await world().started('a');
        const answer = client.call(once, 1, context({ ttlMs: 20_000 })).catch((error: unknown) => error);
        await eventually(() => runs === 1, 'the first instance runs it');
        const second = await world().bus('b');
        second.serve('b.once', () => (runs += 1), { idempotent });
        await second.start();
        await world().kill(first);
        const settled = await answer;
        if (idempotent) expect(settled).toBe(2);
        else {
          expect(settled).toBeInstanceOf(BusOutcomeUnknown);
          expect(settled).toMatchObject({ code: 'outcome_unknown', retryAfterMs: 1_000 });
        }
        expect(runs).toBe(idempotent ? 2 : 1);
        expect(await duplicates('outcome_unknown')).toBe(idempotent ? 0 : 1);
        expect(await world().metric('bus_replies_orphaned_total')).toBe(0);
        expect(await world().metric('bus_requests_total', idempotent ? 'result="ok"' : 'result="unknown"')).toBe(1);
      });
    }

    it('never runs a request it could not claim', async () => {
      let runs = 0;
      const link = withoutClaims(await world().medium().link());
      const server = await world().bus('b', { link });
      server.serve('b.once', () => (runs += 1), { idempotent: false });
      server.serve('b.free', () => 'free');
      await server.start();
      const client = await world().started('a');
      expect(await rejection(client.call(once, 1, context()))).toBeInstanceOf(BusUnavailable);
      expect(await client.call(subject('b.free'), 1, context())).toBe('free');
      expect(runs).toBe(0);
    });

    it('runs different requests at full concurrency, each once', async () => {
      const seen = new Map<unknown, number>();
      const server = await world().bus('b');
      server.serve('b.once', (n) => void seen.set(n, (seen.get(n) ?? 0) + 1), { idempotent: false });
      await server.start();
      const client = await world().started('a');
      await Promise.all(Array.from({ length: 600 }, (_, n) => client.call(once, n, context())));
      expect(seen.size).toBe(600);
      expect(Math.max(...seen.values())).toBe(1);
      expect(await world().metric('bus_duplicates_total')).toBe(0);
    });
  });
}
