import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InProcessLink } from '@macronode/bus';
import { RegistrySigners } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { type RunningNode, type ServiceDefinition, startNode } from '@macronode/service';
import type { RegistryConfig } from './config.ts';
import { genesisOf, type TestSigner } from './log-fixture.ts';
import { RegistryDriver } from './registry-driver-fixture.ts';

export interface BootOptions {
  /** Holds the data and the genesis file; one for each registry. */
  readonly folder: string;
  readonly members: readonly TestSigner[];
  readonly m: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A registry started as its process starts, on ports of its own, with a client that signs. */
export class BootedRegistry implements AsyncDisposable {
  readonly node: RunningNode;
  readonly driver: RegistryDriver;

  private constructor(node: RunningNode) {
    this.node = node;
    this.driver = new RegistryDriver(node.httpUrl ?? '');
  }

  static async boot(
    service: ServiceDefinition<RegistryConfig>,
    { folder, members, m, env = {} }: BootOptions,
  ): Promise<BootedRegistry> {
    const genesis = join(folder, 'genesis.json');
    writeFileSync(genesis, JSON.stringify(genesisOf(members, m)));
    const link = new InProcessLink({ metrics: new MetricsRegistry().scope({ service: 'registry' }) });
    const node = await startNode({
      services: [service],
      profile: 'macronode',
      link,
      env: {
        OPS_PORT: '0',
        OPS_HOST: '127.0.0.1',
        REGISTRY_PORT: '0',
        REGISTRY_HTTP_HOST: '127.0.0.1',
        REGISTRY_GENESIS: genesis,
        REDIS_URL: 'redis://127.0.0.1:1',
        DATA_DIR: join(folder, 'data'),
        LOG_LEVEL: 'silent',
        REGISTRY_LEASE_WAIT_S: '0',
        ...env,
      },
    });
    return new BootedRegistry(node);
  }

  get url(): string {
    return this.driver.url;
  }

  async signers(): Promise<RegistrySigners> {
    return RegistrySigners.parse(await (await fetch(`${this.url}/registry/signers`)).json());
  }

  async checkpoint(): Promise<string> {
    return (await fetch(`${this.url}/registry/tlog/checkpoint`)).text();
  }

  async metric(line: string): Promise<number> {
    const text = await (await fetch(`${this.node.opsUrl}/metrics`)).text();
    const found = text
      .split('\n')
      .find((candidate) => candidate.startsWith(`${line} `) || candidate.startsWith(`${line}{`));
    return Number(found?.split(' ').at(-1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.close();
  }
}
