import { Redis } from 'ioredis';
import { freePort, RedisProcess, until } from './redis-fixture.ts';
import { CLUSTER_SLOTS } from './redis-slots.ts';

interface Member {
  readonly process: RedisProcess;
  readonly admin: Redis;
  readonly id: string;
}

/** A Redis cluster of the test's own on loopback: primaries only, every slot served. */
export class RedisCluster {
  readonly url: string;
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.#members = members;
    this.url = `redis+cluster://${members.map(({ process }) => `127.0.0.1:${process.port}`).join()}`;
  }

  static async start(nodes = 3): Promise<RedisCluster> {
    const members = await Promise.all(Array.from({ length: nodes }, (_, at) => startMember(at, nodes)));
    const cluster = new RedisCluster(members);
    try {
      await cluster.#meet();
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
    return cluster;
  }

  /** Each node by itself. */
  get nodeUrls(): readonly string[] {
    return this.#members.map(({ process }) => process.url);
  }

  get admins(): readonly Redis[] {
    return this.#members.map(({ admin }) => admin);
  }

  /** Number of the node that serves a slot, as the first node says. */
  async ownerOf(slot: number): Promise<number> {
    const owner = await ownerSeenBy(this.#member(0).admin, slot);
    return this.#members.findIndex(({ id }) => id === owner);
  }

  /** Moves a slot with all its keys, as an operator's tool does: key by key, while it is served. */
  async moveSlot(slot: number, to: number): Promise<void> {
    const source = this.#member(await this.ownerOf(slot));
    const target = this.#member(to);
    await target.admin.cluster('SETSLOT', slot, 'IMPORTING', source.id);
    await source.admin.cluster('SETSLOT', slot, 'MIGRATING', target.id);
    for (;;) {
      const keys = await source.admin.cluster('GETKEYSINSLOT', slot, 1);
      const [key] = keys;
      if (key === undefined) break;
      await source.admin.call('MIGRATE', '127.0.0.1', target.process.port, key, 0, 5_000);
    }
    for (const { admin } of [target, source]) await admin.cluster('SETSLOT', slot, 'NODE', target.id);
    await until(async () => {
      const owners = await Promise.all(this.admins.map((admin) => ownerSeenBy(admin, slot)));
      return owners.every((owner) => owner === target.id);
    }, `every node knows that slot ${slot} moved`);
  }

  async dispose(): Promise<void> {
    for (const { admin } of this.#members) admin.disconnect();
    await Promise.all(this.#members.map(({ process }) => process.dispose()));
  }

  async #meet(): Promise<void> {
    const [first, ...others] = this.#members;
    for (const { process } of others) {
      const bus = await busPortOf(process);
      await first?.admin.cluster('MEET', '127.0.0.1', process.port, bus);
    }
    await until(
      async () => {
        const states = await Promise.all(this.admins.map((admin) => admin.cluster('INFO')));
        return states.every(
          (state) => state.includes('cluster_state:ok') && state.includes(`cluster_slots_ok:${CLUSTER_SLOTS}`),
        );
      },
      'the cluster is whole',
      20_000,
    );
  }

  #member(at: number): Member {
    const member = this.#members[at];
    if (member === undefined) throw new Error(`the cluster has no node ${at}`);
    return member;
  }
}

async function startMember(at: number, nodes: number): Promise<Member> {
  const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '5000', '--cluster-config-file', 'nodes.conf'];
  const process = await RedisProcess.start([...cluster, '--cluster-port', String(await freePort())]);
  const admin = new Redis(process.url, { maxRetriesPerRequest: 3 });
  admin.on('error', () => undefined);
  const share = (of: number): number => Math.floor((CLUSTER_SLOTS * of) / nodes);
  await admin.cluster('ADDSLOTSRANGE', share(at), share(at + 1) - 1);
  await admin.cluster('SET-CONFIG-EPOCH', at + 1);
  return { process, admin, id: await admin.cluster('MYID') };
}

async function busPortOf(process: RedisProcess): Promise<number> {
  const admin = new Redis(process.url);
  const [, port] = (await admin.config('GET', 'cluster-port')) as [string, string];
  admin.disconnect();
  return Number(port);
}

async function ownerSeenBy(admin: Redis, slot: number): Promise<string | undefined> {
  const range = (await admin.cluster('SLOTS')).find(([from, to]) => from <= slot && slot <= to);
  return range?.[2]?.[2];
}
