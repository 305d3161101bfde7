import { Bus, type Link, StreamReply } from '@macronode/bus';
import {
  type RegistryAnswer,
  type RegistryCall,
  type RegistryCommitted,
  type RegistryHead,
  SUBJECTS,
  TOPICS,
} from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';

const { registry } = SUBJECTS;
const APPROVALS: readonly unknown[] = [];
const hash = (version: number): string => `b3:${version.toString(16).padStart(64, '0')}`;

type Answering = (call: RegistryCall) => RegistryAnswer | StreamReply | Promise<RegistryAnswer | StreamReply>;

/** For this module's test: a registry at the other end of the bus, its log a number of versions that follow from it. */
export class RegistryResponder implements AsyncDisposable {
  readonly calls: RegistryCall[] = [];
  version = 0;
  /** Answers every call but those that read the log; replaced by tests. */
  answering: Answering = () => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    bytes: Buffer.from('{}'),
  });
  readonly #bus: Bus;

  constructor(link: Link) {
    this.#bus = new Bus({ service: 'registry', link, metrics: new MetricsRegistry().scope({ service: 'registry' }) });
    const answer = (payload: unknown): ReturnType<Answering> => this.#answer(registry.read.request.parse(payload));
    this.#bus.serve(registry.read.name, answer);
    this.#bus.serve(registry.write.name, answer, { idempotent: false });
  }

  async start(): Promise<void> {
    await this.#bus.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bus.close();
  }

  commitOf(version: number): RegistryCommitted {
    return {
      version,
      payload_b3: hash(version),
      entry_b3: hash(version + 0x10_000),
      committed_at: '2026-01-01T00:00:00.000Z',
    };
  }

  /** Commits, and tells of it unless the hint is to be lost. */
  async commit(told = true): Promise<void> {
    this.version += 1;
    if (!told) return;
    await this.#bus.publishHint(TOPICS.registryCommitted, this.commitOf(this.version), { corrId: 'commit' });
  }

  #answer(call: RegistryCall): ReturnType<Answering> {
    this.calls.push(call);
    if (call.route === 'registryHead' && call.if_none_match === undefined) return this.#head();
    if (call.route === 'registryLog') return new StreamReply({ status: 200, headers: {} }, this.#log(call));
    return this.answering(call);
  }

  #head(): RegistryAnswer {
    const { version } = this;
    const head: RegistryHead =
      version === 0
        ? { version, payload_b3: null, entry_b3: null, committed_at: null, checkpoint_size: 0 }
        : { ...this.commitOf(version), checkpoint_size: version };
    return {
      status: 200,
      headers: { 'content-type': 'application/json', etag: `"v${String(version)}"` },
      bytes: Buffer.from(JSON.stringify(head)),
    };
  }

  async *#log({ query }: RegistryCall): AsyncGenerator<Uint8Array> {
    const after = Number(query.after ?? 0);
    const to = Math.min(this.version, after + Number(query.limit ?? 1_000));
    for (let version = after + 1; version <= to; version += 1) {
      const { entry_b3, payload_b3, committed_at } = this.commitOf(version);
      const prev_hash = version === 1 ? null : this.commitOf(version - 1).entry_b3;
      const leaf = { schema_version: '1.0.0', version, kind: 'set', payload_b3, payload_size: 2, prev_hash };
      const line = {
        entry_b3,
        leaf: { ...leaf, signer_set_version: 0, approvals: APPROVALS, committed_at },
        payload: {},
      };
      await Promise.resolve();
      yield Buffer.from(`${JSON.stringify(line)}\n`);
    }
  }
}
