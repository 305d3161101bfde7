// Somebody on the bus who is told of commits, as any service could be.
import { Bus, RedisLink } from '@macronode/bus';
import { RegistryCommitted, TOPICS } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';

const SERVICE = 'verification';

export class CommitListener implements AsyncDisposable {
  /** Versions it was told of. */
  readonly heard = new Set<number>();
  readonly #link: RedisLink;
  readonly #bus: Bus;

  private constructor(redisUrl: string) {
    const metrics = new MetricsRegistry().scope({ service: SERVICE });
    this.#link = new RedisLink({ url: redisUrl, name: SERVICE, metrics });
    this.#bus = new Bus({ service: SERVICE, link: this.#link, metrics });
  }

  /** It listens when this resolves. */
  static async on(redisUrl: string): Promise<CommitListener> {
    const listener = new CommitListener(redisUrl);
    try {
      await listener.#bus.onHint(
        TOPICS.registryCommitted.name,
        (event) => listener.heard.add(RegistryCommitted.parse(event).version),
        () => undefined,
      );
      await listener.#bus.start();
    } catch (error) {
      await listener[Symbol.asyncDispose]();
      throw error;
    }
    return listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bus.close();
    await this.#link.close();
  }
}
