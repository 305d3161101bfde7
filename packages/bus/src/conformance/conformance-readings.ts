import { describe, expect, it } from 'vitest';
import { context, eventually, Gate, subject, topic, type World } from './conformance-world.ts';

export function readingConformance(world: () => World): void {
  describe('what is counted', () => {
    const metric = (name: string, labels = ''): Promise<number> => world().metric(name, labels);

    it('tells what waits, how old it is, and how much more fits', async () => {
      const gate = new Gate();
      let running = 0;
      const server = await world().bus('b', { limits: { handlerConcurrency: 1 } });
      server.serve('b.wait', async () => {
        running += 1;
        await gate.opened;
      });
      await server.start();
      expect(await metric('bus_group_lag_entries', 'stream="request"')).toBe(0);
      expect(await metric('bus_group_lag_known_state', 'service="b-0",stream="request"')).toBe(1);
      expect(await metric('bus_live_consumers', 'service="b-0"')).toBe(1);
      expect(await metric('bus_credits', 'service="b-0"')).toBe(1);
      expect(await metric('bus_link_state', 'service="b-0"')).toBe(1);
      const client = await world().started('a');
      const calls = [client.call(subject('b.wait'), 0, context())];
      await eventually(() => running === 1, 'the only slot is taken');
      for (let n = 0; n < 5; n += 1) {
        calls.push(client.call(subject('b.wait'), n, context()));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await eventually(async () => (await metric('bus_group_lag_entries', 'stream="request"')) > 0, 'some wait');
      await eventually(async () => (await metric('bus_group_lag_seconds', 'stream="request"')) > 0, 'and grow older');
      expect(await metric('bus_group_lag_known_state', 'service="b-0",stream="request"')).toBe(1);
      expect(await metric('bus_stream_depth_frames', 'stream="request"')).toBe(6);
      expect(await metric('bus_stream_limit_frames', 'stream="request"')).toBeGreaterThan(6);
      expect(await metric('bus_stream_limit_bytes', 'stream="request"')).toBeGreaterThan(1_000);
      expect(await metric('bus_credits', 'service="b-0"')).toBe(0);
      expect(await metric('bus_pending_entries')).toBeGreaterThan(0);
      gate.open();
      await Promise.all(calls);
      await eventually(async () => (await metric('bus_stream_depth_frames')) === 0, 'all is settled');
      expect(await metric('bus_group_lag_entries')).toBe(0);
      expect(await metric('bus_trimmed_entries_total')).toBe(0);
    });

    it('counts a message once on every side it passes', async () => {
      const server = await world().bus('b');
      server.serve('b.echo', (payload) => payload);
      server.serve('b.fails', () => Promise.reject(new Error('x')));
      server.serve('b.on', (payload, ctx) => ctx.forward(subject('b.echo'), payload));
      let worked = 0;
      await server.onWork('jobs.made', 'b', () => (worked += 1));
      await server.start();
      const client = await world().started('a');
      await Promise.all(Array.from({ length: 20 }, (_, n) => client.call(subject('b.echo'), n, context())));
      await client.call(subject('b.on'), 1, context());
      await client.call(subject('b.fails'), 1, context()).catch(() => undefined);
      await client.call(subject('b.none'), 1, context()).catch(() => undefined);
      await client.publishWork(topic('jobs.made'), 1, context());
      await eventually(() => worked === 1, 'the work is done');
      expect(await metric('bus_published_total')).toBe(20 + 2 + 1 + 1 + 1);
      expect(await metric('bus_received_total', 'kind="request"')).toBe(24);
      expect(await metric('bus_received_total', 'kind="work"')).toBe(1);
      expect(await metric('bus_received_total', 'kind="inbox"')).toBe(23);
      expect(await metric('bus_replied_total', 'outcome="value"')).toBe(21);
      expect(await metric('bus_replied_total', 'outcome="forward"')).toBe(1);
      expect(await metric('bus_replied_total', 'outcome="error"')).toBe(1);
      expect(await metric('bus_replied_total', 'outcome="refusal"')).toBe(1);
      expect(await metric('bus_requests_total')).toBe(23);
      expect(await metric('bus_queue_wait_seconds_count', 'side="server"')).toBe(24);
      expect(await metric('bus_queue_wait_seconds_count', 'side="client"')).toBe(await metric('bus_batch_bytes_count'));
      expect(await metric('bus_batch_frames_sum')).toBe(25 + 23);
      await client.drain(1_000);
      expect(await metric('bus_drain_seconds', 'service="a-1"')).toBeGreaterThan(0);
      expect(await metric('metrics_misuses_total')).toBe(0);
    });
  });
}
