import { Redis } from 'ioredis';
import type { Consumer, ConsumeOptions, Delivery } from '../link.ts';
import { redisUrl, uniqueNamespace } from './redis-fixture.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisLinkBounds, RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import { StreamKeys } from './stream-keys.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (entry: Uint8Array): string => new TextDecoder().decode(entry);

/** Every link of a test, under one namespace that is removed afterwards. */
export class Bench {
  readonly namespace = uniqueNamespace();
  readonly keys = new StreamKeys(this.namespace);
  readonly admin = new Redis(redisUrl(), { maxRetriesPerRequest: 3 });
  readonly events: RedisLinkEvent[] = [];
  readonly #links: RedisLink[] = [];

  async link(
    options: { name?: string; bounds?: Partial<RedisLinkBounds>; timings?: Partial<RedisLinkTimings> } = {},
  ): Promise<RedisLink> {
    const link = new RedisLink({
      url: redisUrl(),
      namespace: this.namespace,
      name: options.name ?? this.namespace,
      bounds: options.bounds,
      timings: { block: 500, ...options.timings },
      onEvent: (event) => this.events.push(event),
    });
    this.#links.push(link);
    await link.start();
    return link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
    const keys = await this.admin.keys(this.keys.everything);
    if (keys.length > 0) await this.admin.del(keys);
    this.admin.disconnect();
  }
}

/** A consumer that keeps what it gets. */
export class Collector implements ConsumeOptions {
  readonly deliveries: Delivery[] = [];
  consumer: Consumer | undefined;
  credit = 1_000;
  settles = true;

  readonly credits = (): number => this.credit;
  readonly onDelivery = (delivery: Delivery): void => {
    this.deliveries.push(delivery);
    if (this.settles) this.consumer?.settle(delivery);
  };

  get texts(): string[] {
    return this.deliveries.map(({ entry }) => text(entry));
  }
}

export async function serve(link: RedisLink, service: string, instance: string, credit = 1_000): Promise<Collector> {
  const collector = new Collector();
  collector.credit = credit;
  collector.consumer = await link.consumeRequests(service, 'fast', instance, collector);
  // What came before we knew the consumer could not be settled by it.
  if (collector.settles) for (const delivery of collector.deliveries) collector.consumer.settle(delivery);
  return collector;
}
